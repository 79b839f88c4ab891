"""The record of a depth law: how P_n = δ¹/δᴸ behaves as the number n = L − 1 of layers grows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb
from sympy import Expr

from symgrad.errors import UndecidedError
from symgrad.fact import Derivation, Fact, Result, Step, Undecided
from symgrad.render import Block, Formula, Para
from symgrad.rigor import Enclosure, constant, precision

__all__ = ["KINDS", "DepthLaw", "N", "P"]

N = sympy.Symbol("n", positive=True, integer=True)
P = sympy.Function("P")
"""P(n) = δ¹/δᴸ with n = L − 1."""

KINDS = {
    "zero": "exactly zero from a finite depth on",
    "geometric": "vanishes geometrically",
    "superattracting": "vanishes faster than every geometric law",
    "algebraic": "vanishes like a power of the depth",
    "constant": "keeps its size",
    "exploding": "grows geometrically",
    "undecided": "not decided",
}


@dataclass(frozen=True, slots=True)
class DepthLaw(Result):
    """P_n ~ constant · multiplier^(n/period) · n^exponent, n = L − 1 → ∞.

    `constants[r]` belongs to n ≡ r mod `period`; `constant` is the first of them. `exact` is P_n as
    a formula in n where one holds for every n. `next_term` is the coefficient of the first
    correction: of multiplier^n for a geometric law, of log(n)/n for an algebraic one.
    """

    kind: str
    fact: Fact
    fixed_point: Expr | Enclosure | None = None
    period: int = 1
    multiplier: Expr | Enclosure | None = None
    exponent: Any = sympy.S.Zero
    constants: tuple[Expr | Enclosure, ...] = ()
    next_term: Expr | Enclosure | None = None
    exact: Expr | None = None

    @property
    def constant(self) -> Expr | Enclosure | None:
        """The leading constant for n ≡ 0 mod `period`."""
        return self.constants[0] if self.constants else None

    @property
    def rate(self) -> float | None:
        """The factor per layer in the limit, |multiplier|^(1/period)."""
        return None if self.multiplier is None else abs(float(self.multiplier)) ** (1 / self.period)

    def predict(self, n: int, prec: int = 128) -> arb:
        """The leading term of the law at n, as a ball.

        Raises `UndecidedError` where the law has no leading constant.
        """
        if self.exact is not None:
            return constant(self.exact.subs(N, n), prec)
        if not self.constants or self.multiplier is None:
            raise UndecidedError(f"a {self.kind} law has no leading constant to predict with")
        with precision(prec):
            c = _ball(self.constants[n % self.period], prec)
            m = _ball(self.multiplier, prec)
            p, q = int(self.exponent.p), int(self.exponent.q)
            return c * m ** (n // self.period) * (arb(n).root(q) ** p if p else 1)

    def _blocks(self) -> Iterable[Block]:
        yield Para(f"P_n {KINDS[self.kind]}.")
        if self.exact is not None:
            yield Formula(P(N), self.exact)
        cycle = "fixed point" if self.period == 1 else f"cycle of {self.period} layers through"
        rows = (
            (cycle, (self.fixed_point,)),
            ("multiplier" + " per cycle" * (self.period > 1), (self.multiplier,)),
            ("exponent of n", (self.exponent or None,)),
            ("constant", self.constants),
            ("coefficient of the first correction", (self.next_term,)),
        )
        for name, values in rows:
            shown = ", ".join(_short(v) for v in values if v is not None)
            if shown:
                yield Para(f"{name}: {shown}")
        yield from self.fact._blocks()


def undecided(name: str, why: str) -> DepthLaw:
    """The law that says why nothing was decided."""
    step = Step(sympy.S.true, "the search for an attractor", Undecided(why))
    return DepthLaw("undecided", Fact(f"{name}.depth", sympy.S.true, Derivation((step,))))


def _short(value: Expr | Enclosure) -> str:
    """At most fifteen digits and what they may be wrong by; an exact number as it is."""
    if not isinstance(value, Enclosure) or value.digits < 16:
        return str(value)
    return str(Enclosure.of_ball(value.ball(52)))


def _ball(value: Expr | Enclosure, prec: int) -> arb:
    return value.ball(prec) if isinstance(value, Enclosure) else constant(value, prec)
