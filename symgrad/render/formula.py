"""One formula as text or LaTeX, on SymPy's printers.

Only what SymPy's printers get wrong for our notation is changed: the layer index in `w__2` is a
superscript that is never read as a power, and no multiplication sign is put between symbols.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sympy import Basic, Mul, Symbol
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

__all__ = ["ByNumber", "latex", "sign", "text"]

_SIGNS = {"<=": r"\leq", ">=": r"\geq", "~": r"\sim", "!=": r"\neq", "==": "="}


class _Ordered(Mul):
    """A product whose factors are printed with w__2 before w__10."""

    def as_ordered_factors(self, order: Any = None) -> list[Any]:
        return sorted(self.args, key=lambda factor: _by_number(factor.sort_key(order=order)))

    def as_coeff_Mul(self, rational: bool = False) -> tuple[Any, Any]:
        c, rest = super().as_coeff_Mul(rational=rational)
        return c, _Ordered._from_args(rest.args) if rest.is_Mul else rest


def _by_number(key: Any) -> Any:
    """SymPy's sort key with the numbers in names as numbers."""
    if isinstance(key, str):
        return tuple(int(t) if t.isdigit() else t for t in re.split(r"(\d+)", key))
    return tuple(map(_by_number, key)) if isinstance(key, tuple) else key


class ByNumber:
    """For a printer: the factors of a product in the order of their layers."""

    def _print_Mul(self, expr: Any) -> str:
        if any(re.search(r"__\d\d", getattr(s, "name", "")) for s in expr.free_symbols):
            expr = _Ordered._from_args(expr.args)
        return super()._print_Mul(expr)  # type: ignore[misc]


class _Latex(ByNumber, LatexPrinter):
    def _print_ExpBase(self, expr: Basic, exp: str | None = None) -> str:
        tex = f"e^{{{self._print(expr.args[0])}}}"
        return self._do_exponent(tex, exp)

    _print_exp = _print_ExpBase

    def _print_Derivative(self, expr: Any) -> str:
        """∂C/∂w where the function stands for its value, as in C(w)."""
        if len(expr.variables) == 1 and expr.expr.args == (expr.variables[0],):
            name = self._print(Symbol(expr.expr.func.__name__))
            return rf"\frac{{\partial {name}}}{{\partial {self._print(expr.variables[0])}}}"
        return super()._print_Derivative(expr)


class _Text(ByNumber, StrPrinter):
    def _print_BooleanTrue(self, expr: Basic) -> str:
        return "true"


@lru_cache(maxsize=4096)
def latex(formula: Basic) -> str:
    r"""The LaTeX source of a SymPy object, without dollar signs.

    >>> from sympy import Symbol, exp
    >>> latex(Symbol("w__2") * exp(-Symbol("x")))
    'w^{2} e^{- x}'
    """
    return _Latex({"ln_notation": False, "long_frac_ratio": 3}).doprint(formula)


def sign(relation: str) -> str:
    r"""The LaTeX of a relation between the sides of a formula: `sign("<=")` is \leq."""
    return _SIGNS.get(relation, relation)


def text(formula: object) -> str:
    """One line of ASCII that the parser of symgrad reads back."""
    return _Text({"order": None}).doprint(formula)
