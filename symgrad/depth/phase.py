"""The (w, b) plane: what becomes of P_n for almost every z¹, and the curves where that changes.

Lemma. Let S be continuous and increasing with finitely many fixed points r_1 < ... < r_k. On each
interval between neighbours (r_0 = −oo, r_{k+1} = oo) S(z) − z has one sign, and every orbit that
starts there is monotone and tends to the end it moves towards. Proof: z < S(z) < r_{i+1} repeats by
monotony, so the orbit increases and is bounded by r_{i+1}; its limit is a fixed point, and there is
no other one. For T decreasing the lemma holds for S = T∘T.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy
from sympy import Eq, Expr, Interval, Ne, S, Symbol

from symgrad.activation import univariate
from symgrad.bounds import extrema, zeros
from symgrad.bounds.numbers import Real, is_closed
from symgrad.depth.law import KINDS
from symgrad.depth.map import LayerMap
from symgrad.errors import UndecidedError
from symgrad.fact import Derivation, Fact, Proved, Result, Step, Undecided
from symgrad.render import Block, Para, Table
from symgrad.rigor import constant, precision, sign
from symgrad.tails import tail

__all__ = ["Basin", "Phase", "boundaries", "phase"]

METHOD = Proved("monotone orbits (lemma of the phase room)")


@dataclass(frozen=True, slots=True)
class Basin:
    """Every orbit from `starts` tends to `limit`, where the slope of S is `multiplier`."""

    starts: sympy.Set
    limit: Expr
    multiplier: Expr
    kind: str


@dataclass(frozen=True, slots=True)
class Phase(Result):
    """What P_n does for every z¹ but the `exceptional` ones, fixed points that attract nothing.

    `period` is 2 where T decreases and the basins are those of T∘T.
    """

    basins: tuple[Basin, ...]
    exceptional: tuple[tuple[Expr, Expr], ...]
    period: int
    fact: Fact

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of law met, one for each basin."""
        return frozenset(b.kind for b in self.basins)

    def _blocks(self) -> Iterable[Block]:
        head = (
            "from",
            "to",
            "multiplier" if self.period == 1 else "multiplier of two layers",
            "P_n",
        )
        rows = tuple((b.starts, b.limit, b.multiplier, KINDS[b.kind]) for b in self.basins)
        if rows:
            yield Table(head, rows)
        for at, m in self.exceptional:
            yield Para("except exactly at ", at, ", where the multiplier is ", m)
        yield from self.fact._blocks()


def phase(g: Any, w: Any, b: Any = 0) -> Phase:
    """The law for almost every z¹ of T(z) = w g(z) + b, g monotone; `Undecided` otherwise.

    >>> from symgrad.catalogue import activation
    >>> sorted(phase(activation("sigmoid"), -8).kinds)
    ['geometric']
    """
    T = LayerMap.of(g, w, b)
    slope = extrema(T.slope, x=T.z)
    low, high = slope.inf.value, slope.sup.value
    if not slope.verdict or (_sign(low) < 0 < _sign(high)):
        return _undecided(T, "T is not monotone, so the lemma of monotone orbits does not apply")
    period = 1 if _sign(low) >= 0 else 2
    map_ = T.iterate(period)
    try:
        found = zeros(map_.expr - map_.z, x=map_.z)
        if not found.verdict or not isinstance(found.set, (sympy.FiniteSet, type(S.EmptySet))):
            return _undecided(
                T, f"the fixed points of T^{period} are not finitely many listed points"
            )
        basins = _basins(map_, found.points)
    except UndecidedError as why:
        return _undecided(T, str(why))
    reached = {basin.limit for basin in basins}
    exceptional = tuple((r, _slope(map_, r)) for r in found.points if r not in reached)
    T_ = sympy.Function("S")
    steps = (
        Step(slope.fact.statement, "the range of T'", slope.verdict),
        Step(found.fact.statement, f"the fixed points of S = T^{period}", found.verdict),
        *(
            Step(
                sympy.Contains(Symbol("z_1"), basin.starts, evaluate=False),
                f"S moves every point there towards {basin.limit}; P_n {KINDS[basin.kind]}",
                METHOD,
                (1, 2),
            )
            for basin in basins
        ),
        Step(Ne(T_(Symbol("z")), Symbol("z")), "off the fixed points", METHOD, (2,)),
    )
    claim = Eq(sympy.Symbol("limits"), sympy.FiniteSet(*reached), evaluate=False)
    fact = Fact(f"{T.name}.phase", claim, Derivation(steps), source="Devaney 1989, section 1.4")
    return Phase(basins, exceptional, period, fact)


def _basins(map_: LayerMap, fixed: tuple[Expr, ...]) -> tuple[Basin, ...]:
    ends = (-sympy.oo, *fixed, sympy.oo)
    found = []
    for lo, hi in pairwise(ends):
        rises = sign(map_.expr.xreplace({map_.z: (at := _between(lo, hi))}).doit() - at) > 0
        limit = hi if rises else lo
        near = map_.side(limit, -1 if rises else 1) if limit.is_finite else None
        piece = near or map_
        m = _slope(piece, limit)
        flat = not piece.slope.has(map_.z)
        found.append(Basin(Interval.open(lo, hi), limit, m, _kind(m, limit, flat)))
    return tuple(found)


def _between(lo: Expr, hi: Expr) -> Expr:
    if lo.is_infinite and hi.is_infinite:
        return S.Zero
    if lo.is_infinite:
        return sympy.floor(hi.n(30)) - 1
    if hi.is_infinite:
        return sympy.ceiling(lo.n(30)) + 1
    with precision(256):
        middle = (constant(lo, 256) + constant(hi, 256)) / 2
        return sympy.Rational(str(middle.mid().str(40, radius=False)))


def _slope(map_: LayerMap, at: Expr) -> Expr:
    if at.is_infinite:
        far = tail(map_.slope, at, terms=1, x=map_.z)
        return far.terms[0] if far.terms else S.Zero
    value: Any = map_.slope.xreplace({map_.z: at}).doit()
    return value if is_closed(value) else Real(value)


def _kind(m: Expr, limit: Expr, flat: bool) -> str:
    """The law where the slope near the limit is m; `flat` if it is m on the whole piece."""
    if m == 0:
        return "zero" if flat else "superattracting"
    size = _sign(abs(m) - 1)
    if size == 0:
        return "constant" if flat else "algebraic" if limit.is_finite else "undecided"
    return "geometric" if size < 0 else "exploding"


def _sign(value: Expr) -> int:
    if value.is_infinite:
        return 1 if value is S.Infinity else -1
    return sign(value)


def _undecided(T: LayerMap, why: str) -> Phase:
    step = Step(S.true, "monotone orbits", Undecided(why))
    return Phase((), (), 1, Fact(f"{T.name}.phase", S.true, Derivation((step,))))


def boundaries(g: Any, *, x: Symbol | None = None) -> dict[str, tuple[Expr, Expr]]:
    """The curves (w, b) on which a fixed point z has multiplier 1 (fold) or −1 (flip), in z.

    T(z) = z and w g'(z) = ±1 give w = ±1/g'(z), b = z − w g(z).

    >>> from symgrad.activation import X
    >>> from symgrad.catalogue import activation
    >>> boundaries(activation("tanh"))["fold"][0].subs(X, 0)
    1
    """
    f = univariate(g, x)
    value: Any = f.elementary
    slope: Any = value.diff(f.x)
    return {
        "fold": (1 / slope, f.x - value / slope),
        "flip": (-1 / slope, f.x + value / slope),
    }
