"""The printed statement: Σ terms + B(K·growth, x ≥ X)."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Basic, Expr, Interval, S, Set, Symbol
from sympy.core.relational import Relational

__all__ = ["BTerm", "beyond_relation", "region"]


def region(toward: Expr, start: Expr, open_end: bool) -> Set:
    """The x beyond `start`: [start, oo), or (−oo, start]."""
    if toward is S.Infinity:
        return Interval(start, S.Infinity, open_end or start is S.NegativeInfinity, True)
    return Interval(S.NegativeInfinity, start, True, open_end or start is S.Infinity)


def beyond_relation(x: Symbol, where: Set) -> Basic:
    """`where` as a condition on x."""
    if where == S.Reals:
        return sympy.Contains(x, S.Reals, evaluate=False)
    start, end = where.inf, where.sup
    if end is S.Infinity:
        kind: type[Relational] = sympy.StrictGreaterThan if where.left_open else sympy.GreaterThan  # type: ignore[attr-defined]
        return kind(x, start, evaluate=False)
    kind = sympy.StrictLessThan if where.right_open else sympy.LessThan  # type: ignore[attr-defined]
    return kind(x, end, evaluate=False)


class BTerm(Expr):
    """A function r of x with |r(x)| ≤ bound for every x in `where`; args (bound, x, where).

    >>> from sympy import exp
    >>> x = Symbol("x", real=True)
    >>> BTerm(3 * exp(-3 * x), x, Interval(0, S.Infinity))
    B(3*exp(-3*x), x >= 0)
    """

    is_commutative = True
    is_extended_real = True

    def __new__(cls, bound: Expr, x: Symbol, where: Set) -> BTerm:
        return super().__new__(cls, bound, x, where)

    @property
    def free_symbols(self) -> set[Basic]:
        return self.args[0].free_symbols | {self.args[1]}

    def _eval_subs(self, old: Basic, new: Basic) -> Expr:
        return self

    def _sympystr(self, printer: Any) -> str:
        bound, x, where = self.args
        real = where == S.Reals
        held = f"{printer._print(x)} in R" if real else printer._print(beyond_relation(x, where))  # type: ignore[arg-type]
        return f"B({printer._print(bound)}, {held})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        bound, x, where = self.args
        held = beyond_relation(x, where)  # type: ignore[arg-type]
        return rf"B\left({printer._print(bound)},\ {printer._print(held)}\right)"

    def _pretty(self, printer: Any) -> Any:
        from sympy.printing.pretty.stringpict import prettyForm

        return prettyForm(sympy.sstr(self))
