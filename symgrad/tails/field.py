"""The field of constants: their signs and their balls.

A sign comes from a ball that excludes zero or from exact algebra, never from a small ball; where a
constant has symbols, from their assumptions or from their box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import sympy
from flint import arb, fmpq
from sympy import Expr, Symbol

from symgrad.errors import UndecidedError
from symgrad.rigor import constant, interval, precision, program, sign
from symgrad.tails.constants import WAVES, Number, expr

__all__ = ["Field"]


class Field:
    """Signs and balls of constants, under the assumptions on symbols or on a box of parameters."""

    def __init__(self, box: Mapping[Symbol, tuple[Expr, Expr]] | None = None) -> None:
        self.box = dict(box or {})
        self._signs: dict[Expr, int] = {}
        self._ball = cache(self._enclosure)

    def sign(self, c: Number, what: str | Callable[[], str] = "") -> int:
        """The proved sign; `what` is the comparison that asks for it, in words."""
        if isinstance(c, fmpq):
            return (c > 0) - (c < 0)
        found = self._signs.get(c)
        if found is None:
            found = self._signs[c] = self._sign(c, what)
        return found

    def _sign(self, c: Expr, what: str | Callable[[], str]) -> int:
        for bits in (64, 256):
            ball = self.ball(c, bits)
            if ball > 0 or ball < 0:
                return 1 if ball > 0 else -1
            if not ball.is_finite():
                break
        if not c.free_symbols:
            return sign(c)
        for form in (c, sympy.factor(c)):
            if form.is_zero:
                return 0
            if form.is_positive or form.is_negative:
                return 1 if form.is_positive else -1
        asked = what() if callable(what) else what
        names = ", ".join(sorted(map(str, c.free_symbols)))
        raise UndecidedError(
            f"{asked or 'this tail'} depends on the sign of {c}, which the assumptions on {names} "
            f"do not decide; assume {c} > 0 or {c} < 0, or give {names} a number or an interval"
        )

    def is_zero(self, c: Number) -> bool:
        """Whether the constant is zero; one with symbols or a wave counts as not zero."""
        if isinstance(c, fmpq):
            return c == 0
        return not c.free_symbols and self.sign(c) == 0

    def ball(self, c: Number, prec: int = 64) -> arb:
        """An enclosure of the constant for all parameters in the box and all values of its
        waves."""
        if isinstance(c, fmpq):
            with precision(prec):
                return arb(c)
        return self._ball(c, prec)

    def _enclosure(self, c: Expr, prec: int) -> arb:
        waves = {w: sympy.Dummy() for w in c.atoms(*WAVES) if w.free_symbols - set(self.box)}
        flat = c.xreplace(waves)
        ranges = {s: interval(*(constant(end, prec) for end in b)) for s, b in self.box.items()}
        ranges |= dict.fromkeys(waves.values(), arb(0, 1))
        names: Any = flat.free_symbols
        if not names <= set(ranges):
            return arb.nan()
        return program(flat, *names).ball(*(ranges[s] for s in names), prec=prec)

    def size(self, c: Number) -> arb:
        """An upper bound of |c|."""
        return abs(self.ball(c)).upper()

    def waves(self, c: Number, x: Symbol) -> bool:
        """Whether the coefficient is a wave in x."""
        return not isinstance(c, fmpq) and x in expr(c).free_symbols
