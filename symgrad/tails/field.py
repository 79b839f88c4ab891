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
from symgrad.rigor import constant, precision, program, sign
from symgrad.rigor.ops import pow_int
from symgrad.tails.constants import WAVES, Composite, Number, expr, factors_of

__all__ = ["Field"]


class Field:
    """Signs and balls of constants, under the assumptions on symbols or on a box of parameters."""

    def __init__(self, box: Mapping[Symbol, tuple[Expr, Expr]] | None = None) -> None:
        self.box = dict(box or {})
        self._signs: dict[Composite, int] = {}
        self._sum = cache(self._sum_ball)
        self._atom = cache(self._atom_ball)

    def sign(self, c: Number, what: str | Callable[[], str] = "") -> int:
        """The proved sign; `what` is the comparison that asks for it, in words."""
        if isinstance(c, fmpq):
            return (c > 0) - (c < 0)
        found = self._signs.get(c)
        if found is None:
            found = self._signs[c] = self._sign(c, what)
        return found

    def _sign(self, c: Composite, what: str | Callable[[], str]) -> int:
        for bits in (64, 256):
            ball = self.ball(c, bits)
            if ball > 0 or ball < 0:
                return 1 if ball > 0 else -1
            if not ball.is_finite():
                break
        e = c.expr
        if not e.free_symbols:
            return sign(e)
        for form in (e, sympy.factor(e)):
            if form.is_zero:
                return 0
            if form.is_positive or form.is_negative:
                return 1 if form.is_positive else -1
        asked = what() if callable(what) else what
        names = ", ".join(sorted(map(str, e.free_symbols)))
        raise UndecidedError(
            f"{asked or 'this tail'} depends on the sign of {e}, which the assumptions on {names} "
            f"do not decide; assume {e} > 0 or {e} < 0, or give {names} a number or an interval"
        )

    def is_zero(self, c: Number) -> bool:
        """Whether the constant is zero; one with symbols or a wave counts as not zero."""
        if isinstance(c, fmpq):
            return c == 0
        return not c.expr.free_symbols and self.sign(c) == 0

    def ball(self, c: Number, prec: int = 64) -> arb:
        """An enclosure of the constant for all parameters in the box and all values of its
        waves."""
        if isinstance(c, Composite):
            return self._sum(c, prec)
        with precision(prec):
            return arb(c)

    def _sum_ball(self, c: Composite, prec: int) -> arb:
        with precision(prec):
            products = (size * self._product(place, prec) for place, size in c.terms.items())
            return sum(products, arb(0))

    def _product(self, place: int, prec: int) -> arb:
        product = arb(1)
        for atom, e in factors_of(place):
            base, n = self._atom(atom, prec), int(e.p)
            if e.q != 1:
                product *= base ** arb(e) if base > 0 else arb.nan()
            else:
                # The inverse first: a wide power would lose its small lower end in the radius.
                product *= pow_int(base, n) if n >= 0 else pow_int(1 / base, -n)
        return product

    def _atom_ball(self, atom: Expr, prec: int) -> arb:
        free = atom.free_symbols
        if not free:
            return constant(atom, prec)
        if free <= set(self.box):
            names = sorted(free, key=str)
            ends = [[constant(end, prec) for end in self.box[s]] for s in names]  # type: ignore[index]
            return program(atom, *names).ball(*(lo.union(hi) for lo, hi in ends), prec=prec)
        waves = {wave: sympy.Dummy() for wave in atom.atoms(*WAVES) if wave.free_symbols & free}
        flat: Any = atom.xreplace(waves)
        names = tuple(waves.values())
        if not flat.free_symbols <= set(names):
            return arb.nan()
        every = [arb(-1).union(arb(1))] * len(names)
        return program(flat, *names).ball(*every, prec=prec)

    def size(self, c: Number) -> arb:
        """An upper bound of |c|."""
        return abs(self.ball(c)).upper()

    def waves(self, c: Number, x: Symbol) -> bool:
        """Whether the coefficient is a wave in x."""
        return not isinstance(c, fmpq) and x in expr(c).free_symbols
