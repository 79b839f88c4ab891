"""The field of constants: exact coefficients and exponents, their signs, and their balls.

A constant is a rational (`fmpq`) or any exact real SymPy expression. Its sign comes from exact
algebra, never from a small ball; where it has symbols, from their assumptions or from their box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy
from flint import arb, fmpq
from sympy import Expr, Symbol
from sympy.simplify.fu import TR8

from symgrad.errors import UndecidedError
from symgrad.rigor import constant, precision, program, sign

__all__ = ["ONE", "ZERO", "Field", "Number", "add", "expr", "mul", "number", "power"]

Number = fmpq | Expr

ZERO = fmpq(0)
ONE = fmpq(1)
_HINTS = {"power_base": False, "power_exp": False, "log": False, "trig": False, "func": False}
_WAVES = (sympy.sin, sympy.cos)


def number(e: Expr | int) -> Number:
    """The constant with its products distributed over its sums."""
    if isinstance(e, int):
        return fmpq(e)
    if e.is_Rational:
        return _rational(e)
    if e.is_Float:
        return _rational(sympy.Rational(e))
    e = sympy.expand(e, **_HINTS)
    return _rational(e) if e.is_Rational else e


def _rational(e: Expr) -> fmpq:
    return fmpq(int(e.p), int(e.q))  # type: ignore[attr-defined]


def _flat(e: Expr) -> Number:
    if e.is_Rational:
        return _rational(e)
    if e.is_Add and e.has(*_WAVES) and e.free_symbols:
        e = sympy.expand(TR8(e), **_HINTS)
        return _rational(e) if e.is_Rational else e
    return e


def expr(c: Number) -> Expr:
    """The constant as a SymPy expression."""
    return sympy.Rational(int(c.p), int(c.q)) if isinstance(c, fmpq) else c


def add(a: Number, b: Number) -> Number:
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return a + b
    return _flat(expr(a) + expr(b))


def mul(a: Number, b: Number) -> Number:
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return a * b
    left, right = (sympy.Add.make_args(expr(c)) for c in (a, b))
    if len(left) == len(right) == 1:
        return _flat(TR8(left[0] * right[0]) if left[0].has(*_WAVES) else left[0] * right[0])
    return _flat(sympy.Add(*(p * q for p in left for q in right)))


def power(c: Number, p: Number) -> Number:
    """c**p for c > 0, or for an integer p."""
    if isinstance(p, fmpq) and p.q == 1 and isinstance(c, fmpq):
        return c ** int(p.p)
    value = expr(c) ** expr(p)
    return _rational(value) if value.is_Rational else value


class Field:
    """Signs and balls of constants, under the assumptions on symbols or on a box of parameters."""

    def __init__(self, box: Mapping[Symbol, tuple[Expr, Expr]] | None = None) -> None:
        self.box = dict(box or {})
        self._signs: dict[Expr, int] = {}
        self._balls: dict[tuple[Number, int], arb] = {}

    def sign(self, c: Number, what: str | Callable[[], str] = "") -> int:
        """The proved sign; `what` is the comparison that asks for it, in words."""
        if isinstance(c, fmpq):
            return (c > 0) - (c < 0)
        found = self._signs.get(c)
        if found is None:
            found = self._signs[c] = self._sign(c, what)
        return found

    def _sign(self, c: Expr, what: str | Callable[[], str]) -> int:
        if not c.free_symbols:
            return sign(c)
        if self.box and c.free_symbols <= set(self.box):
            ball = self.ball(c)
            if ball > 0 or ball < 0:
                return 1 if ball > 0 else -1
        for form in (c, sympy.factor(c)):
            if form.is_zero:
                return 0
            if form.is_positive or form.is_negative:
                return 1 if form.is_positive else -1
        asked = what() if callable(what) else what
        names = ", ".join(sorted(map(str, c.free_symbols)))
        raise UndecidedError(
            f"{asked or 'this tail'} depends on the sign of {c}, which the assumptions on {names} do not "
            f"decide; assume {c} > 0 or {c} < 0, or give {names} a number or an interval"
        )

    def is_zero(self, c: Number) -> bool:
        """Whether the constant is zero; sums of irrational numbers are decided by `sign`."""
        if isinstance(c, fmpq) or not c.is_Add or c.free_symbols:
            return c == 0
        return self.sign(c) == 0

    def ball(self, c: Number, prec: int = 64) -> arb:
        """An enclosure of the constant, for all parameters in the box; of |c| <= for waves see `size`."""
        key = (c, prec)
        found = self._balls.get(key)
        if found is None:
            found = self._balls[key] = self._ball(c, prec)
        return found

    def _ball(self, c: Number, prec: int) -> arb:
        if isinstance(c, fmpq):
            with precision(prec):
                return arb(c)
        if not c.free_symbols:
            return constant(c, prec)
        waves = {w: sympy.Dummy() for w in c.atoms(*_WAVES) if not w.free_symbols <= set(self.box)}
        flat = c.xreplace(waves)
        names = sorted(flat.free_symbols, key=str)
        sides = []
        with precision(prec):
            for name in names:
                if name in self.box:
                    lo, hi = self.box[name]  # type: ignore[index]
                    sides.append(constant(lo, prec).union(constant(hi, prec)))
                elif name in waves.values():
                    sides.append(arb(-1).union(arb(1)))
                else:
                    return arb.nan()
        return program(flat, *names).ball(*sides, prec=prec)

    def size(self, c: Number) -> arb:
        """An upper bound of |c|."""
        return abs(self.ball(c)).upper()
