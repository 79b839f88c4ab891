"""How a smooth expression behaves toward one end of an interval: its limit, and its sign near by.

Every end is brought to u → +oo (x = u, −u, a + 1/u, a − 1/u) and read off the tail model there:
f = c·m·(1 + v) has the sign of c for all u ≥ U as soon as sup |v| < 1 on [U, oo).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Rational, S, Symbol

from symgrad.errors import DomainError, UndecidedError, UnsupportedError
from symgrad.tails.beyond import Beyond
from symgrad.tails.expand import Expander
from symgrad.tails.field import Field, expr
from symgrad.tails.model import Model, MoreTerms, Workshop
from symgrad.tails.monomial import Scale, to_expr

__all__ = ["End", "Oscillates", "amplitude_beyond", "end_of", "toward_of"]

_NEAR = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 100, 200, 400)
_STARTS = (*_NEAR, *(10**k for k in (3, 4, 6, 8, 10, 13, 16, 20, 25, 30, 40, 60, 100, 150, 300)))
_U = Symbol("u", positive=True)


class Oscillates(UnsupportedError):
    """The leading coefficient is a wave in `variable`: no sign holds from some point on.

    `limit` is the limit all the same where there is one (NaN otherwise); `growing` tells whether
    the wave is multiplied by something that tends to infinity.
    """

    def __init__(
        self, message: str, wave: Expr, variable: Symbol, limit: Expr, growing: bool
    ) -> None:
        super().__init__(message)
        self.wave, self.variable, self.limit, self.growing = wave, variable, limit, growing


@dataclass(frozen=True, slots=True)
class End:
    """f → `limit`; f has `sign` for every x strictly between `start` and the end; f ~ `law`."""

    limit: Expr
    sign: int
    start: Expr
    law: Expr


def toward_of(end: Expr, side: int) -> tuple[Expr, Expr]:
    """x as a function of u → +oo, and u as a function of x, for the end reached from `side`.

    `side` is +1 for the upper end of an interval, −1 for the lower end.
    """
    x = Symbol("x", real=True)
    if end in (S.Infinity, S.NegativeInfinity):
        return (_U, x) if end is S.Infinity else (-_U, -x)
    return (end - 1 / _U, 1 / (end - x)) if side > 0 else (end + 1 / _U, 1 / (x - end))


@lru_cache(maxsize=1024)
def end_of(f: Expr, x: Symbol, end: Expr, side: int) -> End:
    """The behaviour of a smooth expression toward an end of an interval.

    Raises `Oscillates` where a wave leads, `UnsupportedError` where there is no tail model.

    >>> from sympy import exp
    >>> x = Symbol("x", real=True)
    >>> end_of(1 / (1 + exp(-x)), x, S.NegativeInfinity, -1).law
    exp(x)
    """
    place, back = toward_of(end, side)
    try:
        shop, model = _model(f.subs(x, place))
    except DomainError as error:
        raise DomainError(
            f"{f} is not real, or has a pole, near {x} = {end} ({error}); name another interval"
        ) from error
    limit = _limit(shop, model)
    if model.is_zero:
        return End(S.Zero, 0, place.subs(_U, 2), S.Zero)
    m, c = model.lead
    law = (expr(c) * to_expr(m, _U)).subs(_U, back).subs(Symbol("x", real=True), x)
    if expr(c).has(_U):
        why = f"the leading term {law} of {f} oscillates: no sign holds near {end}"
        raise Oscillates(why, expr(c), _U, limit, shop.scale.sign(m) > 0)
    start = _start(shop, model)
    return End(limit, shop.scale.field.sign(c), place.subs(_U, start), law)


def _model(g: Any) -> tuple[Workshop, Model]:
    """The tail model of g(u), with enough terms to have a leading one."""
    g = g.replace(sympy.sinc, lambda v: sympy.sin(v) / v)
    for size in (3, 6, 12):
        shop = Workshop(Scale(Field(), _U), size)
        try:
            model = Expander(shop)(g)
            if model.terms or model.is_zero:
                return shop, model
        except MoreTerms:
            continue
    raise UnsupportedError(f"no leading term of {g} is found among the first terms of its parts")


def _limit(shop: Workshop, model: Model) -> Expr:
    if model.is_zero:
        return S.Zero
    m, c = model.lead
    growth = shop.scale.sign(m)
    if growth < 0:
        return S.Zero
    if expr(c).has(_U):
        return S.NaN
    return expr(c) if growth == 0 else S.Infinity * shop.scale.field.sign(c)


def _start(shop: Workshop, model: Model) -> Expr:
    """A u beyond which the rest is smaller than the leading term."""
    _, _, rest = shop.split(model)
    for start in _STARTS:
        if bool(Beyond(shop.scale, arb(start)).supremum(rest) < 1):
            return Rational(start)
    raise UndecidedError(f"the leading term does not beat the rest before u = {_STARTS[-1]}")


def amplitude_beyond(f: Expr, x: Symbol, end: Expr, start: Rational) -> arb:
    """A bound of |f| for all |x| ≥ start > 1 toward an infinite end; infinite if unproved."""
    place, _ = toward_of(end, 1 if end is S.Infinity else -1)
    shop, model = _model(f.subs(x, place))
    return Beyond(shop.scale, arb(int(start))).supremum(model)
