"""A function of one real variable, as every call of symgrad reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Lambda, Set, Symbol
from sympy.core.function import FunctionClass

from symgrad.activation.definition import X
from symgrad.activation.head import Head, elementary
from symgrad.activation.record import Activation, Derived
from symgrad.errors import InputError, UndecidedError, UnsupportedError
from symgrad.pieces import branches, folded, is_bent

__all__ = ["Univariate", "univariate"]


@dataclass(frozen=True, slots=True)
class Univariate:
    """A function of one real variable.

    `expr` may hold heads, `elementary` holds none; `name` is for display and ids.
    """

    expr: Expr
    x: Symbol
    name: str
    activation: Activation | None = None
    order: int = 0

    @property
    def elementary(self) -> Any:
        """The function in elementary functions; its pieces outermost where they can be solved."""
        if self.activation is not None:
            return self.activation.derivative(self.order).expr.xreplace({X: self.x})
        expr = elementary(self.expr)
        if not is_bent(expr, self.x):
            return expr
        try:
            return folded(expr, self.x)
        except (UndecidedError, UnsupportedError):
            return expr

    @property
    def branches(self) -> tuple[tuple[Set, Expr], ...]:
        """The pairs (set, smooth expression) from left to right, see `pieces.branches`."""
        return branches(self.elementary, self.x)

    @property
    def breaks(self) -> tuple[Expr, ...]:
        """The points where one smooth expression ends and another begins."""
        return tuple(domain.sup for domain, _ in self.branches[:-1])


def univariate(f: Any, x: Symbol | None = None) -> Univariate:
    """Read an activation, `g.d(n)`, a SymPy function class, or an expression in x as one function.

    >>> univariate(sympy.tanh).elementary
    tanh(x)

    Raises `InputError` where the variable is not clear.
    """
    variable = x if x is not None else X
    if isinstance(f, Activation):
        return Univariate(f(variable), variable, f.name, f, 0)
    if isinstance(f, Derived):
        if not f.order.is_Integer:
            raise InputError(f"the order of the derivative must be a number, got {f.order}")
        n = int(f.order)
        return Univariate(f(variable), variable, _name(f.activation, n), f.activation, n)
    if isinstance(f, (FunctionClass, Lambda)):
        return Univariate(f(variable), variable, str(getattr(f, "__name__", "f")))
    if isinstance(f, str):
        raise InputError(f"text is read by symgrad.parse first, got the string {f!r}")
    expr = sympy.sympify(f, strict=True)
    if x is None:
        symbols = sorted(expr.free_symbols, key=lambda s: s.name)
        if len(symbols) > 1:
            raise InputError(
                f"{expr} has the symbols {symbols}; say which one is the variable: x=..."
            )
        variable = symbols[0] if symbols else X
    if isinstance(expr, Head) and expr.z == variable and expr.order.is_Integer:
        g, n = expr.activation, int(expr.order)
        return Univariate(expr, variable, _name(g, n), g, n)
    return Univariate(expr, variable, "f")


def _name(g: Activation, n: int) -> str:
    return g.name if n == 0 else f"{g.name}.d{n}"
