"""All x ≥ X at once: suprema of monomials, sizes of models, proved by balls at the one point X."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from flint import arb

from symgrad.rigor import precision
from symgrad.tails.constants import Number
from symgrad.tails.monomial import UNIT, Monomial, Scale

if TYPE_CHECKING:
    from symgrad.tails.model import Model

__all__ = ["Beyond"]

_DEPTH = 12


class Beyond:
    """Bounds that hold for every x ≥ X, X > 0; what cannot be proved at this X is infinite.

    value(m)
        the monomial at X
    sup(m)
        an upper bound of the monomial on [X, oo), by the lemma of the monotone ratio
    bound(f)
        a K with |remainder of f| ≤ K·rem on [X, oo)
    amplitude(f)
        an A with |f| ≤ A·(its leading monomial) on [X, oo)
    """

    def __init__(self, scale: Scale, start: arb, prec: int = 64) -> None:
        self.scale = scale
        self.start = start
        self.prec = prec
        with precision(prec):
            logs = [start]
            while len(logs) <= _DEPTH:
                logs.append(logs[-1].log() if logs[-1] > 0 else arb.nan())
        self._logs = logs
        self.value = cache(lambda m: self._at_prec(lambda: self._log_value(m).exp()))
        self.sup = cache(self._sup)
        self.bound = cache(lambda f: self._upper(lambda: f.rule(self)))
        self.amplitude = cache(lambda f: self._upper(lambda: self._amplitude(f)))

    def _at_prec(self, compute: Callable[[], arb]) -> arb:
        with precision(self.prec):
            return compute()

    def _upper(self, compute: Callable[[], arb]) -> arb:
        value = self._at_prec(compute)
        return value.upper() if value.is_finite() else arb.pos_inf()

    def size(self, c: Number) -> arb:
        """An upper bound of |c|, waves taken at their worst."""
        return self.scale.field.size(c)

    def _log_value(self, m: Monomial) -> arb:
        ball = self.scale.field.ball
        powers = (ball(p) * self._logs[k + 1] for k, p in enumerate(m.powers) if p != 0)
        return sum((ball(c) * self.value(e) for e, c in m.exps), sum(powers, arb(0)))

    def _sup(self, m: Monomial) -> arb:
        if m == UNIT:
            return arb(1)
        return self._upper(lambda: self.value(m) if self.decreases(m) else arb.pos_inf())

    def ratio(self, a: Monomial, b: Monomial) -> arb:
        """An upper bound of a/b on [X, oo)."""
        return self.sup(self.scale.div(a, b))

    def decreases(self, m: Monomial) -> bool:
        """Whether x d/dx log m ≤ 0 on [X, oo): its leading term, negative, beats the positive
        ones."""
        terms = self.scale.theta(m)
        if not terms or not self.value(m).is_finite():
            return False
        field = self.scale.field
        (top, c), rest = terms[0], terms[1:]
        if field.sign(c) >= 0:
            return False
        against = arb(0)
        for n, d in rest:
            if not field.ball(d) <= 0:
                against += abs(field.ball(d) / field.ball(c)).upper() * self.ratio(n, top)
        return bool(against <= 1)

    def _amplitude(self, model: Model) -> arb:
        total = arb(0)
        for m, c in model.terms:
            total += self.size(c) * self.ratio(m, model.top)
        if model.rem is not None:
            total += self.bound(model) * self.ratio(model.rem, model.top)
        return total

    def supremum(self, model: Model) -> arb:
        """An upper bound of |model| on [X, oo)."""
        return self.amplitude(model) * self.sup(model.top)
