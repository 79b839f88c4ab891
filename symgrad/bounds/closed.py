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

from symgrad.calculus import factors, vanishes
from symgrad.errors import UndecidedError, UnsupportedError
from symgrad.pieces import roots
from symgrad.rigor import constant, precision, sign
from symgrad.rigor.constants import exact
from symgrad.rigor.roots import vanishes as vanishes_at

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


def identically_zero(expr: Expr, x: Symbol) -> bool:
    """Whether exact algebra shows that the expression is zero for every x."""
    if not expr.has(x):
        try:
            return sign(expr) == 0
        except UndecidedError:
            return False
    return vanishes(expr, x)


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
    found = _lambert(p, x)
    if not found:
        try:
            found = list(roots(p, x, some=True))
        except (UnsupportedError, UndecidedError):
            found = [S.Zero] if p.subs(x, 0) == 0 else []
    return tuple(_one_log(c.replace(sympy.log, _log)) for c in found)  # type: ignore[attr-defined]


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
    return tuple(c for k in range(int(first), int(last) + 1) if vanishes_at(p, x, c := k * step))


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


def _log(value: Expr) -> Expr:
    """log value, by the root of the value where that is shorter: log(3 − 2√2) = 2·log(√2 − 1)."""
    if value.is_Rational:
        return sympy.log(value)
    root = sympy.sqrtdenest(sympy.sqrt(value))
    same_field = root.atoms(sympy.Pow) == value.atoms(sympy.Pow)
    return 2 * sympy.log(root) if same_field else sympy.log(value)


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
