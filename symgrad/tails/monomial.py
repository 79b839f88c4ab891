"""Transmonomials x^a (log x)^b ... exp(S), S a finite sum of large transmonomials.

A monomial is the pair (powers, exps): `powers[k]` is the exponent of the k-fold logarithm of x, and
`exps` lists the terms of S, largest first. Products add exponents; the order is the order of growth
as x → oo (Hardy's fields; Gruntz 1996; Salvy and Shackell 2010).
"""

from __future__ import annotations

from functools import cache, cmp_to_key
from itertools import zip_longest

import sympy
from flint import fmpq
from sympy import Expr, Symbol

from symgrad.tails.constants import ONE, ZERO, Number, add, expr, mul
from symgrad.tails.field import Field

__all__ = ["UNIT", "Monomial", "Scale", "iterated_log", "put", "to_expr"]


class Monomial:
    """x^powers[0] (log x)^powers[1] ... exp(Σ c·m for (m, c) in exps)."""

    __slots__ = ("_hash", "exps", "powers")

    def __init__(
        self, powers: tuple[Number, ...], exps: tuple[tuple[Monomial, Number], ...]
    ) -> None:
        self.powers = powers
        self.exps = exps
        self._hash = hash((tuple(map(_key, powers)), tuple((m, _key(c)) for m, c in exps)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Monomial)
            and self._hash == other._hash
            and self.powers == other.powers
            and self.exps == other.exps
        )

    def __repr__(self) -> str:
        return str(to_expr(self, Symbol("x")))


def _key(c: Number) -> int:
    """A hash of a constant, quicker than that of `fmpq` itself."""
    return hash((int(c.p), int(c.q))) if isinstance(c, fmpq) else hash(c)


UNIT = Monomial((), ())


def iterated_log(k: int) -> Monomial:
    """x for k = 0, log x for k = 1, log log x for k = 2."""
    return Monomial((ZERO,) * k + (ONE,), ())


def to_expr(m: Monomial, x: Expr) -> Expr:
    """The monomial as a SymPy expression in x."""
    factors = []
    base = x
    for p in m.powers:
        if p != 0:
            factors.append(base ** expr(p))
        base = sympy.log(base)
    if m.exps:
        factors.append(sympy.exp(sympy.Add(*(expr(c) * to_expr(e, x) for e, c in m.exps))))
    return sympy.Mul(*factors)


class Scale:
    """The ordered group of monomials over a field of constants."""

    def __init__(self, field: Field, x: Symbol) -> None:
        self.field = field
        self.x = x
        self.mul = cache(self._mul)
        self.inverse = cache(lambda m: self.power(m, fmpq(-1)))
        #: +1 where m → oo, -1 where m → 0, 0 for m = 1.
        self.sign = cache(self._sign)
        #: (x d/dx log m) as a sum of monomials, largest first.
        self.theta = cache(self._theta)

    def _mul(self, a: Monomial, b: Monomial) -> Monomial:
        powers = self._sum_powers(a.powers, b.powers)
        if not a.exps or not b.exps:
            return Monomial(powers, a.exps or b.exps)
        exps = dict(a.exps)
        for m, c in b.exps:
            put(exps, m, c)
        kept = {m: c for m, c in exps.items() if not self.field.is_zero(c)}
        return Monomial(powers, self.sorted_terms(kept))

    def _sum_powers(self, a: tuple[Number, ...], b: tuple[Number, ...]) -> tuple[Number, ...]:
        powers = [add(p, q) for p, q in zip_longest(a, b, fillvalue=ZERO)]
        while powers and self.field.is_zero(powers[-1]):
            powers.pop()
        return tuple(powers)

    def power(self, m: Monomial, p: Number) -> Monomial:
        if p == 0:
            return UNIT
        return Monomial(
            tuple(mul(a, p) for a in m.powers), tuple((e, mul(c, p)) for e, c in m.exps)
        )

    def div(self, a: Monomial, b: Monomial) -> Monomial:
        return UNIT if a == b else self.mul(a, self.inverse(b))

    def _sign(self, m: Monomial) -> int:
        first = next((k for k, p in enumerate(m.powers) if p != 0), None)
        what = lambda: f"the order of {to_expr(m, self.x)} against 1"
        if m.exps:
            top, c = m.exps[0]
            if first is None or self.compare(top, iterated_log(first + 1)) > 0:
                return self.field.sign(c, what)
        return 0 if first is None else self.field.sign(m.powers[first], what)

    def compare(self, a: Monomial, b: Monomial) -> int:
        """+1 where a/b → oo, -1 where a/b → 0, 0 where a = b."""
        return 0 if a == b else self.sign(self.div(a, b))

    def sorted_terms(self, terms: dict[Monomial, Number]) -> tuple[tuple[Monomial, Number], ...]:
        """The terms, largest monomial first."""
        if len(terms) < 2:
            return tuple(terms.items())
        order = cmp_to_key(self.compare)
        return tuple(sorted(terms.items(), key=lambda t: order(t[0]), reverse=True))

    def _theta(self, m: Monomial) -> tuple[tuple[Monomial, Number], ...]:
        sums: dict[Monomial, Number] = {}
        for k, p in enumerate(m.powers):
            if p != 0:
                under = Monomial((ZERO,) + (fmpq(-1),) * k, ()) if k else UNIT
                put(sums, under, p)
        for e, c in m.exps:
            for inner, d in self.theta(e):
                put(sums, self.mul(e, inner), mul(c, d))
        return self.sorted_terms(sums)


def put(sums: dict[Monomial, Number], m: Monomial, c: Number) -> None:
    """Adds the term c·m to a sum."""
    total = add(sums[m], c) if m in sums else c
    if total == 0:
        sums.pop(m, None)
    else:
        sums[m] = total
