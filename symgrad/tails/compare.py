"""Which of two tails vanishes faster, by which factor, and from where on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb
from sympy import Abs, Eq, Expr, Rational, S, Symbol

from symgrad.activation import univariate
from symgrad.errors import InputError, UndecidedError
from symgrad.fact import Derivation, Fact, Proved, Result, Step
from symgrad.render import Block, Formula, Para
from symgrad.rigor import constant
from symgrad.tails.beyond import Beyond, as_arb, nearest, outward
from symgrad.tails.build import tail, tail_and_germ
from symgrad.tails.germ import Germ
from symgrad.tails.statement import beyond_relation
from symgrad.tails.tail import Tail

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison(Result):
    """f(x)/g(x) = ratio(x)·(1 + θ), |θ| ≤ 1/2 for every x beyond `holds_from`.

    `ratio` is the leading term of f/g (0 where f is exactly zero), `limit` its limit (0, oo, -oo
    or a
    constant), `smaller_from` a point beyond which |f| < |g| is proved, None where there is none.
    """

    f: Expr
    g: Expr
    quotient: Tail
    ratio: Expr
    limit: Expr
    holds_from: Expr
    smaller_from: Expr | None
    fact: Fact

    @property
    def toward(self) -> Expr:
        return self.quotient.toward

    def _blocks(self) -> Iterable[Block]:
        yield Formula(self.f / self.g, self.ratio, relation="~")
        words = {
            S.Zero: "vanishes faster than",
            S.Infinity: "outgrows",
            S.NegativeInfinity: "outgrows",
        }
        said = words.get(self.limit, "is of the order of")
        holds = beyond_relation(self.quotient.x, self.quotient.beyond(self.holds_from))
        yield Para(
            self.f, f" {said} ", self.g, "; the ratio is right within a factor 2 for ", holds
        )
        if self.smaller_from is not None:
            below = beyond_relation(self.quotient.x, self.quotient.beyond(self.smaller_from))
            sizes = (Abs(e, evaluate=False) for e in (self.f, self.g))
            yield Formula(sympy.StrictLessThan(*sizes, evaluate=False))
            yield Para("for ", below)


def compare(f: Any, g: Any, toward: Any = S.Infinity, *, x: Symbol | None = None) -> Comparison:
    """The leading ratio of two tails, with a proved point from which it holds.

    Raises `InputError` where g is exactly zero near the end, `UnsupportedError` where it
    oscillates.

    >>> from sympy import exp, tanh
    >>> z = Symbol("z", real=True)
    >>> c = compare(tanh(z).diff(z), (1 / (1 + exp(-z))).diff(z))
    >>> c.ratio, c.limit
    (4*exp(-z), 0)
    """
    uf, ug = univariate(f, x), univariate(g, x)
    variable = x or next((u.x for u in (uf, ug) if u.expr.has(u.x)), uf.x)
    both: Any = [u.expr.xreplace({u.x: variable}) for u in (uf, ug)]
    first, second = both
    below = tail(second, toward, 1, x=variable)
    if below.tail_class.kind == "zero":
        raise InputError(f"{second} is exactly zero near {toward}: no ratio to compare with")
    quotient, germ = tail_and_germ(first / second, toward, 1, x=variable)
    ratio = quotient.terms[0] if quotient.terms else S.Zero
    if names := sorted(map(str, quotient.formula.free_symbols - {variable})):
        raise UndecidedError(
            f"the ratio is {ratio} to leading order; from where on depends on {', '.join(names)}: "
            "give numbers"
        )
    holds, smaller = _from(quotient, germ, _half), _from(quotient, germ, _below_one)
    if holds is None:
        raise UndecidedError(f"no point was found from which {first / second} is near {ratio}")
    fact = _fact(f"{uf.name}.over.{ug.name}", quotient, ratio, holds)
    return Comparison(first, second, quotient, ratio, _limit(quotient, germ), holds, smaller, fact)


def _fact(name: str, quotient: Tail, ratio: Expr, holds: Expr) -> Fact:
    claim: Any = Eq(quotient.head, 0, evaluate=False)
    if ratio != 0:
        theta = Abs(quotient.head / ratio - 1, evaluate=False)
        claim = sympy.LessThan(theta, Rational(1, 2), evaluate=False)
    under = (beyond_relation(quotient.x, quotient.beyond(holds)),)
    because = "the remainder is at most half of the leading term"
    last = (len(quotient.derivation),)
    step = Step(claim, because, Proved("Arb balls"), last, under)
    steps = Derivation((*quotient.derivation.steps, step))
    return Fact(name + ("+" if quotient.toward is S.Infinity else "-"), claim, steps, under)


def _limit(quotient: Tail, g: Germ) -> Expr:
    if quotient.tail_class.limit is not None:
        return quotient.tail_class.limit
    if quotient.tail_class.kind == "growing":
        return S.Infinity if g.scale.field.sign(g.model.terms[0][1]) > 0 else S.NegativeInfinity
    return S.NaN


def _half(g: Germ, K: arb, beyond: Beyond) -> bool:
    """Whether K·growth ≤ |leading term|/2 from there on."""
    if len(g.model.terms) < 2:
        return True
    (m, c), (growth, _) = g.model.terms[:2]
    return bool(2 * K * beyond.ratio(growth, m) <= abs(g.scale.field.ball(c)).lower())


def _below_one(g: Germ, K: arb, beyond: Beyond) -> bool:
    """Whether |leading term| + K·growth < 1 from there on."""
    total = arb(0)
    if g.model.terms:
        m, c = g.model.terms[0]
        total += beyond.size(c) * beyond.sup(m)
    if len(g.model.terms) > 1:
        total += K * beyond.sup(g.model.terms[1][0])
    return bool(total < 1)


def _from(t: Tail, g: Germ, holds: Callable[[Germ, arb, Beyond], bool]) -> Expr | None:
    """A short point, near the outermost, from which the condition is proved."""
    out = 1 if t.toward is S.Infinity else -1
    coefficient: Any = t.remainder.coefficient if t.remainder else S.Zero
    K = constant(coefficient)
    start: Any = out * t.valid_from
    if not g.model.terms:
        return t.valid_from
    low: Any = max(start, S.Zero)

    def good(point: Any) -> bool:
        return holds(g, K, Beyond(g.scale, as_arb(point)))

    high = next((p for p, beyond in outward(g.scale, low) if holds(g, K, beyond)), None)
    return None if high is None else out * nearest(low, high, good)
