"""A product that prints its factors in the order in which a textbook writes them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from sympy import Add, Expr, Mul, Symbol

from symgrad.activation import Head

__all__ = ["Factors", "textbook"]


class Factors(Expr):
    """The product of its arguments, which print from left to right as they are given."""

    is_commutative = True

    def doit(self, **hints: Any) -> Expr:
        return Mul(*self.args)  # type: ignore[return-value]

    def _sympystr(self, printer: Any) -> str:
        return "*".join(
            f"({printer._print(a)})" if isinstance(a, Add) else printer._print(a) for a in self.args
        )

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = r" \, ".join(
            rf"\left({printer._print(a)}\right)" if isinstance(a, Add) else printer._print(a)
            for a in self.args
        )
        return body if exp is None else rf"\left({body}\right)^{{{exp}}}"


def textbook(factors: Iterable[Expr], most: int | None = None) -> Expr:
    """Weights first, then slopes g'(z), then the error of the last layer, then aˡ⁻¹.

    With `most`, dots stand for all but the first and last so many weights, and slopes.
    """

    def rank(factor: Expr) -> int:
        if isinstance(factor, Symbol):
            return {"w": 0, "d": 2, "e": 2}.get(factor.name[0], 3)
        return 1 if isinstance(factor, Head) else 2

    def layer(factor: Expr) -> int:
        name = str(factor.z if isinstance(factor, Head) else factor)
        _, _, digits = name.partition("__")
        return int(digits) if digits.isdigit() else 0

    ordered: list[Expr] = []
    for _, group in groupby(sorted(factors, key=lambda f: (rank(f), layer(f))), rank):
        alike = list(group)
        if most and len(alike) > 2 * most:
            alike[most:-most] = [Symbol("...")]
        ordered += alike
    return ordered[0] if len(ordered) == 1 else Factors(*ordered)
