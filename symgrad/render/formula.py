"""One formula as text or LaTeX, on SymPy's printers.

Only what SymPy's printers get wrong for our notation is changed: the layer index in `w__2` is a
superscript that is never read as a power, and no multiplication sign is put between symbols.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Basic, Symbol
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

__all__ = ["latex", "text"]


class _Latex(LatexPrinter):
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


class _Text(StrPrinter):
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


def text(formula: object) -> str:
    """One line of ASCII that the parser of symgrad reads back."""
    return _Text({"order": None}).doprint(formula)
