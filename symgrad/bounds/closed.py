"""Closed forms, exactly: an expression as a product of factors, and zeros that can be written down.

An expression is read as a rational function in generators (x, exp(x/2), erf(x), √2, ...) and
factored there; the identity of the product holds whatever the generators are. A factor that is a
polynomial in x alone, in one exp(u(x)) alone, or of the form a·exp(kx) + b·x + c gives its zeros
exactly. They name zeros; that there are no others is always proved apart, by isolation.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy
from flint import arb
from sympy import Dummy, Expr, Poly, Rational, S, Symbol
from sympy.polys.polyerrors import PolynomialError

from symgrad.errors import UndecidedError, UnsupportedError
from symgrad.pieces import roots
from symgrad.rigor import constant, precision, sign
from symgrad.rigor.constants import exact
from symgrad.rigor.roots import vanishes

__all__ = [
    "exact_zeros",
    "factors",
    "guarded",
    "identically_zero",
    "is_positive",
    "neat",
    "touching_points",
    "wave_zeros",
]

_HYPERBOLIC = (sympy.tanh, sympy.cosh, sympy.sinh, sympy.sech, sympy.coth, sympy.csch)
_LARGE = 600


class _Generators:
    """Dummies for what is not rational in x, made on the way; equal things get equal dummies."""

    def __init__(self, expr: Expr, x: Symbol) -> None:
        self.x = x
        self.back: dict[Dummy, Expr] = {}
        self.names: dict[Expr, Dummy] = {}
        exponents: Any = {e.exp for e in expr.atoms(sympy.exp) if e.has(x)}
        self.units = _units(exponents, x)
        self.expr = self._flat(expr)

    def _name(self, e: Any) -> Dummy:
        if e not in self.names:
            self.names[e] = name = Dummy(f"t{len(self.names)}")
            self.back[name] = e
        return self.names[e]

    def _flat(self, e: Any) -> Any:
        if e == self.x or e.is_Rational:
            return e
        if e.is_Add or e.is_Mul:
            return e.func(*(self._flat(a) for a in e.args))
        if isinstance(e, sympy.exp):
            return self._exp(e.exp)
        if e.is_Pow:
            base, power = e.as_base_exp()
            if power.is_Integer:
                return self._flat(base) ** power
            if power.is_Rational:
                q = Rational(1, power.q)  # type: ignore[attr-defined]
                return self._name(base**q) ** power.p  # type: ignore[attr-defined]
        return self._name(e)

    def _exp(self, exponent: Any) -> Expr:
        product = S.One
        for term in sympy.Add.make_args(sympy.expand(exponent)):
            unit = self.units.get(term)
            if unit is None:
                product *= self._name(sympy.exp(term))
            else:
                product *= self._name(sympy.exp(unit)) ** (term / unit)
        return product

    def reduced(self, e: Any) -> Any:
        """A polynomial in the generators with every radical below its own power: s² is 1 + x²."""
        values: list[tuple[Any, Any]] = list(self.back.items())
        for name, value in values:
            if value.is_Pow and value.exp.is_Rational and e.has(name):  # type: ignore[attr-defined]
                base, power = value.as_base_exp()
                e = sympy.rem(e, name ** (1 / power) - self._flat(base), name)
            if isinstance(value, sympy.sin) and e.has(name):
                other = self.names.get(sympy.cos(value.args[0]))
                if other is not None and sympy.rem(e, name**2 + other**2 - 1, name) == 0:
                    return S.Zero
        return e

    def coarsened(self, above: Any, below: Any) -> tuple[Any, Any]:
        """The same fraction with t^g for each exp(u) that enters by powers a + g·k only."""
        values: list[tuple[Any, Any]] = list(self.back.items())
        for name, value in values:
            if not isinstance(value, sympy.exp) or not (above.has(name) or below.has(name)):
                continue
            exponent: Any = value.exp
            parts = [Poly(part, name) for part in (above, below)]
            powers = [[m for (m,) in part.monoms()] for part in parts]
            step = sympy.igcd(0, 0, *(m - min(p) for p in powers for m in p))
            shift = min(powers[0]) - min(powers[1])
            if step > 1 or shift:
                wide = self._name(sympy.exp(sympy.expand(max(step, 1) * exponent)))
                flat = [
                    sympy.Add(
                        *(c * wide ** ((m - min(p)) // max(step, 1)) for (m,), c in part.terms())
                    )
                    for part, p in zip(parts, powers, strict=True)
                ]
                carry = self._name(sympy.exp(sympy.expand(shift * exponent))) if shift else S.One
                above, below = flat[0] * carry, flat[1]
        return above, below

    def restore(self, e: Any) -> Any:
        return e.xreplace(self.back)


def _units(exponents: set[Any], x: Symbol) -> dict[Any, Any]:
    """For each term of the exponents the common u of which it is an integer multiple."""
    classes: dict[Any, list[Any]] = {}
    for exponent in exponents:
        for term in sympy.Add.make_args(sympy.expand(exponent)):
            c, rest = term.as_coeff_Mul(rational=True)
            classes.setdefault(rest, []).append(c)
    units: dict[Any, Any] = {}
    for rest, multiples in classes.items():
        common = Rational(
            sympy.igcd(0, *(m.p for m in multiples)), sympy.ilcm(1, 1, *(m.q for m in multiples))
        )
        for m in multiples:
            units[m * rest] = common * rest
    return units


@lru_cache(maxsize=1024)
def factors(expr: Expr, x: Symbol) -> tuple[tuple[Expr, int], ...]:
    """((p, n), ...) with expr = ∏ pⁿ identically; one pair where the expression is too large.

    >>> x = Symbol("x", real=True)
    >>> [p for p, n in factors(sympy.tanh(x).diff(x, 2), x) if n > 0]
    [-8, exp(2*x) - 1, exp(2*x)]
    """
    flat: Any = expr.rewrite(_HYPERBOLIC, sympy.exp) if expr.has(*_HYPERBOLIC) else expr
    flat = flat.replace(sympy.sinc, lambda u: sympy.sin(u) / u)
    if flat.count_ops() > _LARGE:
        return ((expr, 1),)
    generators = _Generators(flat, x)
    if len(generators.back) > 8:
        return ((expr, 1),)
    try:
        above, below = map(generators.reduced, sympy.fraction(sympy.together(generators.expr)))
        above, below = generators.coarsened(above, below)
    except PolynomialError:  # a generator in an exponent: an exponential of an exponential
        return ((expr, 1),)
    found: list[tuple[Expr, int]] = []
    for part, side in ((above, 1), (below, -1)):
        part = part if sympy.expand(part) != 0 else S.Zero
        factored: Any = (part, []) if part.is_number else sympy.factor_list(part)
        content, pairs = factored
        if content != 1:
            found.append((generators.restore(content), side))
        found += [(generators.restore(p), side * int(n)) for p, n in pairs]
    return tuple(found)


def identically_zero(expr: Expr, x: Symbol) -> bool:
    """Whether exact algebra shows that the expression is zero for every x."""
    if not expr.has(x):
        try:
            return sign(expr) == 0
        except UndecidedError:
            return False
    return any(p == 0 for p, n in factors(expr, x) if n > 0)


def is_positive(e: Any, x: Symbol) -> bool:
    """Whether e > 0 for all real x by its shape: exponentials, positive sums, products, powers."""
    if not e.has(x):
        try:
            return sign(e) > 0
        except UndecidedError:
            return False
    if guarded(e, x):
        return False
    if isinstance(e, (sympy.exp, sympy.cosh, sympy.sech)):
        return True
    if e.is_Add:
        terms = [is_positive(a, x) or _is_square(a, x) for a in e.args]
        return all(terms) and any(is_positive(a, x) for a in e.args)
    if e.is_Mul:
        return all(is_positive(a, x) for a in e.args)
    if e.is_Pow and e.exp.is_Rational:  # type: ignore[attr-defined]
        return is_positive(e.args[0], x)  # type: ignore[arg-type]
    return False


_TOTAL = (
    sympy.exp, sympy.sin, sympy.cos, sympy.sinh, sympy.cosh, sympy.tanh, sympy.sech, sympy.asinh,
    sympy.atan, sympy.erf, sympy.erfc, sympy.erfi, sympy.sinc,
)  # fmt: skip


@lru_cache(maxsize=4096)
def guarded(e: Expr, x: Symbol) -> frozenset[Any]:
    """The nodes of e that are not real, or not finite, for every real x by their shape alone.

    >>> x = Symbol("x", real=True)
    >>> guarded(sympy.log(1 + x**2) + sympy.sqrt(x), x)
    frozenset({sqrt(x)})
    """
    found: set[Any] = set()
    nodes: Any = sympy.preorder_traversal(e)
    for node in nodes:
        if not node.has(x) or node == x or node.is_Add or node.is_Mul or isinstance(node, _TOTAL):
            continue
        if node.is_Pow and node.args[1].is_Integer and node.args[1] > 0:
            continue
        if (node.is_Pow or isinstance(node, sympy.log)) and is_positive(node.args[0], x):
            continue
        found.add(node)
    return frozenset(found)


def _is_square(e: Any, x: Symbol) -> bool:
    if e.is_Mul:
        return all(_is_square(a, x) or is_positive(a, x) for a in e.args)  # type: ignore[arg-type]
    return bool(e.is_Pow and e.exp.is_Integer and e.exp % 2 == 0 and e.exp > 0)  # type: ignore


@lru_cache(maxsize=1024)
def exact_zeros(p: Expr, x: Symbol) -> tuple[Expr, ...]:
    """Real numbers c with p(c) = 0 by exact algebra, where p has such a shape; perhaps not all.

    >>> x = Symbol("x", real=True)
    >>> exact_zeros(1 + sympy.exp(-x) + x * sympy.exp(-x), x)
    (-1 - LambertW(exp(-1)),)
    """
    if p.has(sympy.sin, sympy.cos, sympy.tan):
        return (S.Zero,) if p.subs(x, 0) == 0 else ()
    found = list(_lambert(p, x)) or list(_polynomial(p, x))
    if not found:
        try:
            found = list(roots(p, x))
        except (UnsupportedError, UndecidedError, NotImplementedError, ValueError):
            found = [S.Zero] if p.subs(x, 0) == 0 else []
    return tuple(_one_log(c) for c in found)


def _one_log(c: Expr) -> Expr:
    """log a − log b as log(a/b)."""
    terms = sympy.Add.make_args(c)
    plain = all(isinstance(t, sympy.log) or isinstance(-t, sympy.log) for t in terms)
    return sympy.logcombine(c) if plain and len(terms) > 1 else c


def wave_zeros(p: Expr, x: Symbol, lo: Expr, hi: Expr) -> tuple[Expr, ...]:
    """The multiples of π/12ω in [lo, hi] at which an expression in sin ωx, cos ωx is exactly zero.

    >>> x = Symbol("x", real=True)
    >>> wave_zeros(1 + sympy.sin(2 * x), x, S.Zero, S(5))
    (3*pi/4,)
    """
    waves = [w.args[0] for w in p.atoms(sympy.sin, sympy.cos, sympy.tan) if w.has(x)]
    if not waves or not all((w / x).is_number and (w / x).is_positive for w in waves):
        return ()
    step = sympy.pi / (12 * max((w / x for w in waves), key=float))
    first, last = sympy.ceiling(lo / step), sympy.floor(hi / step)
    if not (last - first).is_Integer or last - first > 400:
        return ()
    return tuple(c for k in range(int(first), int(last) + 1) if vanishes(p, x, c := k * step))


def touching_points(p: Expr, x: Symbol, boxes: tuple[tuple[arb, arb], ...]) -> tuple[Expr, ...]:
    """Exact points in the boxes where p may touch zero: the exact zeros of p', and simple numbers.

    They are guesses; only what Taylor's theorem proves at them counts.
    """
    slope = [c for q, n in factors(p.diff(x), x) if n > 0 and q.has(x) for c in exact_zeros(q, x)]
    found: list[Expr] = []
    for lo, hi in boxes:
        with precision(96):
            box = lo.union(hi)
            images = [(box, lambda q: q), (box * box, lambda q: sympy.sqrt(q))]
            images += [(box.exp(), sympy.log), (box / arb.pi(), lambda q: q * sympy.pi)]
            if bool(box > 0):
                images.append((box.log(), sympy.exp))
            for image, back in images:
                q = _short_rational(image)
                if q is not None:
                    found += [back(q), -back(q)]
        found += [c for c in slope if constant(c, 96).overlaps(box)]
    return tuple(dict.fromkeys(found))


def _short_rational(b: arb) -> Rational | None:
    """A rational, not 0, with a denominator up to 1000 within the ball."""
    if not b.is_finite() or not (bool(abs(b) > arb(2) ** -20) and bool(abs(b) < arb(2) ** 200)):
        return None
    middle = exact(b.mid())
    q = Rational(Fraction(int(middle.p), int(middle.q)).limit_denominator(1000))
    return q if bool(b.overlaps(constant(q, 96))) else None  # type: ignore[return-value]


def _polynomial(p: Expr, x: Symbol) -> list[Expr]:
    """Zeros of a polynomial in x, or in one exp(u) with u(x) = log t solved in turn."""
    generators = _Generators(p, x)
    flat = generators.expr
    moving = [d for d, e in generators.back.items() if e.has(x) and flat.has(d)]
    if (
        (flat.has(x) and moving)
        or len(moving) > 1
        or any(not flat.is_polynomial(d) for d in moving)
    ):
        return []
    t = moving[0] if moving else x
    poly: Any = Poly(generators.restore(flat.xreplace({t: (y := Dummy("y", real=True))})), y)
    if poly.degree() > 2 and not (poly.domain.is_ZZ or poly.domain.is_QQ):
        return []
    values = [r for r in roots_of(poly, y) if not r.has(sympy.CRootOf)]
    if not moving:
        return values
    inner = generators.back[moving[0]]
    if not isinstance(inner, sympy.exp):
        return []
    found: list[Expr] = []
    for value in values:
        if sign(value) > 0:
            found += _polynomial(inner.exp - _log(value), x)
    return found


def _log(value: Expr) -> Expr:
    """log value, by the root of the value where that is shorter: log(3 − 2√2) = 2·log(√2 − 1)."""
    if value.is_Rational:
        return sympy.log(value)
    root = sympy.sqrtdenest(sympy.sqrt(value))
    same_field = root.atoms(sympy.Pow) == value.atoms(sympy.Pow)
    return 2 * sympy.log(root) if same_field else sympy.log(value)


def roots_of(poly: Poly, y: Symbol) -> list[Expr]:
    """The real roots in radicals, as far as they are short."""
    if poly.degree() <= 2:
        try:
            return list(roots(poly.as_expr(), y))
        except (UnsupportedError, UndecidedError):
            return []
    try:
        found: Any = sympy.real_roots(poly.as_expr(), radicals=True)
    except NotImplementedError:
        return []
    return [sympy.radsimp(r) for r in dict.fromkeys(found) if r.count_ops() < 12]


def _lambert(p: Any, x: Symbol) -> list[Expr]:
    """a·exp(kx) + b·x + c = 0 at x = −c/b − W((ak/b)·exp(−kc/b))/k, by the definition of W."""
    k = next((e.exp / x for e in p.atoms(sympy.exp) if (e.exp / x).is_Rational), None)
    if k is None:
        return []
    t = Dummy("t")
    for shift in (p, sympy.expand(p * sympy.exp(-k * x))):
        for power in (k, -k):
            flat: Any = shift.xreplace({sympy.exp(power * x): t, sympy.exp(-power * x): 1 / t})
            if not flat.is_polynomial(x, t):
                continue
            poly: Any = Poly(flat, x, t)
            if set(poly.monoms()) <= {(1, 0), (0, 1), (0, 0)} and poly.degree(x) == 1:
                a, b, c = poly.nth(0, 1), poly.nth(1, 0), poly.nth(0, 0)
                if a == 0:
                    continue
                z = sympy.powsimp(a * power / b * sympy.exp(-power * c / b))
                if sign(z) > 0:
                    return [-c / b - sympy.LambertW(z) / power]
    return []


def neat(c: Any) -> Any:
    """An exact constant in a shorter exact form: one radical out of denominators and products.

    >>> neat((1 + sympy.sqrt(3)) ** 3 / (2 - sympy.sqrt(3)) * sympy.exp(1 / (1 - sympy.sqrt(3))))
    2*(19 + 11*sqrt(3))*exp(-sqrt(3)/2 - 1/2)
    """
    inner = {e: sympy.exp(neat(e.exp)) for e in c.atoms(sympy.exp) if e.exp.has(sympy.Pow)}
    c = c.xreplace(inner)
    names = {a: Dummy() for a in c.atoms(sympy.Function, sympy.NumberSymbol)}
    back = {dummy: a for a, dummy in names.items()}
    whole, c = c, c.xreplace(names)
    radicals = {p for p in c.atoms(sympy.Pow) if p.exp.is_Rational and not p.exp.is_Integer}
    bases = {p.base for p in radicals}
    if len(bases) != 1 or not all(p.exp.q == 2 and p.base.is_Integer for p in radicals):
        return whole if radicals else _shorter(sympy.powsimp(sympy.cancel(c).xreplace(back)), whole)
    (d,) = bases
    s = Dummy("s")
    flat = c.xreplace({p: s ** (2 * p.exp) for p in radicals})
    above, below = sympy.fraction(sympy.together(flat))
    if below.free_symbols - {s}:
        return whole
    top = sympy.rem(Poly(above * below.subs(s, -s), s), Poly(s**2 - d, s)).as_expr()
    bottom = sympy.rem(Poly(below * below.subs(s, -s), s), Poly(s**2 - d, s)).as_expr()
    return sympy.factor_terms(sympy.cancel(top / bottom)).xreplace(back | {s: sympy.sqrt(d)})


def _shorter(a: Any, b: Any) -> Any:
    return a if a.count_ops() <= b.count_ops() else b
