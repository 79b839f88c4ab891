"""What the theorems on critical points ask of one activation, proved by the rooms above."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Expr, FiniteSet, Interval, S, Set

from symgrad.activation import X
from symgrad.bounds.extrema import Extremum, extrema
from symgrad.bounds.zeros import Zeros, zeros
from symgrad.chain.layer import Layer
from symgrad.chain.notation import put
from symgrad.errors import UndecidedError
from symgrad.fact import Step
from symgrad.rigor import constant, sign

__all__ = ["Shape"]


@dataclass(frozen=True)
class Shape:
    """What the theorems ask of one layer's g, proved by the rooms above or undecided."""

    layer: Layer

    @cached_property
    def ends(self) -> Any:
        """inf g and sup g."""
        return extrema(self.layer.g)

    @property
    def range(self) -> Any:
        """g(ℝ), an interval where g is continuous."""
        if self.layer.order == 0 and self.layer.record.jumps:
            raise UndecidedError(f"{self.layer.g} jumps, so its range need not be an interval")
        ends = self.ends
        if not ends.verdict:
            raise UndecidedError(f"the range of {self.layer.g} is not decided: {ends.verdict}")
        lo, hi = ends.inf, ends.sup
        return Interval(lo.value, hi.value, not lo.attained, not hi.attained)

    @cached_property
    def _stationary(self) -> Zeros:
        return zeros(self.layer.g.d(1))

    @cached_property
    def _roots(self) -> Zeros:
        return zeros(self.layer.g)

    @property
    def stationary(self) -> Set:
        """{g' = 0}, off the kinks."""
        return _proved(self._stationary)

    @property
    def roots(self) -> Set:
        """{g = 0}."""
        return _proved(self._roots)

    def at_zero(self, n: int) -> int:
        """The sign of g⁽ⁿ⁾(0); at a kink the sign of the stated slope."""
        return sign(self.value(n, S.Zero))

    def value(self, n: int, z: Expr) -> Expr:
        """g⁽ⁿ⁾(z), elementary."""
        if n == 1:
            for kink in self.layer.kinks:
                if kink.at == z:
                    return kink.slope
        return self.layer.formula(n).subs(X, z)

    @property
    def kinked_at_zero(self) -> bool:
        return any(kink.at == 0 for kink in self.layer.kinks)

    def sides(self, at: Expr) -> tuple[int, int]:
        """The signs of the slopes on the left and on the right of a point."""
        record, n = self.layer.record, self.layer.order + 1
        return sign(record.one_sided(at, "-", n)), sign(record.one_sided(at, "+", n))

    def takes(self, extreme: Extremum, at: Expr) -> bool:
        """Whether g takes its supremum or infimum at the point, a zero of g' or a kink."""
        if not self.ends.verdict or not extreme.attained:
            return False
        if not isinstance(extreme.where, FiniteSet):
            return extreme.where.contains(at) == S.true
        # Zeros of g' are isolated: two enclosures that meet are the same one.
        points: Any = extreme.where.args
        return any(constant(p).overlaps(constant(at)) for p in points)

    @property
    def only_zero(self) -> bool:
        """g vanishes at 0 alone and crosses it: a = 0 means that a weight below is zero."""
        left, right = self.sides(S.Zero)
        return self.roots == FiniteSet(0) and left * right > 0

    @cached_property
    def one_sided(self) -> bool:
        """g(z) = p·max(z, 0) with p > 0."""
        expr = self.layer.formula()
        right, left = expr.subs(X, 1), expr.subs(X, -1)
        if not self.kinked_at_zero or left != 0 or not right.is_positive:
            return False
        positive, negative = sympy.Symbol("p", positive=True), sympy.Symbol("n", negative=True)
        return (
            put(expr, {X: positive}).doit() == right * positive
            and put(expr, {X: negative}).doit() == 0
        )

    def steps(self) -> list[Step]:
        """The facts about g that the cases rest on."""
        return [
            Step(found.fact.statement, f"the zeros of {found.f.expr}", found.verdict)
            for found in (self._roots, self._stationary)
        ]


def _proved(found: Zeros) -> Set:
    if not found.verdict:
        raise UndecidedError(f"the zeros of {found.f.expr} are not decided: {found.verdict}")
    return found.set
