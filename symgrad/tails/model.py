"""Tail models: f(x) = Σ cᵢ mᵢ(x) + r(x) with |r| ≤ K(X)·m_R on [X, oo), and their arithmetic.

The terms do not depend on X. The constant K does: it is a rule that is run for each X that is
tried, so one expansion serves every start (a Taylor model after Makino and Berz 2003 over a
transmonomial scale; Sage's B-terms, Heuberger, Krenn, Hackl 2015, made automatic).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flint import arb, fmpq

from symgrad.errors import SymgradError
from symgrad.tails.beyond import Beyond
from symgrad.tails.constants import ONE, Number, mul, power
from symgrad.tails.monomial import UNIT, Monomial, Scale, put

__all__ = ["Model", "MoreTerms", "Rule", "Workshop"]

Rule = Callable[[Beyond], arb]
Terms = dict[Monomial, Number]


class MoreTerms(SymgradError):
    """A leading term or a limit lies below the terms kept: expand again with more of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The terms, largest first; `rem` is None where the sum is exact, `rule` gives K at an X."""

    terms: tuple[tuple[Monomial, Number], ...]
    rem: Monomial | None = None
    rule: Rule = field(default=lambda beyond: arb(0), repr=False)

    @property
    def lead(self) -> tuple[Monomial, Number]:
        """The leading term of a function that is not exactly zero."""
        if not self.terms:
            raise MoreTerms("all terms kept cancel")
        return self.terms[0]

    @property
    def top(self) -> Monomial:
        """The leading monomial, or that of the remainder."""
        if self.terms:
            return self.terms[0][0]
        return UNIT if self.rem is None else self.rem

    @property
    def is_zero(self) -> bool:
        return not self.terms and self.rem is None

    def only(self, terms: Iterable[tuple[Monomial, Number]]) -> Model:
        """These terms with the remainder of this model."""
        return Model(tuple(terms), self.rem, lambda beyond: beyond.bound(self))


class Workshop:
    """Arithmetic of models that keep at most `size` terms each."""

    def __init__(self, scale: Scale, size: int) -> None:
        self.scale = scale
        self.size = size

    def constant(self, c: Number) -> Model:
        return self.monomial(UNIT, c)

    def monomial(self, m: Monomial, c: Number = ONE) -> Model:
        return Model(((m, c),) if c != 0 else ())

    def build(self, sums: Terms, rests: Iterable[tuple[Monomial, Rule]]) -> Model:
        """Σ sums + rests: what lies at or below the largest rest is folded into its constant."""
        scale, rests = self.scale, list(rests)
        largest = scale.sorted_terms({m: ONE for m, _ in rests})
        rem = largest[0][0] if largest else None
        ordered = scale.sorted_terms({m: c for m, c in sums.items() if c != 0})
        kept = tuple(t for t in ordered if rem is None or scale.compare(t[0], rem) > 0)
        if len(kept) > self.size:
            rem = kept[self.size][0]
            kept = kept[: self.size]
        if rem is None:
            return Model(kept)
        floor, dropped = rem, ordered[len(kept) :]

        def rule(beyond: Beyond) -> arb:
            total = arb(0)
            for m, part in rests:
                total += part(beyond) * beyond.ratio(m, floor)
            for m, c in dropped:
                total += beyond.size(c) * beyond.ratio(m, floor)
            return total

        return Model(kept, rem, rule)

    def add(self, *models: Model) -> Model:
        sums: Terms = {}
        rests: list[tuple[Monomial, Rule]] = []
        for f in models:
            for m, c in f.terms:
                put(sums, m, c)
            if f.rem is not None:
                rests.append((f.rem, f.only(()).rule))
        return self.build(sums, rests)

    def scaled(self, f: Model, m: Monomial, c: Number = ONE) -> Model:
        """c·m·f for one term c·m."""
        mono = self.scale.mul
        terms = tuple((mono(n, m), mul(d, c)) for n, d in f.terms)
        if f.rem is None:
            return Model(terms)
        return Model(terms, mono(f.rem, m), lambda beyond: beyond.bound(f) * beyond.size(c))

    def neg(self, f: Model) -> Model:
        return self.scaled(f, UNIT, fmpq(-1))

    def mul(self, f: Model, g: Model) -> Model:
        """f·g; the remainder is r_f·g + f·r_g, each part by its amplitude."""
        if f.is_zero or g.is_zero:
            return Model(())
        for one, other in ((f, g), (g, f)):
            if one.rem is None and len(one.terms) == 1:
                return self.scaled(other, *one.terms[0])
        mono = self.scale.mul
        sums: Terms = {}
        for m, c in f.terms:
            for n, d in g.terms:
                put(sums, mono(m, n), mul(c, d))
        rests: list[tuple[Monomial, Rule]] = []
        if f.rem is not None:
            rests.append((mono(f.rem, g.top), lambda b: b.bound(f) * b.amplitude(g)))
        if g.rem is not None:
            terms_of_f = Model(f.terms)
            if f.terms:
                rests.append((mono(g.rem, f.top), lambda b: b.bound(g) * b.amplitude(terms_of_f)))
        return self.build(sums, rests)

    def integer_power(self, f: Model, n: int) -> Model:
        """f**n, n ≥ 0, by squaring; exact where f is."""
        total, square = self.constant(ONE), f
        while n:
            if n & 1:
                total = self.mul(total, square)
            n >>= 1
            if n:
                square = self.mul(square, square)
        return total

    def nonzero(self, f: Model) -> Model:
        """The model without terms whose coefficients are zero."""
        terms = [t for t in f.terms if not self.scale.field.is_zero(t[1])]
        return f if len(terms) == len(f.terms) else f.only(terms)

    def split(self, f: Model) -> tuple[Monomial, Number, Model]:
        """f = c·m·(1 + u), u → 0."""
        m, c = f.lead
        u = self.scaled(f.only(f.terms[1:]), self.scale.inverse(m), power(c, fmpq(-1)))
        return m, c, u

    def compose(
        self, u: Model, coefficient: Callable[[int], Number], rest: Callable[[int, arb], arb]
    ) -> Model:
        """Σ aₖ uᵏ for a small u, cut where the terms kept are full.

        `rest(n, e)` bounds |F(u) − Σ_{k≤n} aₖ uᵏ| / |u|^{n+1} for all |u| ≤ e.
        """
        total = self.constant(coefficient(0))
        if u.is_zero:
            return total
        if self.scale.sign(u.top) >= 0:
            raise MoreTerms("the small part of a composition is not small")
        power_of_u, top, n = self.constant(ONE), UNIT, 0
        while n < 3 * self.size and not self._full(total, self.scale.mul(top, u.top)):
            n += 1
            top = self.scale.mul(top, u.top)
            power_of_u = self.mul(power_of_u, u)
            a = coefficient(n)
            if a != 0:
                total = self.add(total, self.scaled(power_of_u, UNIT, a))
        below = self.scale.mul(top, u.top)

        def rule(beyond: Beyond) -> arb:
            small = beyond.supremum(u)
            if not small < 1:
                return arb.pos_inf()
            return rest(n, small) * beyond.amplitude(u) ** (n + 1)

        return self.add(total, Model((), below, rule))

    def _full(self, total: Model, next_top: Monomial) -> bool:
        compare = self.scale.compare
        if total.rem is not None and compare(next_top, total.rem) <= 0:
            return True
        return len(total.terms) >= self.size and compare(next_top, total.terms[-1][0]) < 0
