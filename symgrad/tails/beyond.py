"""All x ≥ X at once: suprema of monomials, sizes of models, proved by balls at the one point X."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from flint import arb

from symgrad.rigor import precision
from symgrad.tails.constants import Number
from symgrad.tails.monomial import UNIT, Monomial, Scale

if TYPE_CHECKING:
    from symgrad.tails.model import Model

__all__ = ["Beyond"]

INFINITE = arb.pos_inf()
_DEPTH = 12


class Beyond:
    """Bounds that hold for every x ≥ X, X > 1; what cannot be proved at this X is infinite."""

    def __init__(self, scale: Scale, start: arb, prec: int = 64) -> None:
        self.scale = scale
        self.start = start
        self.prec = prec
        with precision(prec):
            logs = [start]
            while len(logs) <= _DEPTH:
                logs.append(logs[-1].log() if logs[-1] > 0 else arb.nan())
        self._logs = logs
        self._values: dict[Monomial, arb] = {}
        self._sups: dict[Monomial, arb] = {}
        self._memo: dict[Hashable, tuple[Any, arb]] = {}

    def size(self, c: Number) -> arb:
        """An upper bound of |c|, waves taken at their worst."""
        return self.scale.field.size(c)

    def value(self, m: Monomial) -> arb:
        """The monomial at X."""
        found = self._values.get(m)
        if found is None:
            with precision(self.prec):
                found = self._values[m] = self._log_value(m).exp()
        return found

    def _log_value(self, m: Monomial) -> arb:
        field = self.scale.field
        total = arb(0)
        for k, p in enumerate(m.powers):
            if p != 0:
                total += field.ball(p) * self._logs[k + 1]
        for e, c in m.exps:
            total += field.ball(c) * self.value(e)
        return total

    def sup(self, m: Monomial) -> arb:
        """An upper bound of the monomial on [X, oo), by Lemma "monotone ratio"; infinite if
        unproved."""
        if m == UNIT:
            return arb(1)
        found = self._sups.get(m)
        if found is None:
            bound = self.value(m).upper() if self.decreases(m) else INFINITE
            found = self._sups[m] = bound if bound.is_finite() else INFINITE
        return found

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
        with precision(self.prec):
            for n, d in rest:
                if not field.ball(d) <= 0:
                    against += abs(field.ball(d) / field.ball(c)).upper() * self.ratio(n, top)
        return bool(against <= 1)

    def bound(self, model: Model) -> arb:
        """K with |remainder| ≤ K · rem on [X, oo)."""
        if model.rem is None:
            return arb(0)
        return self.remember(id(model), model, lambda: model.rule(self))

    def amplitude(self, model: Model) -> arb:
        """A with |model| ≤ A · (its leading monomial) on [X, oo)."""
        return self.remember((id(model), "amplitude"), model, lambda: self._amplitude(model))

    def _amplitude(self, model: Model) -> arb:
        top = model.top
        total = arb(0)
        for m, c in model.terms:
            total += self.size(c) * self.ratio(m, top)
        if model.rem is not None:
            total += self.bound(model) * self.ratio(model.rem, top)
        return total

    def supremum(self, model: Model) -> arb:
        """An upper bound of |model| on [X, oo)."""
        return self.amplitude(model) * self.sup(model.top)

    def remember(self, key: Hashable, holder: Any, compute: Callable[[], arb]) -> arb:
        """`compute()` once, as a finite upper end or infinity; `holder` is kept alive with it."""
        found = self._memo.get(key)
        if found is None:
            with precision(self.prec):
                value = compute()
                value = value.upper() if value.is_finite() else INFINITE
            found = self._memo[key] = (holder, value)
        return found[1]
