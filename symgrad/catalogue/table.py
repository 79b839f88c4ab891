"""How a line of a table becomes a record."""

from __future__ import annotations

from sympy import Expr, Symbol, sympify

from symgrad.activation import Activation, Kink, X

__all__ = ["OFTEN", "kink", "row"]

Value = Expr | int

#: The values that learned parameters start from or are compared at, by name of the record.
OFTEN: dict[str, dict[str, Expr]] = {}


def row(
    name: str,
    formula: Expr,
    latex: str,
    unicode: str,
    source: str,
    *kinks: Kink,
    usual: dict[Symbol, Value] | None = None,
    often: dict[Symbol, Value] | None = None,
) -> Activation:
    """The activation of that name; `usual` is the value of a parameter that is not bound.

    A parameter with a value in `often` alone stays a symbol: it is one that networks learn.
    """
    OFTEN[name] = {symbol.name: sympify(value) for symbol, value in (often or {}).items()}
    given = {symbol: sympify(value) for symbol, value in (usual or {}).items()}
    return Activation.from_expr(
        name, formula, X,
        defaults=given, latex=latex, unicode=unicode, source=source, kinks=kinks,
    )  # fmt: skip


def kink(at: Value, slope: Value, convention: str) -> Kink:
    """g' is not continuous at `at`; `slope` is taken there, as `convention` says."""
    return Kink(sympify(at), sympify(slope), convention)
