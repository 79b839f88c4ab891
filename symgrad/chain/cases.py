"""A case of the critical set, and the words its conditions are written in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Basic, Expr, FiniteSet, Reals, S

from symgrad.fact import Fact, Result
from symgrad.render import Block, Formula, Para, Shown, Steps

__all__ = [
    "CriticalCase",
    "CriticalPoints",
    "ZeroCount",
    "inner",
    "nonzero",
    "parts",
    "sided",
    "solved",
    "summed",
]

# SymPy's relations and Boolean functions are typed more narrowly than they are used.
And: Any = sympy.And
Or: Any = sympy.Or
Eq: Any = sympy.Eq
Ne: Any = sympy.Ne
Ge: Any = sympy.Ge
Gt: Any = sympy.Gt
Le: Any = sympy.Le
Lt: Any = sympy.Lt
Contains: Any = sympy.Contains


@dataclass(frozen=True)
class CriticalCase(Result):
    """A part of {∇C = 0}: the points with `condition`, where the factors `vanishing` are zero.

    `kind` is "global minimum", "weak local minimum", "weak local maximum", "strict saddle",
    "degenerate saddle", "saddle", "flat", "kink" or "undecided"; `occurs` says for which x and y
    there are such points.
    """

    name: str
    condition: Basic
    vanishing: tuple[Expr, ...]
    kind: str
    occurs: Basic
    fact: Fact
    note: str = ""

    def _blocks(self) -> Iterable[Block]:
        occurs: tuple[Any, ...] = () if self.occurs == S.true else (", possible for ", self.occurs)
        yield Para(f"{self.kind} ({self.name})", *occurs, ":")
        yield Formula(self.condition)
        if self.note:
            yield Para(self.note)


class CriticalPoints(tuple[CriticalCase, ...], Shown):
    """{∇C = 0} as a union of disjoint cases: a tuple of them that prints as a numbered list."""

    __slots__ = ()

    def _blocks(self) -> Iterable[Block]:
        yield Para("∇C = 0 exactly where one of these holds:")
        yield Steps(tuple(tuple(case._blocks()) for case in self))


class ZeroCount(sympy.Function):
    """How many of the arguments are zero.

    >>> from sympy import symbols
    >>> u, v = symbols("u v")
    >>> ZeroCount(u, v) >= 2, ZeroCount(u, v).subs({u: 0, v: 3})
    (number_of_zeros(u, v) >= 2, 1)
    """

    is_integer = True
    is_nonnegative = True

    @classmethod
    def eval(cls, *args: Any) -> Any:
        if all(a.is_zero is not None for a in args):
            return sympy.Integer(sum(1 for a in args if a.is_zero))
        return None

    def _sympystr(self, printer: Any) -> str:
        return f"number_of_zeros({', '.join(map(printer._print, self.args))})"

    def _latex(self, printer: Any) -> str:
        return rf"\#\{{{', '.join(f'{printer._print(a)} = 0' for a in self.args)}\}}"


def solved(where: Any, variable: Expr) -> Any:
    """z ∈ where, as a condition on `variable`."""
    if isinstance(where, (sympy.ImageSet, sympy.Union)):
        return Contains(variable, where)
    return where.as_relational(variable)


def nonzero(residual: Expr) -> Any:
    """residual ≠ 0, without a leading minus."""
    return Ne(-residual if residual.could_extract_minus_sign() else residual, 0)


def sided(residual: Expr, side: int) -> Any:
    """residual > 0 for side 1, residual < 0 for side -1, without a leading minus."""
    if residual.could_extract_minus_sign():
        residual, side = -residual, -side
    return Gt(residual, 0) if side > 0 else Lt(residual, 0)


def parts(where: Any) -> Iterable[Any]:
    """The sets that a union is made of; the set itself where it is none."""
    if where == S.EmptySet:
        return ()
    return where.args if isinstance(where, sympy.Union) else (where,)


def inner(part: Any) -> Expr:
    """A point inside an interval."""
    if part == Reals:
        return S.Zero
    if part.start.is_finite and part.end.is_finite:
        return (part.start + part.end) / 2
    return part.end - 1 if part.end.is_finite else part.start + 1


def summed(one: Any, two: Any) -> Any:
    """{u + v}, of intervals and single numbers."""
    if isinstance(one, FiniteSet) and isinstance(two, FiniteSet):
        return FiniteSet(one.inf + two.inf)
    ends = one.inf + two.inf, one.sup + two.sup
    opens = [
        any(isinstance(s, sympy.Interval) and getattr(s, side) for s in (one, two))
        for side in ("left_open", "right_open")
    ]
    return sympy.Interval(*ends, *opens)
