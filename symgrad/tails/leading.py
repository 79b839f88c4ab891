"""The leading term of an expression alone: its limit, its sign, and from where on it rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import arb
from sympy import Expr, S, Symbol

from symgrad.errors import UndecidedError
from symgrad.tails.beyond import Beyond, as_arb, outward
from symgrad.tails.constants import expr
from symgrad.tails.field import Field
from symgrad.tails.germ import model_of
from symgrad.tails.model import Model, Workshop
from symgrad.tails.monomial import Scale, to_expr

__all__ = ["Leading", "leading"]


@dataclass(frozen=True, eq=False)
class Leading:
    """f(u) = coefficient·monomial·(1 + v(u)), v → 0 as u → oo; both are 0 where f is exactly zero.

    `growth` is +1, 0 or −1 where the monomial tends to oo, is 1, or tends to 0. The coefficient of
    an oscillating function is a wave in u.
    """

    coefficient: Expr
    monomial: Expr
    growth: int
    oscillates: bool
    _scale: Scale
    _model: Model

    @property
    def sign(self) -> int:
        """The sign of f near infinity; 0 for zero and for a wave."""
        if self.oscillates or not self._model.terms:
            return 0
        return self._scale.field.sign(self._model.lead[1])

    @property
    def limit(self) -> Expr:
        """lim f, NaN where there is none."""
        if self.growth < 0 or self.coefficient == 0:
            return S.Zero
        if self.oscillates:
            return S.NaN
        return self.coefficient if self.growth == 0 else S.Infinity * self.sign

    def start(self) -> Expr:
        """A U > 1 with |v(u)| < 1 for every u ≥ U, so f has its sign there."""
        shop = Workshop(self._scale, len(self._model.terms) + 1)
        rest = shop.split(self._model)[2]
        for start, beyond in outward(self._scale, S.Zero):
            if beyond.supremum(rest) < 1:
                return start
        raise UndecidedError("the leading term does not beat the rest before u = 10^4000")

    def bound(self, start: Any) -> arb:
        """An upper bound of |f(u)| for all u ≥ start > 1; infinite if unproved."""
        return Beyond(self._scale, as_arb(start)).supremum(self._model)


def leading(f: Expr, u: Symbol) -> Leading:
    """The leading term of a smooth elementary expression as u → oo.

    Raises `DomainError` where f is not defined near infinity, `LimitError` where no leading term
    appears, `UnsupportedError` where f has no germ.

    >>> from sympy import exp
    >>> u = Symbol("u", positive=True)
    >>> found = leading((1 + u) / (1 + exp(u)), u)
    >>> found.coefficient * found.monomial, found.limit, found.start()
    (u*exp(-u), 0, 2)
    """
    scale = Scale(Field(), u)
    model = model_of(scale, f, 1)
    if model.is_zero:
        return Leading(S.Zero, S.Zero, -1, False, scale, model)
    m, c = model.lead
    waves = scale.field.waves(c, u)
    return Leading(expr(c), to_expr(m, u), scale.sign(m), waves, scale, model)
