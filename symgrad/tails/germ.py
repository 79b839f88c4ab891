"""A germ: the branch of a formula next to one end of the line, and its tail model."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, S, Set, Symbol

from symgrad.activation import Head, Univariate, elementary
from symgrad.errors import LimitError
from symgrad.pieces import branches, order, same
from symgrad.tails.expand import Expander
from symgrad.tails.field import Field
from symgrad.tails.model import Model, MoreTerms, Workshop
from symgrad.tails.monomial import Scale

__all__ = ["Germ", "germ", "model_of"]

_MOST = 60


@dataclass(frozen=True, eq=False)
class Germ:
    """f near one end: y = ±x → oo, the branch that holds for y beyond `start`, and its model."""

    scale: Scale
    branch: Expr
    model: Model
    start: Expr
    open_start: bool
    whole: bool


def germ(u: Univariate, toward: Expr, size: int, field: Field) -> Germ:
    """The branch of the function next to ±oo and its model with at least `size` terms."""
    flip = toward is S.NegativeInfinity
    pieces = branches(u.elementary, u.x)
    where, branch = pieces[0 if flip else -1]
    start, is_open = _end(where, flip)
    whole = len(pieces) == 1
    if is_open and not whole:
        at = -start if flip else start
        is_open = not any(
            at in other and same(formula.subs(u.x, at), branch.subs(u.x, at))
            for other, formula in pieces
        )
    reach = _smooth_from(u, flip)
    if reach is not None and order(reach[0], start) >= 0:
        start, is_open, whole = *reach, False
    y = Symbol(u.x.name, real=True)
    inner = branch.xreplace({u.x: -y if flip else y})
    scale = Scale(field, y)
    return Germ(scale, inner, model_of(scale, inner, size), start, is_open, whole)


def _end(where: Set, flip: bool) -> tuple[Expr, bool]:
    if flip:
        return -where.sup, bool(where.right_open)  # type: ignore[attr-defined]
    return where.inf, bool(where.left_open)  # type: ignore[attr-defined]


def _smooth_from(u: Univariate, flip: bool) -> tuple[Expr, bool] | None:
    """The last break point of the functions whose derivatives occur, and whether it is left out.

    At a kink a derivative is what the record's convention says; where the record says nothing and the
    one-sided derivatives differ, it does not exist.
    """
    heads = [h for h in u.expr.atoms(Head) if h.order != 0]
    if not heads:
        return None
    plain = {h: Head(h.activation, 0, h.z) for h in heads}
    pieces = branches(elementary(u.expr.xreplace(plain)), u.x)
    if len(pieces) == 1:
        return None
    if flip:
        pieces = pieces[::-1]
    (_, beside), (where, outer) = pieces[-2:]
    start, is_open = _end(where, flip)
    at = -start if flip else start
    n = max(int(h.order) for h in heads)
    if u.activation is None or u.expr not in heads:
        return start, True
    if all(
        same(beside.diff(u.x, k).subs(u.x, at), outer.diff(u.x, k).subs(u.x, at))
        for k in range(n + 1)
    ):
        return None
    slope = next((k.slope for k in u.activation.kinks if same(k.at, at)), None)
    agrees = n == 1 and slope is not None and same(slope, outer.diff(u.x).subs(u.x, at))
    return start, not agrees


def model_of(scale: Scale, e: Expr, size: int) -> Model:
    """The model of e as the scale's variable → oo, exact or with at least `size` terms."""
    keep = max(6, size)
    while True:
        try:
            model = _plain(scale, Expander(Workshop(scale, keep))(e))
            if model.rem is None or len(model.terms) >= size:
                return model
            missing = f"{len(model.terms)} of {size} terms appear among"
        except MoreTerms as reason:
            missing = f"{reason}; tried"
        if keep > _MOST:
            raise LimitError(
                f"{e}: {missing} {keep} terms; the function may be zero near infinity, "
                "or two of its parts cancel to all orders: rewrite the formula"
            )
        keep += max(3, keep // 2)


def _plain(scale: Scale, model: Model) -> Model:
    """The model without terms whose coefficients are zero."""
    terms = tuple(t for t in model.terms if not scale.field.is_zero(t[1]))
    if len(terms) == len(model.terms):
        return model
    return Model(terms, model.rem, lambda beyond: beyond.bound(model))
