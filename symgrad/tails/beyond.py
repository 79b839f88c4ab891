"""All x ≥ X at once: suprema of monomials, sizes of models, proved by balls at the one point X."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from flint import arb, fmpq
from sympy import Integer, Rational, S, ceiling

from symgrad.rigor import precision
from symgrad.rigor.constants import exact
from symgrad.tails.constants import Number
from symgrad.tails.monomial import UNIT, Monomial, Scale

if TYPE_CHECKING:
    from symgrad.tails.model import Model

__all__ = ["Beyond", "as_arb", "nearest", "outward", "short_above", "short_upper"]

_DEPTH = 12
_STARTS = (
    *(2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1024, 2**14, 2**20),
    *(10**k for k in (8, 12, 20, 40, 100, 1000, 4000)),
)


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


def outward(scale: Scale, low: Any) -> Iterator[tuple[Any, Beyond]]:
    """Points from `low` to 10^4000, each with what holds beyond it."""
    first = [low] if low.is_finite and low > 0 else []
    for start in (*first, *(Integer(k) for k in _STARTS if low.is_infinite or low < k)):
        yield start, Beyond(scale, as_arb(start))


def nearest(lo: Any, hi: Any, good: Callable[[Any], bool]) -> Any:
    """A short point of (lo, hi], within half a per cent of one that is not good; hi is good."""
    while hi - lo > (1 + abs(hi)) / 200:
        first, last = lo + (hi - lo) / 4, hi - (hi - lo) / 4
        middle = next(q for k in count(1) if (q := short_above(first, k)) <= last)
        lo, hi = (lo, middle) if good(middle) else (middle, hi)
    return hi


def as_arb(q: Any) -> arb:
    """An exact rational as a ball."""
    return arb(fmpq(int(q.p), int(q.q)))


def short_upper(b: arb, digits: int = 3) -> Any:
    """A decimal of so many digits at least the upper end of b > 0."""
    return short_above(exact(b.upper()), digits)


def short_above(q: Any, digits: int = 3) -> Any:
    """The least decimal of so many significant digits that is at least q."""
    if q == 0:
        return S.Zero
    size = len(str(int(abs(q)))) if abs(q) >= 1 else 1 - len(str(int(1 / abs(q))))
    unit = Rational(10) ** (size - digits)
    return ceiling(q / unit) * unit
