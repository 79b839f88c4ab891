"""The constant of a remainder and the place it starts, as narrow as can be proved cheaply.

With q = (f − Σ terms)/growth there are three regions. Beyond a far point X₁ the model with more
terms
bounds q. On [X, X₁] Taylor polynomials with a ball remainder bound it, walked from X₁ outward.
Where the walk passes every point, the model of q towards the other end closes the line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb, arb_poly, fmpq
from sympy import Expr, Rational, S

from symgrad.rigor import Program, precision, program
from symgrad.rigor.constants import exact
from symgrad.tails.beyond import Beyond
from symgrad.tails.constants import expr
from symgrad.tails.model import Model
from symgrad.tails.monomial import Monomial, Scale, to_expr

__all__ = ["Quotient", "Walk", "as_arb", "far_bound", "short_above", "short_upper"]

_ORDER = 16
_BOXES = 160
STEEP = 50
_MOST_BITS = 1 << 13


def as_arb(q: Expr) -> arb:
    """An exact rational as a ball."""
    return arb(fmpq(int(q.p), int(q.q)))  # type: ignore[attr-defined]


def short_upper(b: arb, digits: int = 3) -> Any:
    """A decimal of so many digits at least the upper end of b > 0."""
    return short_above(exact(b.upper()), digits)


def short_above(q: Any, digits: int = 3) -> Any:
    """The least decimal of so many significant digits that is at least q."""
    if q == 0:
        return S.Zero
    size = len(str(int(abs(q)))) if abs(q) >= 1 else 1 - len(str(int(1 / abs(q))))
    if size <= digits:
        scale = 10 ** (digits - size)
        return Rational(-(-q.p * scale // q.q), scale)
    unit = 10 ** (size - digits)
    return Rational(-(-q.p // (q.q * unit)) * unit)


def far_bound(model: Model, n: int, beyond: Beyond) -> arb:
    """An upper bound of |q| on [X, oo).

    q = c_n + Σ_{i>n} c_i m_i/m_n + r/m_n. Where the next term has the other sign and dominates all
    later ones, q stays between c_n and c_n − 2|c_{n+1}|·sup(m_{n+1}/m_n).
    """
    field = beyond.scale.field
    growth, c = model.terms[n]
    later = model.terms[n + 1 :]
    first, top = field.ball(c), field.size(c)
    if not later and model.rem is None:
        return top
    with precision(64):
        if later:
            lead, d = later[0]
            rest = arb(0)
            for m, e in later[1:]:
                rest += beyond.size(e) * beyond.ratio(m, lead)
            if model.rem is not None:
                rest += beyond.bound(model) * beyond.ratio(model.rem, lead)
            next_ball = field.ball(d)
            sizes = beyond.ratio(lead, growth)
            crosses = next_ball * first < 0 and rest < abs(next_ball)
            if crosses and sizes * abs(next_ball) <= abs(first):
                return top
            return (top + (beyond.size(d) + rest) * sizes).upper()
        rest = beyond.bound(model) * beyond.ratio(model.rem, growth)  # type: ignore[arg-type]
        return (top + rest).upper()


class Quotient:
    """q = (f − Σ)/growth, enclosed on boxes by Taylor polynomials.

    With growth = P·exp(S), P a product of powers, the enclosed factors are (f − Σ)/P, where zeros
    and poles at 0 cancel, and exp(−S).
    """

    def __init__(self, scale: Scale, f: Expr, model: Model, n: int) -> None:
        x = scale.x
        growth = model.terms[n][0]
        powers = scale.power(Monomial(growth.powers, ()), fmpq(-1))
        steep = scale.power(Monomial((), growth.exps), fmpq(-1))
        self.x = x
        self.rest_expr: Expr = sympy.Add(
            f * to_expr(powers, x),
            *(-expr(c) * to_expr(scale.mul(m, powers), x) for m, c in model.terms[:n]),
        )
        self.factor_expr: Expr = to_expr(steep, x)
        self.rest: Program = program(self.rest_expr, x)
        self.factor: Program | None = program(self.factor_expr, x) if growth.exps else None

    def taylor(self, a: Any, b: Any, n: int, prec: int) -> Taylor | None:
        """q on [a, b]."""
        rest = Taylor.of(self.rest, a, b, n, prec)
        if rest is None or self.factor is None:
            return rest
        factor = Taylor.of(self.factor, a, b, n, prec)
        return factor and rest.times(factor)


@dataclass(frozen=True)
class Taylor:
    """f((a+b)/2 + s(b−a)/2) ∈ poly(s) ± error for |s| ≤ 1, by Lagrange's remainder over [a, b]."""

    poly: arb_poly
    error: arb
    noise: arb

    @classmethod
    def of(cls, code: Program, a: Any, b: Any, n: int, prec: int) -> Taylor | None:
        with precision(prec):
            half, mid = as_arb((b - a) / 2), as_arb((a + b) / 2)
            point = code.jet(mid, n, prec=prec)
            if not point[0].is_finite():
                return None
            rest = abs(code.jet(as_arb(a).union(as_arb(b)), n + 1, prec=prec)[n]) * half**n
            if not rest.is_finite():
                return None
            scaled = [c * half**k for k, c in enumerate(point)]
            return cls(arb_poly(scaled), rest.upper(), scaled[0].rad())

    @property
    def size(self) -> arb:
        """An upper bound of the polynomial."""
        return sum((abs(c) for c in self.poly.coeffs()), arb(0)).upper()

    def times(self, other: Taylor) -> Taylor:
        mine, its = self.size, other.size
        error = self.error * its + other.error * mine + self.error * other.error
        noise = self.noise * its + other.noise * mine
        return Taylor(self.poly * other.poly, error.upper(), noise.upper())


class Walk:
    """Bounds |q| from X₁ outward while it stays at or below `cap`."""

    def __init__(self, q: Quotient | None, far: arb, cap: arb, scale_of_q: arb) -> None:
        self.q = q
        self.best = far
        self.cap = cap
        self.unit = scale_of_q
        self.prec = 128
        self.boxes = 0
        self.stop = "an interval of a parameter allows no boxes"
        self.closed: Rational | None = None
        self.hopeless = False

    def down(self, start: Any, end: Any, width: Any, close: Callable[[Any], bool]) -> Any:
        """The outermost point reached from `start` towards `end`; `close(y)` may finish the
        line."""
        b, goal = start, Rational(-4)
        most = _BOXES if width * STEEP > start else _BOXES // 2
        while b != end:
            if self.boxes > most:
                self.stop = "the limit of boxes"
                return b
            if end is S.NegativeInfinity and b <= goal:
                goal *= 2
                if not self.hopeless and close(b):
                    return S.NegativeInfinity
                if b < -2000:
                    self.stop = "the other end is not closed"
                    return b
            a = b - width
            if end.is_finite and a - end < width / 8:
                a = end
            found, factor = self._enclose(a, b)
            width = -short_above(-(b - a) * factor, 2)
            if found is None:
                if width < (1 + abs(b)) / 2048:
                    self.stop = "the enclosures stay too wide"
                    return b
                continue
            top = self._sup(found, arb(-1), arb(1))
            if not top <= self.cap:
                self.stop = "the bound exceeds its limit"
                return self._cut(found, a, b)
            self.best = self.best.max(top)
            b = a
        return b

    def _enclose(self, a: Any, b: Any) -> tuple[arb_poly | None, Any]:
        """q((a+b)/2 + s(b−a)/2) for |s| ≤ 1 as a polynomial with balls, None where it is too wide;
        and the factor by which the next box should be longer."""
        self.boxes += 1
        while True:
            with precision(self.prec):
                found = self.q and self.q.taylor(a, b, _ORDER, self.prec)
                if found is None:
                    return None, Rational(1, 3)
                if found.noise > self.unit / 2**24:
                    if self.prec >= _MOST_BITS:
                        return None, Rational(1, 3)
                    self.prec *= 2
                    continue
                if found.noise < self.unit / 2 ** (self.prec // 2 + 16) and self.prec > 128:
                    self.prec //= 2
                share = (found.error / self.unit * 2**18).upper()
                factor = _step(share)
                if not share < 1:
                    return None, min(factor, Rational(3, 4))
                return found.poly + (-found.error).union(found.error), factor

    def _sup(self, p: arb_poly, lo: arb, hi: arb) -> arb:
        """An upper bound of |p| on [lo, hi], within 1/1000 or below the best so far."""
        slope = p.derivative()
        best = abs(p(lo)).upper().max(abs(p(hi)).upper())
        stack = [(lo, hi, 0)]
        while stack:
            a, b, depth = stack.pop()
            box = a.union(b)
            if slope(box) > 0 or slope(box) < 0:
                best = best.max(abs(p(a)).upper()).max(abs(p(b)).upper())
                continue
            mid = ((a + b) / 2).mid()
            whole = abs(p(mid) + slope(box) * (box - mid)).upper().min(abs(p(box)).upper())
            if whole <= self.best or whole <= best * (arb(1001) / 1000) or depth > 12:
                best = best.max(whole) if not whole <= self.best else best
                continue
            stack += [(a, mid, depth + 1), (mid, b, depth + 1)]
        return best

    def _cut(self, p: arb_poly, a: Any, b: Any) -> Any:
        """A point of [a, b], near the outermost with |q| ≤ cap on [point, b]."""
        lo, hi = Rational(-1), Rational(1)
        for _ in range(9):
            mid = (lo + hi) / 2
            if self._sup(p, as_arb(mid), arb(1)) <= self.cap:
                hi = mid
            else:
                lo = mid
        if hi == 1:
            return b
        point = (a + b) / 2 + hi * (b - a) / 2
        short = _short_between(point, b)
        s = (2 * short - a - b) / (b - a)
        self.best = self.best.max(self._sup(p, as_arb(s), arb(1)))
        return short


def _step(share: arb) -> Any:
    """The factor of length that brings an error of `share` times the tolerance just below it."""
    if not share > 0:
        return Rational(3, 2)
    bits = float(share.mid().log() / arb(2).log()) if share < arb(2) ** 1000 else 1000.0
    return Rational(max(20, min(150, int(85 * 2 ** (-max(bits, -1000.0) / _ORDER)))), 100)


def _short_between(a: Any, b: Any) -> Any:
    """A short decimal in [a, b], close to a."""
    for digits in range(1, 12):
        unit = Rational(1, 10**digits)
        point = sympy.ceiling(a / unit) * unit
        if point <= b and point - a <= max((b - a) / 8, Rational(1, 128)):
            return point
    return a
