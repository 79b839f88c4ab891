"""tail(f, toward): terms, a proved remainder, and the tail class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Rational, S, Set, Symbol

from symgrad.errors import DomainError, InputError
from symgrad.fact import Fact, Result
from symgrad.render import Block, Formula, Para
from symgrad.rigor import Enclosure, precision, program
from symgrad.tails.audit import Audit, audit
from symgrad.tails.classify import TailClass
from symgrad.tails.statement import BTerm, beyond_relation, region

__all__ = ["Remainder", "Tail"]


@dataclass(frozen=True, slots=True)
class Remainder:
    """|r(x)| ≤ coefficient · growth(x) for every x beyond `valid_from`.

    `coefficient` and `valid_from` are None where a symbol without a number leaves the expansion
    formal.
    """

    coefficient: Expr | None
    growth: Expr
    valid_from: Expr | None


@dataclass(frozen=True, slots=True)
class Tail(Result):
    """f(x) = sum(terms)(x) + r(x), |r(x)| ≤ coefficient · growth(x) for every x beyond valid_from.

    `terms` are SymPy expressions in x, largest first; `remainder` is None where the sum is exact.
    """

    head: Expr
    formula: Expr
    x: Symbol
    toward: Expr
    terms: tuple[Expr, ...]
    remainder: Remainder | None
    where: Set
    tail_class: TailClass
    fact: Fact

    @property
    def valid_from(self) -> Expr:
        """The end of `where`: the claim holds for every x beyond it."""
        return self.where.inf if self.toward is S.Infinity else self.where.sup

    @property
    def sum(self) -> Expr:
        """The sum of the terms."""
        return sympy.Add(*self.terms)

    @property
    def is_exact(self) -> bool:
        """Whether f is the sum of the terms on `where`."""
        return self.remainder is None

    @property
    def error(self) -> Expr:
        """K·growth, the bound of |f − Σ| on `where`; 0 where the sum is exact.

        Raises `DomainError` where the expansion is formal.
        """
        if self.remainder is None:
            return S.Zero
        if self.remainder.coefficient is None:
            raise DomainError(
                f"the expansion of {self.head} is formal: give its parameters numbers"
            )
        return self.remainder.coefficient * self.remainder.growth

    def numbers_only(self, what: str) -> None:
        """Raises `InputError` where the function has symbols beside x."""
        if names := sorted(map(str, self.formula.free_symbols - {self.x})):
            values = ", ".join(f"{name}: ..." for name in names)
            raise InputError(
                f"{what} needs numbers, but {self.head} has {', '.join(names)}; "
                f"ask for tail(..., parameters={{{values}}})"
            )

    def beyond(self, start: Expr) -> Set:
        """The part of `where` beyond a point."""
        return region(self.toward, start, False) & self.where

    def check(self, n: int = 200, seed: int = 0, bits: int = 10_000) -> Audit:
        """|f − Σ|/(K·growth) at n points by both oracles: how narrow the bound is, and that it
        holds.

        Points run out to where the values need `bits` bits of working precision.
        """
        self.numbers_only("a check at points")
        return audit(self, n, seed, bits)

    def two_sided(self) -> tuple[Expr, Expr]:
        """(lower, upper) with lower(x) ≤ f(x) ≤ upper(x) on `where`."""
        return self.sum - self.error, self.sum + self.error

    def at(self, x: Any) -> Enclosure:
        """An enclosure of f(x) from the terms and the remainder alone; x is an exact number.

        Raises `DomainError` where the tail says nothing about x.
        """
        self.numbers_only("an enclosure")
        point = sympy.sympify(x, strict=True)
        point = Rational(point) if point.is_Float else point
        if self.where.contains(point) is not S.true:
            raise DomainError(f"this tail holds on {self.where}, which has no {point}")
        value, error = (program(e, self.x) for e in (self.sum, self.error))
        bits = 96
        while True:
            at = program(point).ball(prec=bits)
            middle, radius = value.ball(at, prec=bits), abs(error.ball(at, prec=bits)).upper()
            if bits >= 1 << 15 or middle.rad() <= radius / 2**20 or middle.rel_accuracy_bits() > 80:
                with precision(bits):
                    return Enclosure.of_ball(middle + arb(0, radius))
            bits *= 2

    def _blocks(self) -> Iterable[Block]:
        yield Formula(self.head, self.statement)
        if self.is_exact and self.where == S.Reals:
            yield Para("for every real ", self.x)
        elif self.is_exact:
            yield Para("for ", beyond_relation(self.x, self.where))

    @property
    def statement(self) -> Expr:
        """Σ terms + B(K·growth, x ≥ X) as one expression that prints in this order."""
        if self.remainder is None:
            return Expansion(*self.terms)
        if self.remainder.coefficient is None:
            return Expansion(*self.terms, sympy.Function("O")(self.remainder.growth))
        return Expansion(*self.terms, BTerm(self.error, self.x, self.where))


class Expansion(Expr):
    """A sum that keeps its terms in the given order when it prints."""

    is_commutative = True

    def doit(self, **hints: Any) -> Expr:
        parts: Any = self.args
        return sympy.Add(*parts)

    def _sympystr(self, printer: Any, exp: str | None = None) -> str:
        return _joined([printer._print(a) for a in self.args])

    _latex = _sympystr

    def _pretty(self, printer: Any) -> Any:
        parts: Any = self.args
        return printer._print(sympy.Add(*parts, evaluate=False))


def _joined(parts: list[str]) -> str:
    if not parts:
        return "0"
    text = parts[0]
    for part in parts[1:]:
        text += f" - {part[1:].lstrip()}" if part.startswith("-") else f" + {part}"
    return text
