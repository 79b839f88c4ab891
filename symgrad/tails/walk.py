"""q = (f − Σ terms)/growth on [X, X₁]: Taylor polynomials with ball coefficients, box by box.

The boxes are walked from X₁ outward while |q| stays below a cap. Where the walk passes every
point, the model of q towards the other end closes the line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flint import arb, arb_poly, fmpq
from sympy import Add, Expr, Rational, S

from symgrad.errors import SymgradError
from symgrad.rigor import precision, program
from symgrad.tails.beyond import Beyond, as_arb, nearest, short_above
from symgrad.tails.constants import expr
from symgrad.tails.germ import Germ, model_of
from symgrad.tails.model import Model
from symgrad.tails.monomial import Monomial, to_expr

__all__ = ["Quotient", "Walk"]

_ORDER = 16
_BOXES = 160
_MOST_BITS = 1 << 13
_LAST = -2000


class Quotient:
    """q for the growth P·exp(S), P a product of powers, as the product of (f − Σ)/P, where zeros
    and poles at 0 cancel, and exp(−S)."""

    def __init__(self, g: Germ, n: int) -> None:
        self.scale = scale = g.scale
        growth = g.model.terms[n][0]
        powers = scale.power(Monomial(growth.powers, ()), fmpq(-1))
        terms = ((scale.mul(m, powers), c) for m, c in g.model.terms[:n])
        self.factors: list[Expr] = [
            Add(
                g.branch * to_expr(powers, scale.x),
                *(-expr(c) * to_expr(m, scale.x) for m, c in terms),
            )
        ]
        if growth.exps:
            self.factors.append(to_expr(scale.power(Monomial((), growth.exps), fmpq(-1)), scale.x))
        self.codes = [program(e, scale.x) for e in self.factors]

    def on(self, a: Any, b: Any, prec: int) -> tuple[arb_poly, arb, arb] | None:
        """A polynomial of balls with q((a+b)/2 + s(b−a)/2) ∈ p(s) for every |s| ≤ 1, by Lagrange's
        remainder; the part of its radius that is rounding, and all of it."""
        with precision(prec):
            half, middle, box = as_arb((b - a) / 2), as_arb((a + b) / 2), as_arb(a).union(as_arb(b))
            rounded, whole = arb_poly([1]), arb_poly([1])
            for code in self.codes:
                at = [c * half**k for k, c in enumerate(code.jet(middle, _ORDER, prec=prec))]
                rest = abs(code.jet(box, _ORDER + 1, prec=prec)[_ORDER]) * half**_ORDER
                if not (at[0].is_finite() and rest.is_finite()):
                    return None
                rounded *= arb_poly(at)
                whole *= arb_poly([at[0] + rest * arb(0, 1), *at[1:]])
            return whole, _radius(rounded), _radius(whole)

    @cached_property
    def mirrored(self) -> Model | None:
        """The model of q towards −oo where there is one that stays bounded."""
        x = self.scale.x
        product: Any = self.factors[0] * (self.factors[1] if self.factors[1:] else 1)
        try:
            model = model_of(self.scale, product.xreplace({x: -x}), 1)
        except SymgradError:  # no germ there: the line is then not closed
            return None
        return None if self.scale.sign(model.top) > 0 else model


def _radius(p: arb_poly) -> arb:
    return sum((c.rad() for c in p.coeffs()), arb(0)).upper()


@dataclass
class Walk:
    """Bounds |q| from X₁ outward while it stays at or below `cap`; `unit` is the size of q far out.

    `best` is the bound so far, `closed` the point from which on the other end's model holds, `stop`
    why the walk ended where it did.
    """

    q: Quotient
    best: arb
    cap: arb
    unit: arb
    prec: int = field(default=128, init=False)
    boxes: int = field(default=0, init=False)
    stop: str = field(default="", init=False)
    closed: Expr | None = field(default=None, init=False)

    def down(self, start: Any, end: Any, width: Any) -> Any:
        """The outermost point reached from `start` towards `end`."""
        b, goal = start, Rational(-4)
        while b != end:
            if self.boxes > _BOXES:
                self.stop = "the limit of boxes"
                return b
            if end is S.NegativeInfinity and b <= goal:
                goal *= 2
                if self._closes(b):
                    return end
                if b < _LAST:
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
            top = _supremum(found, arb(-1), arb(1), self.best)
            if not top <= self.cap:
                self.stop = "the bound exceeds its limit"
                return self._cut(found, a, b)
            self.best, b = top, a
        return b

    def _closes(self, b: Rational) -> bool:
        """Whether the model of q towards −oo keeps |q| below the cap on (−oo, b]."""
        if self.q.mirrored is None:
            return False
        top = Beyond(self.q.scale, as_arb(-b)).supremum(self.q.mirrored)
        if not top <= self.cap:
            return False
        self.best, self.closed = self.best.max(top), b
        return True

    def _enclose(self, a: Any, b: Any) -> tuple[arb_poly | None, Any]:
        """q on [a, b], None where the enclosure is too wide; and the factor by which the next box
        should be longer."""
        self.boxes += 1
        while True:
            found = self.q.on(a, b, self.prec)
            if found is None:
                return None, Rational(1, 3)
            p, rounding, whole = found
            if rounding <= self.unit / 2**24:
                break
            if self.prec >= _MOST_BITS:
                return None, Rational(1, 3)
            self.prec *= 2
        if rounding < self.unit / 2 ** (self.prec // 2 + 16) and self.prec > 128:
            self.prec //= 2
        share = (whole / self.unit * 2**18).upper()
        return (p, _factor(share)) if share < 1 else (None, min(_factor(share), Rational(3, 4)))

    def _cut(self, p: arb_poly, a: Any, b: Any) -> Any:
        """A short point of [a, b], near the outermost with |q| ≤ cap on [point, b]."""

        def top(point: Any) -> arb:
            return _supremum(p, as_arb((2 * point - a - b) / (b - a)), arb(1), self.best)

        point = nearest(a, b, lambda y: bool(top(y) <= self.cap))
        self.best = top(point) if point != b else self.best
        return point


def _supremum(p: arb_poly, lo: arb, hi: arb, best: arb, depth: int = 12) -> arb:
    """The larger of `best` and an upper bound of |p| on [lo, hi] within 1/1000."""
    box, middle, slope = lo.union(hi), ((lo + hi) / 2).mid(), p.derivative()
    best = best.max(abs(p(lo)).upper()).max(abs(p(hi)).upper())
    top = abs(p(middle) + slope(box) * (box - middle)).upper()
    if slope(box) > 0 or slope(box) < 0 or top <= best:
        return best
    if top <= best * arb(1001) / 1000 or not depth:
        return top
    return _supremum(p, middle, hi, _supremum(p, lo, middle, best, depth - 1), depth - 1)


def _factor(share: arb) -> Any:
    """The factor of length that brings an error of `share` times the tolerance just below it."""
    if not share > 0:
        return Rational(3, 2)
    bits = float(share.log().mid() / arb(2).log().mid())
    percent = 85 * 2 ** (-max(min(bits, 999.0), -999.0) / _ORDER)
    return Rational(max(20, min(150, int(percent))), 100)
