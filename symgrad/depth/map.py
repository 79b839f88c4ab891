"""The layer map T(z) = w g(z) + b of a chain of equal layers, and its orbits in balls.

With equal layers z^{l+1} = T(z^l), so that δ¹/δᴸ = P_n = (Tⁿ)'(z¹) with n = L − 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Rational, Symbol

from symgrad.activation import univariate
from symgrad.bounds import zeros
from symgrad.bounds.closed import neat
from symgrad.bounds.numbers import is_closed
from symgrad.calculus import limit_at
from symgrad.errors import InputError, UndecidedError
from symgrad.pieces import branches, folded, is_bent, same
from symgrad.rigor import constant, precision, program, sign, union

__all__ = ["LayerMap", "between", "equal", "exact_number", "tidy"]

_MAX_DENOMINATOR = 64


def exact_number(value: Any, name: str) -> Expr:
    """An exact real number; a float means its exact binary value. Raises `InputError` otherwise."""
    try:
        number: Any = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        raise InputError(f"{name} must be a number, got {value!r}") from None
    if not isinstance(number, Expr):
        raise InputError(f"{name} must be a number, got {value!r}")
    if number.has(sympy.Float):
        number = number.xreplace({f: Rational(f) for f in number.atoms(sympy.Float)})
    if number.free_symbols or not number.is_extended_real or number.is_finite is False:
        raise InputError(f"{name} must be a finite real number, got {value}")
    return number


def _flat(expr: Expr, z: Symbol) -> Expr:
    """Nested pieces as one outermost `Piecewise` with conditions on z alone."""
    return folded(expr, z) if is_bent(expr, z) else expr


@dataclass(frozen=True)
class LayerMap:
    """T(z) = w g(z) + b with exact real w and b; `expr` is elementary in `z`.

    A smooth piece of T is a map too, whose `expr` is T on its `domain`.
    """

    expr: Expr
    z: Symbol
    name: str
    domain: Any = sympy.S.Reals

    @classmethod
    def of(cls, g: Any, w: Any, b: Any = 0, *, x: Symbol | None = None) -> LayerMap:
        f = univariate(g, x)
        weight, bias = exact_number(w, "the weight w"), exact_number(b, "the bias b")
        foreign = f.elementary.free_symbols - {f.x}
        if foreign:
            raise InputError(f"{f.name} has unbound parameters {foreign}; give them numbers")
        expr = _flat(weight * f.elementary + bias, f.x)
        return cls(expr, f.x, f"{f.name}[w={weight},b={bias}]")

    @cached_property
    def slope(self) -> Expr:
        """T'(z), off the kinks."""
        slope: Any = self.expr.diff(self.z)
        return slope.xreplace(dict.fromkeys(slope.atoms(sympy.DiracDelta), sympy.S.Zero))

    def iterate(self, q: int) -> LayerMap:
        """T^q, the map of q layers."""
        expr: Any = self.z
        for _ in range(q):
            inner: Any = branches(expr, self.z)
            expr = sympy.Piecewise(  # piece by piece: no piece ever stands inside a condition
                *((self.expr.xreplace({self.z: e}), d.as_relational(self.z)) for d, e in inner)
            )
            expr = _flat(expr, self.z)
        return LayerMap(expr, self.z, self.name if q == 1 else f"{self.name}^{q}")

    def value(self, at: arb, prec: int) -> arb:
        return program(self.expr, self.z).ball(at, prec=prec)

    def slope_at(self, at: arb, prec: int) -> arb:
        return program(self.slope, self.z).ball(at, prec=prec)

    def jet(self, at: arb, n: int, prec: int) -> list[arb]:
        """The first n Taylor coefficients of T, over the ball."""
        return program(self.expr, self.z).jet(at, n, prec=prec)

    def jet_over(self, lo: arb, hi: arb, n: int, prec: int, pieces: int = 16) -> list[arb]:
        """Taylor coefficients that hold at every point of [lo, hi], narrower by cutting it up."""
        with precision(prec):
            ends = [lo + (hi - lo) * k / pieces for k in range(pieces)] + [hi]
            jets = [self.jet(a.union(b), n, prec) for a, b in pairwise(ends)]
            return [union(*column) for column in zip(*jets, strict=True)]

    def orbit(self, start: arb, prec: int) -> Iterator[tuple[arb, arb]]:
        """The pairs (z_k, T'(z_k)), k = 0, 1, 2, ... with z_0 = start, as balls, without end."""
        at = start
        while True:
            yield at, self.slope_at(at, prec)
            at = self.value(at, prec)

    def side(self, r: Expr, side: int) -> LayerMap | None:
        """The smooth map T is just right (+1) or left (−1) of r; None where T is smooth at r."""
        pieces = branches(self.expr, self.z)
        ends = {end for domain, _ in pieces for end in (domain.inf, domain.sup)}
        if r not in ends:
            return None
        for domain, expr in pieces:
            if not domain.is_FiniteSet and r == (domain.inf if side > 0 else domain.sup):
                return LayerMap(expr, self.z, self.name, domain)
        return None

    def reaches(self, far: arb, side: int) -> bool:
        """Whether the domain goes on to the right (+1) or left (−1) at least as far as this."""
        end = self.domain.sup if side > 0 else self.domain.inf
        return end.is_infinite or side * (constant(end, 128) - far) >= 0

    def is_continuous(self) -> bool:
        """Whether exact algebra shows that neighbouring pieces meet; False proves nothing."""
        for (_, f), (right, g) in pairwise(branches(self.expr, self.z)):
            before, after = (limit_at(e, self.z, right.inf) for e in (f, g))
            if before is None or after is None or not same(before, after):
                return False
        return True

    def slope_from(self, r: Expr, side: int, period: int) -> Expr:
        """(T^period)'(r) for a fixed point r, exactly, on one side of it."""
        product: Any = sympy.S.One
        for _ in range(period):
            local = self.side(r, side) or self
            m = tidy(local.slope.xreplace({self.z: r}).doit())
            if m == 0:
                return sympy.S.Zero
            product, side = product * m, side * sign(m)
        return product

    def exact_fixed_point(self, near: arb, prec: int) -> Expr | None:
        """An r next to `near` with T(r) = r by exact algebra, or None.

        Tried are rationals of small denominator and, where the slope at `near` is close to one of
        0, 1 and −1, the points in closed form at which it has that value.
        """
        guess = Fraction(float(near.mid()))
        near_by = [guess.limit_denominator(k) for k in (1, 2, 3, 4, 6, 8, 10, 16, _MAX_DENOMINATOR)]
        tried: list[Expr] = [Rational(q.numerator, q.denominator) for q in (Fraction(0), *near_by)]
        slope = self.slope_at(near, prec)
        for c in (1, -1, 0):
            if abs(slope - c) < arb(1) / 4:
                found: Any = zeros(self.slope - c, x=self.z).set
                tried += [r for r in found if is_closed(r)] if found.is_FiniteSet else []
        for r in dict.fromkeys(tried):
            with precision(prec):
                if abs(constant(r, prec) - near) < 1 and self.fixes(r):
                    return r
        return None

    def fixes(self, r: Expr) -> bool:
        """Whether T(r) = r, by exact algebra."""
        return equal(self.expr.xreplace({self.z: r}).doit(), r)


def between(lo: Expr, hi: Expr) -> Any:
    """A rational number proved to lie between two others, either of which may be infinite.

    Raises `UndecidedError` where the two are the same to forty digits.
    """
    if lo.is_infinite or hi.is_infinite:
        low = sympy.ceiling(lo) + 1 if lo.is_finite else None
        return low if low is not None else sympy.floor(hi) - 1 if hi.is_finite else sympy.S.Zero
    with precision(256):
        middle = (constant(lo, 256) + constant(hi, 256)) / 2
        for digits in (8, 40):
            found = Rational(str(middle.mid().str(digits, radius=False)))
            at = constant(found, 256)
            if constant(lo, 256) < at and at < constant(hi, 256):
                return found
    raise UndecidedError(f"no number is found between {lo} and {hi}")


def equal(a: Expr, b: Expr) -> bool:
    """Whether two constants are equal, by exact algebra; False proves nothing.

    Beyond the algebra of the field: log W(y) = log y − W(y), e^{W(y)} = y/W(y), and a sum of
    logarithms is the logarithm of a product.

    >>> W = sympy.LambertW(sympy.exp(-1))
    >>> equal(sympy.log(W), -1 - W)
    True
    """
    with precision(128):
        if not (constant(a, 128) - constant(b, 128)).contains(0):
            return False
    gap = neat(_without_w(sympy.sympify(a - b)))
    logs, plain = [], []
    for term in sympy.Add.make_args(gap):
        q, rest = term.as_coeff_Mul()
        (logs if isinstance(rest, sympy.log) else plain).append(
            rest.args[0] ** q if isinstance(rest, sympy.log) else term
        )
    try:
        together: Any = sympy.Mul(*logs)
        return sign(sympy.Add(*plain)) == 0 and sign(sympy.radsimp(together) - 1) == 0
    except UndecidedError:
        return False


def tidy(c: Any) -> Any:
    """The constant as a quotient without roots below; logarithms, π and W stand like symbols."""
    c = _without_w(c)
    return sympy.expand(sympy.radsimp(c)) if c.is_algebraic else sympy.cancel(c)


def _without_w(c: Any) -> Expr:
    """The constant with log W(y) as log y − W(y) and e^{r + k W(y)} as e^r (y/W(y))^k."""
    table: dict[Any, Any] = {}
    for e in c.atoms(sympy.log):
        if isinstance(W := e.args[0], sympy.LambertW):
            table[e] = sympy.log(W.args[0]) - W
    for e in c.atoms(sympy.exp):
        rest, factor = sympy.expand(e.args[0]), sympy.S.One
        for W in rest.atoms(sympy.LambertW):
            k = rest.coeff(W)
            rest, factor = sympy.expand(rest - k * W), factor * (W.args[0] / W) ** k
        if factor != 1:
            table[e] = factor * sympy.exp(rest)
    return c.xreplace(table)
