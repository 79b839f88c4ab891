"""Costs c(a, y) of the last activation a and the target y: one record is one cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, Symbol, exp, log

from symgrad.errors import InputError, UnknownNameError

__all__ = ["A", "Loss", "Y", "cross_entropy", "cross_entropy_on_logits", "loss", "losses", "squared_error"]

A = Symbol("a", real=True)
Y = Symbol("y", real=True)


@dataclass(frozen=True)
class Loss:
    """c(a, y) as a formula in the symbols `A` and `Y`.

    >>> squared_error.da
    a - y
    """

    name: str
    formula: Expr
    source: str = ""
    domain: str = ""
    """Where a must lie for c to be real, in words."""

    def __post_init__(self) -> None:
        foreign = self.formula.free_symbols - {A, Y}
        if foreign:
            raise InputError(f"a cost is a formula in a and y, got the symbols {foreign} in {self.name}")

    def __call__(self, a: Expr, y: Expr) -> Expr:
        return self.formula.xreplace({A: a, Y: y})

    @cached_property
    def da(self) -> Expr:
        """∂c/∂a."""
        return _off_kinks(self.formula.diff(A))

    @cached_property
    def daa(self) -> Expr:
        """∂²c/∂a²."""
        return _off_kinks(self.da.diff(A))

    @classmethod
    def from_callable(cls, name: str, c: Callable[[Expr, Expr], Expr]) -> Loss:
        """The cost c(a, y) that a Python function writes down."""
        return cls(name, sympy.sympify(c(A, Y), strict=True))


def _off_kinks(expr: Expr) -> Expr:
    return expr.xreplace(dict.fromkeys(expr.atoms(sympy.DiracDelta), sympy.S.Zero))


squared_error = Loss("squared_error", (A - Y) ** 2 / 2, "Legendre 1805")
cross_entropy = Loss(
    "cross_entropy", -Y * log(A) - (1 - Y) * log(1 - A), "Cox 1958", domain="0 < a < 1"
)
cross_entropy_on_logits = Loss(
    "cross_entropy_on_logits", log(1 + exp(-A)) + (1 - Y) * A, "Cox 1958, a the logit"
)

_ALL = {c.name: c for c in (squared_error, cross_entropy, cross_entropy_on_logits)}


def losses() -> tuple[Loss, ...]:
    """Every cost of the table."""
    return tuple(_ALL.values())


def loss(name: str) -> Loss:
    """The cost of that name; raises `UnknownNameError` with the nearest name otherwise."""
    if name not in _ALL:
        raise UnknownNameError("cost", name, _ALL)
    return _ALL[name]
