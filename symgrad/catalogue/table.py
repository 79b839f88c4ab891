"""How a line of a table becomes a record."""

from __future__ import annotations

from sympy import Expr, Symbol, sympify

from symgrad.activation import Activation, Kink, X

__all__ = ["kink", "row"]

Value = Expr | int


def row(
    name: str,
    formula: Expr,
    latex: str,
    unicode: str,
    source: str,
    *kinks: Kink,
    usual: dict[Symbol, Value] | None = None,
) -> Activation:
    """The activation of that name; `usual` is the value of a parameter that is not bound."""
    given = {symbol: sympify(value) for symbol, value in (usual or {}).items()}
    return Activation.from_expr(
        name, formula, X,
        defaults=given, latex=latex, unicode=unicode, source=source, kinks=kinks,
    )  # fmt: skip


def kink(at: Value, slope: Value, convention: str) -> Kink:
    """g' is not continuous at `at`; `slope` is taken there, as `convention` says."""
    return Kink(sympify(at), sympify(slope), convention)
