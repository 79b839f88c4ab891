"""What a function becomes far out: its germ (see `symgrad.tails`), and that germ in floats.

A decay or growth that leaves the floats; x^a·q(1/x) + b·log x with a smooth q; or a wave. The place
from which a series in 1/x is good to 2^-57 is found, not assumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from flint import arb, arb_poly
from sympy import Expr, Rational, Symbol

from symgrad.activation import univariate
from symgrad.errors import SymgradError
from symgrad.kernels.fit import EPS, horner
from symgrad.kernels.forms import split
from symgrad.kernels.runtime import Laurent
from symgrad.kernels.smooth import BITS, LogAbs, Smooth, as_float, log2_abs
from symgrad.rigor import constant, precision
from symgrad.tails.constants import expr as exact
from symgrad.tails.field import Field
from symgrad.tails.germ import germ

__all__ = ["Far", "far", "in_reciprocals", "last_finite", "log2_size"]

_TERMS = 4
_DEGREES = (0, 1, 2, 3, 4, 6, 8, 10, 12)


@dataclass(frozen=True, slots=True)
class Far:
    """f(sign·y) as y → ∞: head·y^power + logs·log y + ... ('power'), or another kind.

    'decay' and 'growth' hold a factor exp(S); 'wave' is what oscillates or has no known germ.
    `limit` is the float that f tends to, nan for none; `waves` says that a later term oscillates.
    """

    kind: str
    sign: int
    limit: float
    power: Rational = sympy.S.Zero
    head: Expr = sympy.S.Zero
    logs: Expr = sympy.S.Zero
    waves: bool = False


@lru_cache(maxsize=256)
def _germ(f: Expr, x: Symbol, sign: int) -> Any:
    toward = sympy.S.Infinity if sign > 0 else sympy.S.NegativeInfinity
    try:
        return germ(univariate(f, x), toward, _TERMS, Field({}))
    except SymgradError:
        return None


def far(f: Smooth, sign: int) -> Far:
    """What f becomes toward sign·∞, by the leading terms of its germ."""
    if not f.expr.has(f.x):
        return Far("power", sign, f.constant)
    found = _germ(f.expr, f.x, sign)
    if found is None:
        limit = far(f.inner, sign).limit if isinstance(f, LogAbs) else math.nan
        return Far("wave", sign, -math.inf if limit == 0 else math.nan, waves=True)
    scale, terms = found.scale, found.model.terms
    if not terms:
        return Far("power", sign, 0.0)
    (m, c), y = terms[0], scale.x
    growth = scale.sign(m)
    if exact(c).has(y):
        return Far("wave", sign, 0.0 if growth < 0 else math.nan, waves=True)
    end = math.inf if growth > 0 else 0.0
    limit = math.copysign(end, scale.field.sign(c))
    if not growth:
        limit = as_float(constant(exact(c), BITS))
    if m.exps:
        return Far("growth" if growth > 0 else "decay", sign, limit)
    plain: list[Any] = [(exact(n), *map(exact, k.powers)) for k, n in terms if not k.exps]
    waves = any(p[0].has(y) for p in plain)
    powers: dict[Any, Any] = {p[1] if p[1:] else sympy.S.Zero: p[0] for p in plain if len(p) < 3}
    logs = sum((p[0] for p in plain if p[1:] == (0, 1)), sympy.S.Zero)
    top: Any = max([*powers, *([sympy.S.Zero] if logs else [])])
    if not (all(len(p) < 3 or p[1:] == (0, 1) for p in plain) and top.is_Rational):
        return Far("wave", sign, limit, waves=True)
    return Far("power", sign, limit, top, powers.get(top, sympy.S.Zero), logs, waves)


@dataclass(frozen=True, slots=True)
class _Series:
    """q(w) = q₀ + w·h(w) of f = y^a·q(1/y) + b·log y: values of h, and f from a candidate."""

    f: Smooth
    end: Far

    def parts(self, y: arb) -> tuple[arb, arb] | None:
        """(y^a, the rest of f beyond its head) to some 140 bits of f."""
        value = self.f.value(arb(self.end.sign) * y, 140)
        if value is None:
            return None
        return _power(y, self.end.power), value - self._logs(y)

    def _logs(self, y: arb) -> arb:
        return constant(self.end.logs, BITS) * y.log() if self.end.logs else arb(0)

    def on(self, start: float) -> list[arb] | None:
        """The coefficients of q, so that f is met within 2^-57 at points between the nodes."""
        head, half = constant(self.end.head, BITS).mid(), 1 / (2 * arb(start))
        most = _DEGREES[-1]

        def h(y: arb) -> arb | None:
            found = self.parts(y)
            return None if found is None else (found[1] / found[0] - head) * y

        values: Any = [h((1 / w).mid()) for w in _nodes(half, most)]
        if any(v is None for v in values):
            return None
        poly: Any = arb_poly.interpolate(_nodes(half, most), values)
        for y in [(1 / w).mid() for w in _nodes(half, 11)]:
            found = self.parts(y)
            if found is None:
                return None
            total = found[1] + self._logs(y)
            gap = abs((head + poly(1 / y) / y) * found[0] - found[1])
            if not bool(gap <= abs(total) * arb(EPS / 2)):
                return None
        full = [head, *(poly[k].mid() for k in range(most + 1))]
        return self._shortest(full, half)

    def _shortest(self, full: list[arb], half: arb) -> list[arb]:
        """The interpolant of least degree that stays within 2^-58 of f."""
        points = [1 / w for w in _nodes(half, 21)]
        sizes = [
            abs(horner(full, 1 / y) + self._logs(y) / _power(y, self.end.power)) for y in points
        ]
        for n in _DEGREES[:-1]:
            nodes = _nodes(half, max(n - 1, 0))
            part: Any = arb_poly.interpolate(nodes, [horner(full[1:], w) for w in nodes])
            short = [full[0], *(part[k].mid() for k in range(n))]
            gaps = [abs(horner(short, 1 / y) - horner(full, 1 / y)) for y in points]
            if all(bool(g <= s * arb(EPS / 2)) for g, s in zip(gaps, sizes, strict=True)):
                return short
        return full


def _nodes(half: arb, n: int) -> list[arb]:
    """The n + 1 Chebyshev nodes of [0, 2·half]."""
    return [half * (1 + math.cos((2 * j + 1) * math.pi / (2 * n + 2))) for j in range(n + 1)]


def _power(y: arb, a: Rational) -> arb:
    root = y if a.q == 1 else y.root(int(a.q))
    return root ** int(a.p)


def in_reciprocals(f: Smooth, end: Far, start: float) -> Laurent | None:
    """y^a·Σ c_k·y^(−k) + b·log y for y = |x| ≥ start; None where 13 terms fail."""
    with precision(BITS):
        found = _Series(f, end).on(start)
        if found is None:
            return None
        low = as_float(found[0] - arb(as_float(found[0])))
    whole = int(end.power)
    root = split(end.power - whole) if end.power.q > 1 else None
    last = last_finite(f, end.sign, start) if end.power > 0 else math.inf
    return Laurent(whole, tuple(map(as_float, found)), low, last, split(end.logs)[0], root)


def log2_size(f: Smooth, x: float) -> float:
    """log2|f(x)|, of whatever size."""
    value = f.value(arb(x), 30)
    if value is not None:
        return log2_abs(value)
    ball = f.program.ball(arb(x), prec=1200)
    return log2_abs(ball.abs_upper()) if ball.is_finite() else math.inf


def last_finite(f: Smooth, sign: int, start: float) -> float:
    """The largest u with |f(±u)| below 2^1024: up to there the kernel stays finite."""
    edge = arb(2) ** 1024

    def finite(u: float) -> bool:
        for bits in (90, 1200):
            value = f.value(arb(sign * u), bits)
            with precision(bits):
                if value is None or bool(abs(value) < edge):
                    return True
                if bool(abs(value) > edge * (1 + arb(2) ** -70)):
                    return False
        return False

    return bisect(finite, start, math.nextafter(math.inf, 0))


def bisect(holds: Callable[[float], bool], low: float, high: float, share: float = 0.0) -> float:
    """The last float from low to high where a condition holds that holds at low."""
    if holds(high):
        return high
    while True:
        middle = low + (high - low) / 2
        if low > 0 and high / low > 4:
            middle = math.sqrt(low) * math.sqrt(high)
        if not low < middle < high or high - low <= share * high:
            return low
        low, high = (middle, high) if holds(middle) else (low, middle)
