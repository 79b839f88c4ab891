"""What the theorems on critical points ask of one activation, proved by the rooms above."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Expr, FiniteSet, Interval, S, Set

from symgrad.activation import X
from symgrad.bounds.extrema import Extremum, extrema
from symgrad.bounds.waves import period_of
from symgrad.bounds.zeros import Zeros, zeros
from symgrad.chain.cases import inner, parts
from symgrad.chain.layer import Layer
from symgrad.errors import UndecidedError
from symgrad.fact import Step
from symgrad.rigor import constant, sign

__all__ = ["Shape", "Spot"]


@dataclass(frozen=True)
class Spot:
    """Where g' = 0 or g has a kink: the z of `on`, of which `at` is one, alike in what follows.

    `left` and `right` are the signs of g − g(z) just below and just above z, 0 on a plateau.
    `curve` is the sign of g''(z), None at a kink; `value` is g(z), None where it differs on `on`.
    """

    on: Set
    at: Expr
    left: int
    right: int
    curve: int | None
    value: Expr | None

    @property
    def even(self) -> bool:
        """Whether g is smooth there and does the same on both sides."""
        return self.curve is not None and self.left == self.right

    @property
    def signs(self) -> set[int]:
        """The signs that g − g(z) takes arbitrarily near z."""
        return {self.left, self.right} - {0}


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
            why = _why(ends.verdict)
            raise UndecidedError(f"the range of {self.layer.g} is not decided: {why}")
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
    def crosses(self) -> int:
        """1 where g has the sign of z for every z, −1 where it has that of −z, else 0."""
        left, right = self.sides(S.Zero)
        return right if self.roots == FiniteSet(0) and left * right > 0 else 0

    @property
    def one_sided(self) -> bool:
        """g = 0 for z ≤ 0 and g > 0 for z > 0, with a kink at 0."""
        zero = self.roots == Interval(S.NegativeInfinity, 0)
        return zero and self.kinked_at_zero and self.sides(S.Zero) == (0, 1)

    @cached_property
    def plateaus(self) -> tuple[Interval, ...]:
        """The open intervals on which g is constant."""
        found = (p for p in parts(self.stationary) if isinstance(p, Interval))
        return tuple(Interval.open(p.start, p.end) for p in found)

    @cached_property
    def smooth(self) -> bool:
        """No kink and no plateau: then g is analytic off finitely many points, never constant."""
        return not self.layer.kinks and not self.plateaus

    @cached_property
    def spots(self) -> tuple[Spot, ...]:
        """The zeros of g', and the kinks that g does not pass with slopes of one sign."""
        if self.layer.order == 0 and self.layer.record.jumps:
            raise UndecidedError(f"{self.layer.g} jumps; the theorems ask for a continuous g")
        found = [Spot(p, (at := inner(p)), 0, 0, 0, self._at(at)) for p in self.plateaus]
        for part in parts(self.stationary):
            if isinstance(part, Interval):
                found += [self._spot(end) for end in (part.start, part.end) if end in part]
            elif isinstance(part, FiniteSet):
                found += [self._spot(at) for at in part.args]
            else:
                found += self._family(part)
        for kink in self.layer.kinks:
            left, right = self.sides(kink.at)
            if left * right <= 0:
                found.append(self._spot(kink.at, kinked=True))
        return tuple(found)

    def _spot(self, at: Any, kinked: bool = False) -> Spot:
        left, right = (self._rise(at, side, 1 if kinked else 2) for side in "-+")
        curve = None if kinked else sign(self.value(2, at)) if left == right else 0
        return Spot(FiniteSet(at), at, left, right, curve, self._at(at))

    def _rise(self, at: Expr, side: str, first: int) -> int:
        """The sign of g − g(at) on one side, by the first derivative that is not zero there."""
        for flat in self.plateaus:
            if (flat.start if side == "+" else flat.end) == at:
                return 0
        for n in range(first, 9):
            found = sign(self.layer.record.one_sided(at, side, self.layer.order + n))
            if found:
                return found if side == "+" or n % 2 == 0 else -found
        raise UndecidedError(f"derivatives 1..8 of {self.layer.g} vanish at {at}")

    def _family(self, part: Any) -> list[Spot]:
        """The members c + kT of an endless family, by the residues of k that g' tells apart."""
        period = period_of(self.layer.formula(1), X)
        if period is None or not isinstance(part, sympy.ImageSet) or part.base_set != S.Integers:
            raise UndecidedError(f"the zeros of the slope of {self.layer.g} form the family {part}")
        (k,) = part.lamda.variables
        first: Any = part.lamda.expr.subs(k, 0)
        count = period / sympy.expand(part.lamda.expr.subs(k, 1) - first)
        again = period_of(self.layer.formula(), X) is not None
        found = []
        for shift in range(int(count)):
            one = self._spot(part.lamda.expr.subs(k, shift))
            on = sympy.ImageSet(sympy.Lambda(k, one.at + k * period), S.Integers)
            value = one.value if again else None
            found.append(Spot(on, one.at, one.left, one.right, one.curve, value))
        return found

    def _at(self, at: Expr) -> Expr:
        """g at a point, in the closed form of an extremum where it is one."""
        for extreme in (self.ends.inf, self.ends.sup):
            if self.takes(extreme, at):
                return extreme.value
        return self.value(0, at)

    def steps(self) -> list[Step]:
        """The facts about g that the cases rest on."""
        return [
            Step(found.fact.statement, f"the zeros of {found.f.expr}", found.verdict)
            for found in (self._roots, self._stationary)
        ]


def _why(verdict: Any) -> str:
    return verdict.why


def _proved(found: Zeros) -> Set:
    if not found.verdict:
        raise UndecidedError(f"the zeros of {found.f.expr} are not decided: {_why(found.verdict)}")
    return found.set
