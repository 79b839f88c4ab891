"""How a smooth expression behaves toward one end of an interval: its limit, and its sign near by.

Every end is brought to u → +oo (x = u, −u, a + 1/u, a − 1/u) and read off the tail model there:
f = c·m·(1 + v) has the sign of c for all u ≥ U as soon as sup |v| < 1 on [U, oo).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, S, Symbol

from symgrad.errors import DomainError, LimitError, UnsupportedError
from symgrad.tails import Leading, leading

__all__ = ["End", "Oscillates", "amplitude", "end_of", "toward_of"]

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
        lead = _leading(f.subs(x, place))
    except DomainError as error:
        raise DomainError(
            f"{f} is not real, or has a pole, near {x} = {end} ({error}); name another interval"
        ) from error
    law = (lead.coefficient * lead.monomial).subs(_U, back).subs(Symbol("x", real=True), x)
    if law == 0:
        return End(S.Zero, 0, place.subs(_U, 2), S.Zero)
    if lead.oscillates:
        why = f"the leading term {law} of {f} oscillates: no sign holds near {end}"
        raise Oscillates(why, lead.coefficient, _U, lead.limit, lead.growth > 0)
    return End(lead.limit, lead.sign, place.subs(_U, lead.start()), law)


def _leading(g: Any) -> Leading:
    g = g.replace(sympy.sinc, lambda v: sympy.sin(v) / v)
    g = g.replace(sympy.cot, lambda v: sympy.cos(v) / sympy.sin(v))  # tan beside its pole
    try:
        return leading(g, _U)
    except LimitError as error:
        raise UnsupportedError(f"{g} has no leading term that is found ({error})") from error


def amplitude(f: Expr, x: Symbol, end: Expr) -> Leading:
    """The leading term toward an infinite end; its `bound(X)` bounds |f| for |x| ≥ X > 1."""
    place, _ = toward_of(end, 1 if end is S.Infinity else -1)
    return _leading(f.subs(x, place))
