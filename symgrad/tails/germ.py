"""A germ: the branch of a formula next to one end of the line, and its tail model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, FiniteSet, S, Set, Symbol

from symgrad.activation import Head, Univariate, X, elementary
from symgrad.errors import LimitError, UndecidedError, UnsupportedError
from symgrad.pieces import branches, same
from symgrad.tails.beyond import Beyond
from symgrad.tails.constants import WAVES
from symgrad.tails.expand import Expander
from symgrad.tails.field import Field
from symgrad.tails.model import Model, MoreTerms, Workshop
from symgrad.tails.monomial import Scale

__all__ = ["Germ", "germ", "model_of"]

_FEW, _MOST = 10, 32
_LOG_POSITIVE = (S.Zero, S.One, S.Exp1, sympy.exp(S.Exp1))


@dataclass(frozen=True, eq=False)
class Germ:
    """f near one end: y = ±x → oo, the branch that holds for y beyond `start`, and its model.

    `floor` is where the algebra of an exact model is an identity; where the conditions of the
    pieces have no exact roots, `guards` are what an X must satisfy for the branch to hold from X.
    """

    scale: Scale
    branch: Expr
    model: Model
    start: Expr
    open_start: bool
    whole: bool
    floor: Expr
    guards: tuple[Callable[[Beyond], bool], ...] = ()


def germ(u: Univariate, toward: Expr, size: int, field: Field) -> Germ:
    """The branch of the function next to ±oo and its model with at least `size` terms."""
    flip = toward is S.NegativeInfinity
    formula, order_of = _written(u)
    pieces = _pieces(formula, u.x)
    if flip:
        pieces = pieces[::-1]
    where, branch = pieces[-1]
    start, is_open = _end(where, flip)
    if is_open and len(pieces) > 1:
        at = -start if flip else start
        is_open = not any(
            at in other and same(part.subs(u.x, at), branch.subs(u.x, at)) for other, part in pieces
        )
    if len(pieces) > 1 and order_of:
        is_open = is_open or not _differentiable(u, pieces, -start if flip else start)
    y = Symbol(u.x.name, real=True)
    smooth = _derivative(branch, u.x, u.order) if u.activation else branch
    scale = Scale(field, y)
    inner: Any = smooth.xreplace({u.x: -y if flip else y})
    model, expander = _any_form(scale, inner, size)
    floor = S.NegativeInfinity if expander.depth < 0 else _LOG_POSITIVE[min(expander.depth, 3)]
    whole = len(pieces) == 1
    return Germ(scale, inner, model, start, is_open, whole, floor, tuple(expander.guards))


def _pieces(formula: Expr, x: Symbol) -> tuple[tuple[Set, Expr], ...]:
    """The exact pieces; where they cannot be solved, the whole formula with its conditions."""
    try:
        return branches(formula, x)
    except (UnsupportedError, UndecidedError):
        return ((S.Reals, formula),)


def _written(u: Univariate) -> tuple[Expr, int]:
    """The formula whose break points count, and the order of the derivatives in the function.

    For a derivative of an activation it is the activation's own formula: a point where g has a
    corner is none where g' is asked about.
    """
    if u.activation is not None:
        formula: Any = u.activation.derivative(0).expr.xreplace({X: u.x})
        return formula, u.order
    orders = [int(h.order) for h in u.expr.atoms(Head) if h.order.is_Integer]
    return elementary(u.expr), max(orders, default=0)


@lru_cache(maxsize=1024)
def _derivative(expr: Expr, x: Symbol, n: int) -> Expr:
    return expr if n == 0 else _derivative(expr, x, n - 1).diff(x)


def _end(where: Set, flip: bool) -> tuple[Expr, bool]:
    if flip:
        return -where.sup, bool(where.right_open)  # type: ignore[attr-defined]
    return where.inf, bool(where.left_open)  # type: ignore[attr-defined]


def _differentiable(u: Univariate, pieces: Sequence[tuple[Set, Expr]], at: Expr) -> bool:
    """Whether the last piece's formula gives the derivative at its end point too.

    So it is where the one-sided derivatives agree, or where the record's convention for the slope
    at the kink is the one of this side.
    """
    if u.activation is None or isinstance(pieces[-2][0], FiniteSet):
        return False
    beside, outer = (part for _, part in pieces[-2:])

    def slope(part: Expr, n: int) -> Expr:
        return _derivative(part, u.x, n).subs(u.x, at)

    if all(same(slope(beside, k), slope(outer, k)) for k in range(u.order + 1)):
        return True
    stated = next((k.slope for k in u.activation.kinks if same(k.at, at)), None)
    return u.order == 1 and stated is not None and same(stated, slope(outer, 1))


def _any_form(scale: Scale, e: Expr, size: int) -> tuple[Model, Expander]:
    """The model of the first of several forms that shows enough terms, first with few kept."""
    errors: dict[Any, LimitError] = {}
    for most in (_FEW, _MOST):
        for rewrite in _FORMS:
            form = rewrite(e)
            if (form, most) not in errors:
                try:
                    return _expanded(scale, form, size, most)
                except LimitError as error:
                    errors[form, most] = error
    raise errors[e, _MOST]


def model_of(scale: Scale, e: Expr, size: int) -> Model:
    """The model of a smooth e as the scale's variable → oo, exact or with at least `size` terms."""
    model, expander = _expanded(scale, e, size)
    if expander.guards:
        raise UnsupportedError(f"which piece of {e} holds depends on how far out one is")
    return model


def _expanded(scale: Scale, e: Expr, size: int, most: int = _MOST) -> tuple[Model, Expander]:
    keep = max(6, size) if size > 1 else 3
    while True:
        expander = Expander(Workshop(scale, keep))
        try:
            model = expander(e)
            if model.rem is None or len(model.terms) >= size:
                return model, expander
            missing = f"{len(model.terms)} of {size} terms appear among"
        except MoreTerms as reason:
            missing = str(reason)
        if keep > most and keep > size:
            raise LimitError(
                f"{e}: {missing} {keep} terms; the function may be zero near infinity, or two of "
                "its parts cancel to all orders: rewrite the formula"
            )
        keep += max(3, keep // 2)


def _collected(e: Expr) -> Any:
    """By what several terms share: sin(a+b) − sin(a+c) as sin(a)·(…) + cos(a)·(…)."""
    if not e.has(sympy.erf, *WAVES):
        return e
    flat: Any = sympy.expand(sympy.expand_trig(e))
    terms = sympy.Add.make_args(flat)
    shared = [f for f in flat.atoms(sympy.erf, *WAVES) if sum(t.has(f) for t in terms) > 1]
    return (
        sympy.collect(flat, sorted(shared, key=sympy.default_sort_key), sympy.factor)
        if shared
        else e
    )


_FORMS: tuple[Callable[[Any], Any], ...] = (lambda e: e, _collected, sympy.expand, sympy.factor)
