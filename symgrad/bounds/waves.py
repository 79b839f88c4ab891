"""Functions that oscillate for ever: a period, or one zero in each cell of a half line.

Lemma "cells" (docs/theorems/bounds.rst). Let h = A·cos(ωx) + B·sin(ωx) with A and
W = ω(A² + B²) − (A·B' − A'·B) of one sign, W > 0, for x ≥ X. Then every cell [kπ/ω, (k+1)π/ω]
beyond X holds exactly one zero of h, a simple one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy
from sympy import Dummy, Expr, FiniteSet, Integer, Poly, Rational, S, Set, Symbol

from symgrad.bounds.chart import Chart, chart
from symgrad.bounds.ends import Oscillates, end_of
from symgrad.errors import UnsupportedError
from symgrad.rigor.roots import isolate
from symgrad.rigor.search import Meter

__all__ = [
    "CellZero",
    "Cells",
    "cells",
    "is_wavy",
    "over_one_period",
    "period_of",
    "shifts",
    "wave_limit",
]

_WAVES = (sympy.sin, sympy.cos, sympy.tan, sympy.cot, sympy.sec, sympy.csc)


def is_wavy(f: Expr, x: Symbol) -> bool:
    """Whether a trigonometric function of an unbounded argument occurs."""
    return any(w.args[0].has(x) for w in f.atoms(*_WAVES))


def period_of(f: Expr, x: Symbol) -> Expr | None:
    """A T > 0 with f(x + T) = f(x) for all x, shown by exact algebra; None where none is found.

    >>> x = Symbol("x", real=True)
    >>> period_of(1 + 2 * sympy.sin(3 * x) * sympy.cos(2 * x), x)
    2*pi
    """
    waves: Any = f.atoms(*_WAVES)
    speeds = [w.args[0].diff(x) for w in waves if w.has(x)]
    if not speeds or any(not s.is_number or s == 0 for s in speeds):
        return None
    ratios = [sympy.cancel(s / speeds[0]) for s in speeds]
    if not all(r.is_Rational for r in ratios):
        return None
    common = sympy.ilcm(1, 1, *(r.q for r in ratios))
    divisor = sympy.igcd(0, 0, *(r.p * common // r.q for r in ratios))
    period = 2 * sympy.pi * common / (divisor * abs(speeds[0]))
    for whole in (period / 2, period):
        moved = f.subs(x, x + whole)
        table = {w: w.func(sympy.expand(w.args[0])) for w in moved.atoms(*_WAVES)}
        if sympy.expand(moved.xreplace(table) - f) == 0:
            return whole
    return None


def over_one_period(
    f: Expr, x: Symbol, lo: Expr, hi: Expr, meter: Meter | None = None
) -> Chart | None:
    """The chart of a periodic f over one period at an end of (lo, hi), or from 0."""
    period = period_of(f, x)
    if period is None:
        return None
    start = lo if lo.is_finite else hi - period if hi.is_finite else S.Zero
    return chart(f, x, start, start + period, meter)


def shifts(where: Set, period: Expr, on: Set) -> Set:
    """All points c + kT of `on`, for c in a finite set; written as an image of the integers."""
    if where is S.EmptySet:
        return where
    if not isinstance(where, FiniteSet):
        return on
    k = Symbol("k", integer=True)
    where, period = _evenly(where, period)
    families = [sympy.ImageSet(sympy.Lambda(k, c + k * period), S.Integers) for c in where.args]
    whole = sympy.Union(*families, evaluate=False) if len(families) > 1 else families[0]
    if on.inf is S.NegativeInfinity and on.sup is S.Infinity:
        return whole
    return sympy.Intersection(whole, on, evaluate=False)


def _evenly(where: FiniteSet, period: Expr) -> tuple[FiniteSet, Expr]:
    """One point and a shorter period, where n points of one period are evenly spaced."""
    points = sorted(where.args, key=lambda c: c.n(20))  # type: ignore[arg-type]
    gap = period / len(points)
    if any(sympy.expand(b - a - gap) != 0 for a, b in pairwise(points)):  # type: ignore[operator]
        return where, period
    return FiniteSet(points[0]), gap


def wave_limit(f: Expr, x: Symbol, end: Expr) -> tuple[Expr, ...]:
    """The limit toward ±oo as a 1-tuple, or (−oo, oo) where f swings without bound.

    Raises `Oscillates` where f stays bounded without a limit.
    """
    try:
        return (end_of(f, x, end, 1 if end is S.Infinity else -1).limit,)
    except Oscillates as swing:
        if swing.limit is not S.NaN:
            return (swing.limit,)
        ends = (S.NegativeInfinity, S.Infinity)
        wave = over_one_period(swing.wave, swing.variable, *ends) if swing.growing else None
        if wave is None:
            raise
        return tuple(e for e, s in zip(ends, (-1, 1), strict=True) if s in wave.signs)


class CellZero(sympy.Expr):
    """The one zero of h in the cell of index k; for a number k it is that exact constant."""

    is_real = True
    is_commutative = True

    def __new__(cls, k: Expr, h: sympy.Lambda, cell: sympy.Lambda) -> Any:
        k = sympy.sympify(k)
        if isinstance(k, Integer):
            (x,) = h.variables
            lo, hi = cell(k)  # type: ignore[misc]
            (root,) = isolate(h.expr, x, lo, hi)  # type: ignore[arg-type]
            return root.at
        return super().__new__(cls, k, h, cell)

    @property
    def free_symbols(self) -> set[Any]:
        return self.args[0].free_symbols

    def _sympystr(self, printer: Any) -> str:
        lo, hi = self.args[2](self.args[0])  # type: ignore[operator]
        return f"zero_in({printer._print(lo)}, {printer._print(hi)})"

    def _latex(self, printer: Any) -> str:
        lo, hi = self.args[2](self.args[0])  # type: ignore[operator]
        return rf"\operatorname{{zero}}\left({printer._print(lo)}, {printer._print(hi)}\right)"


@dataclass(frozen=True, slots=True)
class Cells:
    """h has exactly one zero in each cell(k), k ≥ first (k ≤ first toward −oo), simple."""

    h: Expr
    x: Symbol
    cell: sympy.Lambda
    first: int
    toward: Expr
    start: Expr

    @property
    def set(self) -> sympy.Set:
        """The zeros as an indexed family."""
        k = Symbol("k", integer=True)
        zero = CellZero(k, sympy.Lambda(self.x, self.h), self.cell)
        ends = (
            (self.first, S.Infinity) if self.toward is S.Infinity else (-S.Infinity, self.first + 1)
        )
        return sympy.ImageSet(sympy.Lambda(k, zero), sympy.Range(*ends))

    def zero(self, k: int) -> Expr:
        """The zero in the cell of that index."""
        return CellZero(Integer(k), sympy.Lambda(self.x, self.h), self.cell)


def cells(
    p: Expr, x: Symbol, toward: Expr, meter: Meter | None = None, beyond: Expr = S.Zero
) -> Cells:
    """The zeros of p = A·cos(ωx) + B·sin(ωx) beyond some point, one in each cell.

    A finite `beyond` is a point that the cells stay away from.

    Raises `UnsupportedError` where p has another shape or the lemma does not apply.
    """
    side = 1 if toward is S.Infinity else -1
    omega, a, b = _shape(p.subs(x, side * x), x)
    k = Symbol("k", integer=True)
    half = Rational(1, 2)
    for lead, shift in ((a, S.Zero), (b, half)):
        wronskian = omega * (a**2 + b**2) - (a * b.diff(x) - a.diff(x) * b)
        starts: list[Any] = [_settled(e, x, meter) for e in (lead, wronskian)]
        if None in starts:
            continue
        if beyond.is_finite:
            starts.append(side * beyond)
        start = max((s.n(20) for s in starts), default=S.Zero)
        first = max(0, int(sympy.floor(start * omega / sympy.pi + shift))) + 1
        ends = [(k - shift) * sympy.pi / omega, (k + 1 - shift) * sympy.pi / omega]
        if side < 0:
            ends = [-ends[1].subs(k, -k), -ends[0].subs(k, -k)]
            first = -first
        cell: Any = sympy.Lambda(k, sympy.Tuple(*map(sympy.expand, ends)))
        border = cell(first)[0 if side > 0 else 1]
        return Cells(p, x, cell, first, toward, border)
    raise UnsupportedError(f"the zeros of {p} toward {toward} have no cells here")


def _shape(p: Expr, x: Symbol) -> tuple[Expr, Expr, Expr]:
    """(ω, A, B) with p = A·cos(ωx) + B·sin(ωx), A and B without waves."""
    flat: Any = sympy.expand(p)
    waves = [w for w in flat.atoms(*_WAVES) if w.has(x)]
    speeds = {w.args[0] / x for w in waves}
    if len(speeds) == 1 and all(isinstance(w, (sympy.sin, sympy.cos)) for w in waves):
        (omega,) = speeds
        s, c = Dummy("s"), Dummy("c")
        named: Any = flat.xreplace({sympy.sin(omega * x): s, sympy.cos(omega * x): c})
        if omega.is_positive and not named.has(*_WAVES) and named.is_polynomial(s, c):
            poly = Poly(named, s, c)
            if set(poly.monoms()) <= {(1, 0), (0, 1)}:
                return omega, poly.nth(0, 1), poly.nth(1, 0)
    raise UnsupportedError(
        f"{p} is not of the form A·cos(ωx) + B·sin(ωx); its zeros are not listed"
    )


def _settled(e: Expr, x: Symbol, meter: Meter | None) -> Expr | None:
    """A point beyond which e has a sign, positive for the W of the lemma; None if it is zero."""
    signs = chart(e, x, S.Zero, S.Infinity, meter)
    if signs.signs[-1] == 0:
        return None
    return signs.zeros[-1].at if signs.zeros else S.Zero
