"""A germ: the branch of a formula next to one end of the line, and its tail model."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, S, Symbol

from symgrad.errors import LimitError
from symgrad.pieces import branches
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


def germ(formula: Expr, x: Symbol, toward: Expr, size: int, field: Field) -> Germ:
    """The branch of the formula next to ±oo and its model with at least `size` terms."""
    pieces = branches(formula, x)
    flip = toward is S.NegativeInfinity
    where, branch = pieces[0 if flip else -1]
    y = Symbol(x.name, real=True)
    inner = branch.xreplace({x: -y if flip else y})
    scale = Scale(field, y)
    start = -where.sup if flip else where.inf
    open_start = bool(where.right_open if flip else where.left_open)
    return Germ(scale, inner, model_of(scale, inner, size), start, open_start, len(pieces) == 1)


def model_of(scale: Scale, e: Expr, size: int) -> Model:
    """The model of e as the scale's variable → oo, exact or with at least `size` terms."""
    keep = max(6, size)
    while True:
        try:
            model = Expander(Workshop(scale, keep))(e)
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
