"""What SymPy may build: every number, power and argument is bounded before SymPy computes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

import sympy
from flint import arb
from sympy import Basic, Expr, Rational, S, Symbol

from symgrad.errors import SymgradError
from symgrad.parse.tokens import Cursor, Token
from symgrad.rigor import program

__all__ = ["Builder"]

_UNDEFINED = (S.ComplexInfinity, S.NaN, S.Infinity, S.NegativeInfinity)


class Builder(Cursor):
    """A cursor that builds expressions within the limits of its names."""

    def value(self, inner: Any, column: int) -> Expr:
        """`inner`, refused where it is a comparison."""
        if not isinstance(inner, Expr):
            self.fail("a value is needed here, not a comparison", column)
        return inner

    def checked(self, build: Callable[..., Any], *args: Any, column: int) -> Any:
        """What SymPy builds from the arguments, refused where it is no finite real number."""
        try:
            result = build(*args)
        except (ValueError, TypeError, ArithmeticError, NotImplementedError) as error:
            self.fail(f"SymPy cannot build this: {error}", column)
        for part in (result, *getattr(result, "args", ())):
            if part in _UNDEFINED:
                self.fail("this is not defined (a division by zero or a pole)", column)
            if part is S.ImaginaryUnit:
                self.fail("this is not real", column)
            if isinstance(part, Rational) and _bits(part) > self.limits.bits:
                self.fail(f"a number has at most {self.limits.bits} bits", column)
        return result

    def number(self, token: Token) -> Expr:
        mantissa, _, exponent = token.text.lower().partition("e")
        whole, _, fraction = mantissa.partition(".")
        bound = self.limits.decimal_exponent
        if len(whole) + len(fraction) > self.limits.digits:
            self.fail(f"a number has at most {self.limits.digits} digits", token.column)
        if len(exponent) > 5 or abs(int(exponent or 0)) > bound:
            self.fail(f"the exponent of a decimal lies between -{bound} and {bound}", token.column)
        scale: Any = Rational(10) ** (int(exponent or 0) - len(fraction))
        return int(whole + fraction) * scale

    def bounded_power(self, base: Expr, exponent: Expr, column: int) -> None:
        """Refuse a power that SymPy would multiply out for minutes."""
        height = max((abs(r) for r in exponent.atoms(Rational)), default=1)
        if not exponent.free_symbols and not exponent.is_Rational:
            height = max(height, self.size(exponent, column))
        bits = max(_bits(base), *(_bits(log) for log in exponent.atoms(sympy.log)), 1)
        if height > self.limits.exponent or height * bits > 8 * self.limits.exponent:
            self.fail(f"numbers in an exponent go up to {self.limits.exponent}", column)

    def size(self, constant: Expr, column: int) -> float:
        """An upper bound of |constant|, by balls; refused where it does not fit a float."""
        try:
            bound = float(_ball(constant).abs_upper())
        except SymgradError:
            bound = math.inf
        if not bound < math.inf:
            self.fail("this number is too large, or is not real", column)
        return bound


@lru_cache(maxsize=4096)
def _ball(constant: Expr) -> arb:
    """An enclosure of a constant; each g⁽ⁿ⁾(c) in it is enclosed on its own, by its formula."""
    table: dict[Basic, tuple[Symbol, arb]] = {}
    stack: list[Basic] = [constant]
    while stack:
        part = stack.pop()
        if isinstance(part, sympy.Function) and len(part.args) > 1 and not part.args[0].is_number:
            t = sympy.Dummy("t", real=True)
            head: Any = part.func
            formula = head(*part.args[:-1], t).doit()
            table[part] = (t, program(formula, t).ball(_ball(cast("Expr", part.args[-1]))))
        else:
            stack += part.args
    inner = constant.xreplace({part: t for part, (t, _) in table.items()})
    symbols, balls = zip(*table.values(), strict=True) if table else ((), ())
    return program(inner, *symbols).ball(*balls)


def _bits(base: Expr) -> int:
    """The length of the longest number in an expression."""
    return max((max(r.p.bit_length(), r.q.bit_length()) for r in base.atoms(Rational)), default=1)
