"""The constant of a remainder and the place it starts, as narrow as can be proved cheaply.

With q = (f − Σ terms)/growth there are three regions. Beyond a far point X₁ the model with more terms
bounds q. On [X, X₁] Taylor polynomials with a ball remainder bound it, walked from X₁ outward. Where the
walk passes every point, the model of q towards the other end closes the line.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy
from flint import arb, arb_poly, fmpq
from sympy import Expr, Rational, S

from symgrad.rigor import Program, precision, program
from symgrad.rigor.constants import exact
from symgrad.tails.beyond import Beyond
from symgrad.tails.field import expr
from symgrad.tails.model import Model
from symgrad.tails.monomial import Scale, to_expr

__all__ = ["Quotient", "Walk", "as_arb", "far_bound", "short_above", "short_upper"]

_ORDER = 16
_BOXES = 200


def as_arb(q: Expr) -> arb:
    """An exact rational as a ball."""
    return arb(fmpq(int(q.p), int(q.q)))  # type: ignore[attr-defined]


def short_upper(b: arb, digits: int = 3) -> Rational:
    """A decimal of so many digits at least the upper end of b > 0."""
    return short_above(exact(b.upper()), digits)


def short_above(q: Rational, digits: int = 3) -> Rational:
    """The least decimal of so many significant digits that is at least q."""
    if q == 0:
        return S.Zero
    size = len(str(int(abs(q)))) if abs(q) >= 1 else 1 - len(str(int(1 / abs(q))))
    unit = Rational(10) ** (size - digits)
    return sympy.ceiling(q / unit) * unit


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
    """q = f/growth − Σ cᵢ mᵢ/growth, on points and boxes."""

    def __init__(self, scale: Scale, f: Expr, model: Model, n: int) -> None:
        x = scale.x
        down = scale.power(model.terms[n][0], fmpq(-1))
        self.x = x
        self.expr: Expr = sympy.Add(
            f * to_expr(down, x),
            *(-expr(c) * to_expr(scale.mul(m, down), x) for m, c in model.terms[:n]),
        )
        self.code: Program = program(self.expr, x)


class Walk:
    """Bounds |q| from X₁ outward while it stays at or below `cap`."""

    def __init__(self, code: Program, far: arb, cap: arb, scale_of_q: arb) -> None:
        self.code = code
        self.best = far
        self.cap = cap
        self.unit = scale_of_q
        self.prec = 128
        self.boxes = 0
        self.stop = ""
        self.closed: Rational | None = None
        self.hopeless = False

    def down(
        self, start: Rational, end: Expr, close: Callable[[Rational], bool]
    ) -> Rational | Expr:
        """The outermost point reached from `start` towards `end`; `close(y)` may finish the line."""
        b, width = start, max(Rational(1, 2), abs(start) / 4)
        width = short_above(width, 1)
        goal = Rational(-4)
        while b != end:
            if self.boxes > _BOXES:
                self.stop = "the limit of boxes"
                return b
            if end is S.NegativeInfinity:
                a = b - width
                if b <= goal:
                    goal *= 2
                    if not self.hopeless and close(b):
                        return S.NegativeInfinity
                    if b < -2000:
                        self.stop = "the other end is not closed"
                        return b
            else:
                a = max(b - width, end)
                if a - end < width / 64:
                    a = end
            found = self._enclose(a, b)
            if found is None:
                width = short_above(width / 2, 2)
                if width < Rational(1, 256) and not (end.is_finite and width > (b - end) / 64):
                    self.stop = "the enclosures stay too wide"
                    return b
                continue
            top = self._sup(found, arb(-1), arb(1))
            if not top <= self.cap:
                self.stop = "the bound exceeds its limit"
                return self._cut(found, a, b)
            self.best = self.best.max(top)
            b, width = a, short_above(width * Rational(7, 5), 1)
        return b

    def _enclose(self, a: Rational, b: Rational) -> arb_poly | None:
        """q((a+b)/2 + s(b−a)/2) for |s| ≤ 1, as a polynomial with balls; None where it is too wide."""
        self.boxes += 1
        n = _ORDER
        while True:
            with precision(self.prec):
                lo, hi = as_arb(a), as_arb(b)
                half, mid = as_arb((b - a) / 2), as_arb((a + b) / 2)
                point = self.code.jet(mid, n, prec=self.prec)
                if not point[0].is_finite():
                    return None
                if point[0].rad() > self.unit / 2**24:
                    if self.prec >= 1 << 14:
                        return None
                    self.prec *= 2
                    continue
                error = self.code.jet(lo.union(hi), n + 1, prec=self.prec)[n] * half**n
                if not abs(error).upper() < self.unit / 2**18:
                    return None
                around = (-error).union(error)
                scaled = [c * half**k for k, c in enumerate(point)]
                scaled[0] += around
                if point[0].rad() < self.unit / 2 ** (self.prec // 2 + 16) and self.prec > 128:
                    self.prec //= 2
                return arb_poly(scaled)

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

    def _cut(self, p: arb_poly, a: Rational, b: Rational) -> Rational:
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


def _short_between(a: Rational, b: Rational) -> Rational:
    """A short decimal in [a, b], close to a."""
    for digits in range(1, 12):
        unit = Rational(1, 10**digits)
        point = sympy.ceiling(a / unit) * unit
        if point <= b and point - a <= max((b - a) / 8, Rational(1, 128)):
            return point
    return a
