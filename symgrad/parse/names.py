"""What a text may say: the functions, symbols and constants it may name, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Basic, Expr, Symbol

__all__ = ["ELEMENTARY", "Function", "Limits", "Names"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function that text may call: what builds f(args), how many arguments, and its limits.

    `largest` bounds |a| for an argument a that holds no symbol (exp(exp(100)) has 10^43 digits),
    `derivative(n)` gives what builds f⁽ⁿ⁾(x), and `bind(**values)` the same function with its
    `parameters` bound.
    """

    make: Callable[..., Any]
    arity: tuple[int, int] = (1, 1)
    largest: float = 1e300
    derivative: Callable[[int], Callable[..., Any]] | None = None
    parameters: tuple[str, ...] = ()
    bind: Callable[..., Function] | None = None


def _sympy_function(function: Any, arity: tuple[int, int] = (1, 1)) -> Function:
    def derivative(order: int) -> Callable[..., Any]:
        def at(argument: Expr) -> Any:
            t = sympy.Dummy("t", real=True)
            return function(t).diff(t, order).subs(t, argument)

        return at

    largest = 1e6 if function in (sympy.exp, sympy.sinh, sympy.cosh) else 1e300
    return Function(function, arity, largest, derivative if arity == (1, 1) else None)


#: Functions of analysis that SymPy has, by the names that SymPy prints.
ELEMENTARY: Mapping[str, Function] = {
    **{
        name: _sympy_function(getattr(sympy, name))
        for name in (
            "exp log sqrt cbrt sin cos tan cot sec csc asin acos atan acot asec acsc "
            "sinh cosh tanh coth sech csch asinh acosh atanh acoth asech acsch "
            "erf erfc sinc Abs sign Heaviside LambertW"
        ).split()
    },
    "ln": _sympy_function(sympy.log),
    "abs": _sympy_function(sympy.Abs),
    "Max": _sympy_function(sympy.Max, (1, 8)),
    "Min": _sympy_function(sympy.Min, (1, 8)),
    "max": _sympy_function(sympy.Max, (1, 8)),
    "min": _sympy_function(sympy.Min, (1, 8)),
    "atan2": _sympy_function(sympy.atan2, (2, 2)),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a text may ask for at most."""

    length: int = 4000
    depth: int = 64
    digits: int = 200
    decimal_exponent: int = 400
    exponent: int = 10**6
    bits: int = 2048
    order: int = 20


def _real(name: str) -> Symbol:
    return Symbol(name, real=True)


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a text may use: functions, symbols, constants.

    `unknown(name)` makes the symbol for a name that is in no table; with None such a name is an
    error that offers the nearest known one.
    """

    functions: Mapping[str, Function] = field(default_factory=lambda: ELEMENTARY)
    symbols: Mapping[str, Basic] = field(default_factory=dict)
    unknown: Callable[[str], Symbol] | None = None
    limits: Limits = field(default_factory=Limits)

    def constants(self) -> dict[str, Expr]:
        """The constants that no symbol of the same name hides."""
        known: dict[str, Expr] = {"pi": sympy.pi, "E": sympy.E, "e": sympy.E}
        return {name: value for name, value in known.items() if name not in self.symbols}

    @classmethod
    def free(cls, **settings: Any) -> Names:
        """Names under which every unknown name is a real symbol."""
        return cls(unknown=_real, **settings)
