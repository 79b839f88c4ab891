"""One formula as one line of Unicode, as a person would write it in a letter.

δ¹ = w²·w³·σ'(z¹)·σ'(z²)·δ³: the layer index is raised, a power is written with ^.
"""

from __future__ import annotations

import re
from typing import Any

import sympy
from sympy import Basic, Expr, S
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.pretty.pretty_symbology import pretty_symbol
from sympy.printing.str import StrPrinter

from symgrad.render.formula import ByNumber

__all__ = ["line"]

_RAISED = str.maketrans("0123456789-+()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾")
_SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "<": "<", ">": ">"}
_ATOMS = {
    S.Infinity: "∞", S.NegativeInfinity: "-∞", S.Pi: "π", S.Exp1: "e", S.EulerGamma: "γ",
    S.Reals: "ℝ", S.Integers: "ℤ", S.Naturals: "ℕ", S.Naturals0: "ℕ₀", S.EmptySet: "∅",
    S.true: "true", S.false: "false",
}  # fmt: skip
#: Each order relation as a ≤ or <, and whether its sides change places.
_ORDERS = {"<=": ("≤", False), "<": ("<", False), ">=": ("≤", True), ">": ("<", True)}
_SIMPLE = re.compile(r"-?[\w.∞]+", re.UNICODE)


class _Line(ByNumber, StrPrinter):
    """SymPy's one-line printer with signs in place of its Python operators."""

    def _print(self, expr: Any, **settings: Any) -> Any:
        if isinstance(expr, Basic):
            if not expr.args and expr in _ATOMS:
                return _ATOMS[expr]
            own = getattr(self, f"_line_{type(expr).__name__}", None)
            if own is not None:
                return own(expr)
        return super()._print(expr, **settings)

    def _print_Symbol(self, expr: Any) -> Any:
        return pretty_symbol(expr.name)

    _print_Dummy = _print_Symbol

    def _print_Mul(self, expr: Any) -> str:
        shown = super()._print_Mul(expr).replace("*", "·")
        if len(expr.args) == 2 and expr.args[0].is_Integer and expr.args[1].is_Symbol:
            return shown.replace("·", "", 1)
        return shown

    def _print_Add(self, expr: Any, order: Any = None) -> str:
        return super()._print_Add(expr, order=order).replace(" - ", " − ")

    def _print_exp(self, expr: Any) -> str:
        return f"e^{self._script(expr.args[0])}"

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent == S.Half:
            return f"√{self._inner(base, PRECEDENCE['Atom'])}"
        if exponent.is_Number and exponent.is_negative:
            below = sympy.Pow(base, -exponent, evaluate=False) if exponent != -1 else base
            return f"1/{self._inner(below, PRECEDENCE['Mul'] + 1)}"
        if base is S.Exp1:
            return f"e^{self._script(exponent)}"
        raised = self._print(exponent)
        raised = raised if _SIMPLE.fullmatch(raised) else f"({raised})"
        return f"{self._inner(base, PRECEDENCE['Pow'] + 1)}^{raised}"

    def _inner(self, expr: Any, level: float) -> str:
        shown = self._print(expr)
        return f"({shown})" if precedence(expr) < level else shown

    def _script(self, expr: Any) -> str:
        shown = self._print(expr).replace(" ", "")
        return shown if re.fullmatch(r"\w", shown) else f"{{{shown}}}"

    def _print_Abs(self, expr: Any) -> str:
        return f"|{self._print(expr.args[0])}|"

    def _print_Relational(self, expr: Any) -> str:
        sides = (self._inner(side, PRECEDENCE["Relational"] + 1) for side in expr.args)
        return f" {_SIGNS.get(expr.rel_op, expr.rel_op)} ".join(sides)

    def _print_And(self, expr: Any) -> str:
        between = _between(expr.args)
        if between is not None:
            low, value, high, signs = between
            parts = [self._print(low), signs[0], self._print(value), signs[1], self._print(high)]
            return " ".join(parts)
        return " and ".join(self._print(arg) for arg in expr.args)

    def _print_Or(self, expr: Any) -> str:
        return " or ".join(self._print(arg) for arg in expr.args)

    def _print_Piecewise(self, expr: Any) -> str:
        parts = [
            f"{self._print(e)} otherwise"
            if c == S.true
            else f"{self._print(e)} for {self._print(c)}"
            for e, c in expr.args
        ]
        return "{" + "; ".join(parts) + "}"

    def _print_Contains(self, expr: Any) -> str:
        return f"{self._print(expr.args[0])} ∈ {self._print(expr.args[1])}"

    def _print_Interval(self, expr: Any) -> str:
        left = "(" if expr.left_open else "["
        right = ")" if expr.right_open else "]"
        return f"{left}{self._print(expr.start)}, {self._print(expr.end)}{right}"

    def _print_Union(self, expr: Any) -> str:
        return " ∪ ".join(self._print(arg) for arg in expr.args)

    def _print_Derivative(self, expr: Any) -> str:
        variables = expr.variables
        if len(variables) == 1 and expr.expr.args == (variables[0],):
            return f"∂{self._print(expr.expr.func)}/∂{self._print(variables[0])}"
        below = "·".join(f"∂{self._print(v)}" for v in variables)
        return f"∂({self._print(expr.expr)})/({below})"

    def _print_UndefinedFunction(self, expr: Any) -> Any:
        return pretty_symbol(expr.__name__)

    def _print_FunctionClass(self, expr: Any) -> Any:
        return pretty_symbol(expr.__name__)

    def _line_Head(self, expr: Any) -> str:
        g = expr.activation
        name = g.label(g.unicode_name, self._print) + self._order(expr.order)
        return f"{name}({self._print(expr.z)})"

    def _line_Derived(self, expr: Any) -> Any:
        g = expr.activation
        return g.label(g.unicode_name, self._print) + self._order(expr.order)

    def _line_Activation(self, expr: Any) -> str:
        return expr.label(expr.unicode_name, self._print)

    def _order(self, n: Any) -> str:
        if n.is_Integer and n <= 3:
            return "'" * int(n)
        shown = f"({self._print(n)})"
        return shown.translate(_RAISED) if n.is_Integer else f"^{shown}"

    def _line_BTerm(self, expr: Any) -> str:
        bound, x, where = expr.args
        if where == S.Reals:
            place = f"{self._print(x)} ∈ ℝ"
        elif where.sup is S.Infinity:
            place = f"{self._print(x)} {'>' if where.left_open else '≥'} {self._print(where.inf)}"
        else:
            place = f"{self._print(x)} {'<' if where.right_open else '≤'} {self._print(where.sup)}"
        return f"B({self._print(bound)}, {place})"

    def _line_Expansion(self, expr: Any) -> str:
        shown = expr._sympystr(self)
        return shown.replace(" - ", " − ")

    def _line_Factors(self, expr: Any) -> str:
        return "·".join(self._inner(factor, PRECEDENCE["Mul"]) for factor in expr.args)


def _between(args: tuple[Any, ...]) -> tuple[Expr, Expr, Expr, tuple[str, str]] | None:
    """(a, f, b, signs) where the two arguments say a ≤ f and f ≤ b."""
    if len(args) != 2 or not all(getattr(a, "rel_op", None) in _ORDERS for a in args):
        return None
    steps = []
    for a in args:
        sign, turned = _ORDERS[a.rel_op]
        steps.append((a.rhs, sign, a.lhs) if turned else (a.lhs, sign, a.rhs))
    for (low, first, middle), (other, second, high) in (steps, steps[::-1]):
        if middle == other:
            return low, middle, high, (first, second)
    return None


def line(formula: object) -> str:
    """The formula on one line, in Unicode.

    >>> from sympy import Symbol, exp
    >>> x = Symbol("x")
    >>> line(3 * Symbol("w__2") * exp(-3 * x) - x**2)
    '3·w²·e^{-3x} − x^2'
    """
    return _Line({"order": None}).doprint(formula)
