"""A function of one real variable as intervals with a smooth expression on each.

`Piecewise`, `Abs`, `sign`, `Max`, `Min` and `Heaviside`, nested in any way, come out as one flat
list: every condition is solved exactly, and the sign of a condition between two neighbouring
solutions is its proved sign at one point there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import pairwise
from typing import Any

import sympy
from sympy import Basic, Expr, Piecewise, S, Set, Symbol
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import BooleanFunction

from symgrad.errors import DomainError, UndecidedError, UnsupportedError
from symgrad.rigor import sign

__all__ = ["BENT", "branches", "folded", "is_bent", "locate", "order", "roots", "same"]

BENT: tuple[type, ...] = (
    Piecewise, sympy.Abs, sympy.sign, sympy.Max, sympy.Min, sympy.Heaviside,
)  # fmt: skip
"""The classes that put pieces together."""

_INVERSES: dict[type, Any] = {
    # f          the unique real u with f(u) = y, and the open range of f
    sympy.exp:   (sympy.log,  (S.Zero, S.Infinity)),
    sympy.log:   (sympy.exp,  (S.NegativeInfinity, S.Infinity)),
    sympy.tanh:  (sympy.atanh, (S.NegativeOne, S.One)),
    sympy.atan:  (sympy.tan,  (-sympy.pi / 2, sympy.pi / 2)),
    sympy.sinh:  (sympy.asinh, (S.NegativeInfinity, S.Infinity)),
    sympy.asinh: (sympy.sinh, (S.NegativeInfinity, S.Infinity)),
    sympy.erf:   (sympy.erfinv, (S.NegativeOne, S.One)),
}  # fmt: skip


_PARTS = (Relational, BooleanFunction, ExprCondPair)


def is_bent(expr: Basic, x: Symbol) -> bool:
    """Whether the expression changes its formula somewhere along x."""
    return any(node.has(x) for node in expr.atoms(*BENT))


def branches(expr: Expr, x: Symbol) -> tuple[tuple[Set, Expr], ...]:
    """The pairs (set, smooth expression) from left to right; the sets are disjoint and make up ℝ.

    A set is an interval, or one point where neither neighbour's expression gives the value.

    Raises `UnsupportedError` where a condition cannot be solved exactly, `UndecidedError` where two
    break points with parameters cannot be ordered.

    >>> x = Symbol("x", real=True)
    >>> branches(sympy.Max(x, 0) + sympy.Min(x + 1, 2), x)
    ((Interval.open(-oo, 0), x + 1), (Interval.Ropen(0, 1), 2*x + 1), (Interval(1, oo), x + 2))
    """
    return _branches(sympy.sympify(expr, strict=True), x)


def folded(expr: Expr, x: Symbol) -> Expr:
    """The same function with one outermost `Piecewise`, whose conditions compare x with constants.

    >>> x = Symbol("x", real=True)
    >>> folded(x * sympy.Max(0, sympy.Min(6, x + 3)) / 6, x)
    Piecewise((0, x < -3), (x*(x + 3)/6, x < 3), (x, True))
    """
    points: list[tuple[Expr, Any]] = []
    pairs: list[tuple[Expr, Any]] = []
    domain: Any
    for domain, formula in branches(expr, x):
        if isinstance(domain, sympy.FiniteSet):
            points.append((formula, sympy.Eq(x, domain.args[0])))
            continue
        if pairs and pairs[-1][0] == formula:
            pairs.pop()
        end = domain.sup
        below = True if end is S.Infinity else (x < end if domain.right_open else x <= end)
        pairs.append((formula, below))
    return pairs[0][0] if len(pairs) == 1 and not points else Piecewise(*points, *pairs)


@lru_cache(maxsize=1024)
def _branches(expr: Expr, x: Symbol) -> tuple[tuple[Set, Expr], ...]:
    parts: list[tuple[Any, Any]] = []
    start, open_left = S.NegativeInfinity, True
    cells = _cells(_points(expr, x))
    for cell, beyond in pairwise(cells):
        right = cell[1]
        here, after = (_held(expr, x, locate(*c)) for c in (cell, beyond))
        point = _held(expr, x, right, alone=True)
        if point == here == after:
            continue
        holds_left, holds_right = _agrees(point, here, x, right), _agrees(point, after, x, right)
        if here == after and holds_left:
            continue
        parts.append((sympy.Interval(start, right, open_left, not holds_left or holds_right), here))
        if not (holds_left or holds_right) and point is not S.NaN:
            value = point.subs(x, right) if point.has(x) else point
            parts.append((sympy.FiniteSet(right), value))
        start, open_left = right, not holds_right
    last = _held(expr, x, locate(*cells[-1]))
    return (*parts, (sympy.Interval(start, S.Infinity, open_left, True), last))


def _agrees(point: Any, side: Any, x: Symbol, at: Expr) -> bool:
    """Whether `side` takes at the break point the value that holds there."""
    if point == side or point is S.NaN:
        return point == side
    value = side.subs(x, at)
    if value.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity, sympy.AccumBounds):
        return False
    return same(value, point.subs(x, at))


def _opened(node: Any) -> Any:
    return node._eval_elementary() if hasattr(node, "_eval_elementary") else node


@lru_cache(maxsize=4096)
def _is_smooth(node: Basic, x: Symbol) -> bool:
    kinds = (*_PARTS, *BENT)
    return not any(
        (isinstance(part, kinds) or hasattr(part, "_eval_elementary")) and part.has(x)
        for part in sympy.preorder_traversal(node)
    )


def _cells(points: Sequence[Expr]) -> list[tuple[Expr, Expr]]:
    return list(pairwise((S.NegativeInfinity, *points, S.Infinity)))


@lru_cache(maxsize=4096)
def _points(node: Basic, x: Symbol) -> tuple[Expr, ...]:
    """The places, in order, where a sign that decides the node or a part of it may change."""
    node = _opened(node)
    if _is_smooth(node, x):
        return ()
    points = _merge([p for a in node.args for p in _points(a, x)])
    if not isinstance(node, (Relational, *BENT[1:])):
        return tuple(points)
    found: list[Expr] = []
    for lo, hi in _cells(points):
        for gap in _gaps(node, [_held(a, x, locate(lo, hi)) for a in node.args]):
            found += [r for r in roots(gap, x) if order(lo, r) < 0 and order(r, hi) < 0]
    return tuple(_merge([*points, *found]))


@lru_cache(maxsize=4096)
def _held(node: Basic, x: Symbol, at: Expr, alone: bool = False) -> Any:
    """The smooth formula that the node is near `at`, or at `at` alone (NaN at a pole)."""
    node = _opened(node)
    if _is_smooth(node, x):
        return node
    args = [_held(a, x, at, alone) for a in node.args]
    try:
        return _choose(node, args, x, at)
    except DomainError:
        if alone:
            return S.NaN
        raise


def _gaps(node: Basic, args: Sequence[Basic]) -> list[Expr]:
    """The expressions whose signs decide the node."""
    if isinstance(node, (sympy.Abs, sympy.sign, sympy.Heaviside)):
        return [args[0]]  # type: ignore[list-item]
    first, *rest = args
    if isinstance(node, Relational):
        return [first - rest[0]]  # type: ignore[operator]
    return [a - b for k, a in enumerate(args) for b in args[k + 1 :]]  # type: ignore[operator]


def _choose(node: Any, args: list[Any], x: Symbol, at: Expr) -> Any:
    """The node over args that are smooth near `at`, with the decision that holds at `at`."""
    if isinstance(node, Piecewise):
        return next((pair.args[0] for pair in args if pair.args[1] == S.true), S.NaN)
    if isinstance(node, ExprCondPair):
        return sympy.Tuple(*args)
    if isinstance(node, Relational):
        gap = args[0] - args[1]
        return sympy.true if node.func(_sign(gap, x, at), 0) == S.true else sympy.false
    if isinstance(node, sympy.Abs):
        return -args[0] if _sign(args[0], x, at) < 0 else args[0]
    if isinstance(node, sympy.sign):
        return sympy.Integer(_sign(args[0], x, at))
    if isinstance(node, sympy.Heaviside):
        return (S.Zero, args[1], S.One)[_sign(args[0], x, at) + 1]
    if isinstance(node, (sympy.Max, sympy.Min)):
        wanted = 1 if isinstance(node, sympy.Max) else -1
        best = args[0]
        for other in args[1:]:
            if _sign(other - best, x, at) == wanted:
                best = other
        return best
    return node.func(*args)


def locate(a: Expr, b: Expr, part: Expr = S.Half, reach: Expr = S.One) -> Expr:
    """An exact point between two ends: a + part·(b − a), or `reach` from the finite one."""
    if a.is_infinite and b.is_infinite:
        return part - S.Half
    if a.is_infinite or b.is_infinite:
        finite = b if a.is_infinite else a
        return finite + reach if S.Infinity in (a, b) else finite - reach
    return a + part * (b - a)


def _sign(gap: Expr, x: Symbol, at: Expr) -> int:
    for known, value in ((gap.is_positive, 1), (gap.is_negative, -1), (gap.is_zero, 0)):
        if known:
            return value
    return _sign_of(gap.subs(x, at))


@lru_cache(maxsize=4096)
def _sign_of(c: Expr) -> int:
    if c.has(S.NaN, S.ComplexInfinity):
        raise DomainError(f"the condition {c} is not defined")
    if not c.free_symbols and c.is_finite is not False:
        return sign(c)
    for form in (c, sympy.expand(c), sympy.factor(c)):
        for known, value in ((form.is_positive, 1), (form.is_negative, -1), (form.is_zero, 0)):
            if known:
                return value
    names = ", ".join(sorted(map(str, c.free_symbols)))
    raise UndecidedError(
        f"the sign of {c} is not known; an assumption on {names} that makes it positive, zero or "
        "negative decides it"
    )


def order(a: Expr, b: Expr) -> int:
    """-1, 0 or 1 as a < b, a = b or a > b; raises `UndecidedError` where that is not known."""
    if a == b:
        return 0
    if a is S.NegativeInfinity or b is S.Infinity:
        return -1
    if b is S.NegativeInfinity or a is S.Infinity:
        return 1
    return _sign_of(a - b)


def same(a: Expr, b: Expr) -> bool:
    """Whether two exact constants are equal, as far as algebra and balls can prove it."""
    if a == b:
        return True
    try:
        return order(a, b) == 0
    except UndecidedError:
        return False


def _merge(points: Sequence[Expr]) -> list[Expr]:
    """The points in order, each once."""
    merged: list[Expr] = []
    for p in points:
        place = len(merged)
        for k, q in enumerate(merged):
            which = order(p, q)
            if which <= 0:
                place = -1 if which == 0 else k
                break
        if place >= 0:
            merged.insert(place, p)
    return merged


@lru_cache(maxsize=2048)
def roots(gap: Expr, x: Symbol, some: bool = False) -> tuple[Expr, ...]:
    """The real x where `gap` is zero or has a pole, exactly; the sign is constant between them.

    Solved are rational functions of x, and of one invertible function of such an argument.
    Raises `UnsupportedError` for the rest. With `some` it gives those that have a short form.

    >>> x = Symbol("x", real=True)
    >>> roots(sympy.exp(2 * x) - 3 * sympy.exp(x) + 2, x)
    (0, log(2))
    """
    if not gap.has(x) or gap.is_positive or gap.is_negative:
        return ()
    above, below = sympy.fraction(sympy.together(gap))
    found: list[Expr] = []
    for part in (above, below):
        factors = part.args if isinstance(part, sympy.Mul) else (part,)
        for factor in factors:
            power = isinstance(factor, sympy.Pow) and factor.exp.is_Integer
            found += _zeros(factor.args[0] if power else factor, x, some)
    return tuple(_merge(found))


def _zeros(gap: Any, x: Symbol, some: bool) -> Sequence[Expr]:
    if not gap.has(x) or gap.is_positive or gap.is_negative:
        return ()
    if gap.is_polynomial(x):
        return _polynomial_zeros(gap, x, some)
    kernel = _single_kernel(gap, x)
    if kernel is None:
        raise UnsupportedError(
            f"the sign of {gap} along {x} is not solved exactly; give the function as a Piecewise "
            f"with conditions that compare {x} with constants"
        )
    node, rest, t = kernel
    inverse, (low, high) = _INVERSES[type(node)]
    found: list[Expr] = []
    for value in roots(rest, t, some):
        if order(low, value) < 0 and order(value, high) < 0:
            found += roots(node.args[0] - inverse(value), x, some)
    return found


def _single_kernel(gap: Any, x: Symbol) -> tuple[Any, Any, Symbol] | None:
    """(f(u), gap in t, t) for the one invertible f(u) = t through which alone x enters."""
    t = sympy.Dummy("t", real=True)
    nodes: list[Any] = sorted(gap.atoms(*_INVERSES), key=sympy.default_sort_key)
    exponentials = [e for e in nodes if isinstance(e, sympy.exp) and e.has(x)]
    for node in nodes:
        table: dict[Any, Any] = {node: t}
        if node in exponentials:
            ratios = {e: sympy.cancel(e.exp / node.exp) for e in exponentials}
            powers = {node: S.One} | {e: k for e, k in ratios.items() if k.is_Rational}
            step = reduce(sympy.gcd, powers.values())
            node = sympy.exp(step * node.exp)
            table = {e: t ** (k / step) for e, k in powers.items()}
        rest = gap.xreplace(table)
        if node.has(x) and not rest.has(x):
            return node, rest, t
    return None


def _polynomial_zeros(gap: Expr, x: Symbol, some: bool) -> Sequence[Expr]:
    poly = sympy.Poly(gap, x)
    lead = poly.LC()
    if poly.degree() == 1:
        return (sympy.cancel(-poly.nth(0) / lead),)
    if poly.degree() == 2:
        _, b, c = poly.all_coeffs()
        discriminant = sympy.expand(b**2 - 4 * lead * c)
        which = _sign_of(discriminant)
        if which < 0:
            return ()
        root = sympy.sqrt(discriminant)
        ends = {sympy.radsimp((-b - root) / (2 * lead)), sympy.radsimp((-b + root) / (2 * lead))}
        return tuple(ends)
    if poly.domain.is_ZZ or poly.domain.is_QQ:
        found: list[Any] = list(dict.fromkeys(sympy.real_roots(poly.as_expr(), radicals=True)))
        if some:
            short = [r for r in found if not r.has(sympy.CRootOf) and r.count_ops() < 12]
            return list(map(sympy.radsimp, short))
        if not any(r.has(sympy.CRootOf) for r in found):
            return found
    raise UnsupportedError(f"the zeros of {gap} in {x} have no form in radicals that is used here")
