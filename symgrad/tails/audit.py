"""A tail against true values: the ratio |f − Σ| / (K·growth) at many points, by both oracles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sympy
from flint import arb
from sympy import Expr, S

from symgrad.errors import InputError
from symgrad.fact import Evidence
from symgrad.oracle import Values, arb_values, mp_values
from symgrad.oracle.roads import compare_roads
from symgrad.render import Block, Para, Shown
from symgrad.rigor import precision, program

if TYPE_CHECKING:
    from symgrad.tails.tail import Tail

__all__ = ["Audit", "audit", "sample"]

_BITS = 10_000
_FAR = 1e6
_JUDGED = -200


@dataclass(frozen=True, slots=True)
class Audit(Shown):
    """Worst |remainder|/bound over the points that were decided; above 1 the tail is wrong.

    `seconded` is the number of points that mpmath decided as well; the two roads agreed there.
    """

    points: int
    decided: int
    seconded: int
    worst: float
    at: float

    @property
    def passed(self) -> bool:
        """Whether some point was decided and none violates the bound."""
        return self.decided > 0 and self.worst <= 1.0

    @property
    def evidence(self) -> Evidence:
        """The same as evidence for a fact; raises `InputError` where nothing was decided."""
        if not self.decided:
            raise InputError(f"none of {self.points} points was decided")
        note = f"{self.points - self.decided} undecided" if self.decided < self.points else ""
        return Evidence(self.decided, f"ratio {self.worst:.6g} at {self.at!r}", note)

    def _blocks(self) -> Iterable[Block]:
        yield Para(
            f"{self.decided} of {self.points} points decided, "
            f"{self.seconded} of them by both roads: "
            f"|remainder|/bound is at most {self.worst:.6g}, at x = {self.at!r}."
        )


def audit(tail: Tail, n: int = 200, seed: int = 0, bits: int = _BITS, second: int = 1000) -> Audit:
    """The ratio at n points of `tail.where`: at its end, around it, and far out.

    Points run to where leading term over remainder and 1/growth need `bits` bits, and to |x| = 10⁶.
    Arb gives every value, mpmath at most `second` of them. For an exact tail the ball of f − Σ must
    hold zero and be below 2⁻²⁰⁰ of f. Raises `oracle.DisagreementError` where the roads differ.
    """
    if n < 1:
        raise InputError(f"an audit needs at least one point, got {n}")
    x, bound = tail.x, tail.error
    gap = tail.formula - tail.sum
    if tail.remainder is None:
        return _exact(tail, gap, n, seed, bits)
    at = sample(tail, n, seed, bits)
    ratio = gap / bound
    first = arb_values(ratio, [x], [at])
    chosen = np.unique(np.linspace(0, n - 1, min(n, second)).astype(np.int64))
    other = mp_values(ratio, [x], [at[chosen]])
    compare_roads(first[chosen], other, [at[chosen]], str(ratio))
    worst, where, decided = _worst(first, at)
    agreed = int(np.count_nonzero(other.known() & first[chosen].known()))
    return Audit(n, decided, agreed, worst, where)


def _worst(values: Values, at: np.ndarray) -> tuple[float, float, int]:
    known = values.known()
    sizes = np.where(known, np.abs(np.ldexp(values.hi, np.clip(values.exp, -2000, 1000))), -1.0)
    k = int(np.argmax(sizes))
    return float(max(sizes[k], 0.0)), float(at[k]), int(np.count_nonzero(known))


def _exact(tail: Tail, gap: Expr, n: int, seed: int, most: int) -> Audit:
    """Balls of f − Σ must hold zero, and be small beside f."""
    code, size = program(gap, tail.x), program(tail.formula, tail.x)
    at = sample(tail, n, seed, most)
    decided, worst, where = 0, 0.0, float(at[0])
    for point in at.tolist():
        for bits in (256, 1024, 4096, 16384):
            ball, whole = (c.ball(arb(point), prec=bits) for c in (code, size))
            if not ball.is_finite():
                continue
            with precision(bits):
                floor = abs(whole).upper() * arb(2) ** _JUDGED
            if not ball.contains(0):
                return Audit(n, decided + 1, 0, float("inf"), point)
            if ball.is_zero() or abs(ball).upper() <= floor:
                decided += 1
                break
    return Audit(n, decided, 0, worst, where)


def sample(tail: Tail, n: int, seed: int = 0, bits: int = _BITS) -> np.ndarray:
    """n floats of `tail.where`: uniform near its end and log-uniform out to the last useful
    point."""
    rng = np.random.default_rng(seed)
    out = 1.0 if tail.toward is S.Infinity else -1.0
    start = tail.valid_from
    near = float(start) if start.is_finite else -20.0 * out
    far = _last(tail, near, out, bits)
    span = max(abs(far - near), 1e-3)
    close = near + out * np.minimum(span, 8.0) * rng.random(n // 2) ** 2
    wide = near + out * span * np.exp(-rng.random(n - n // 2) * np.log(1e3 * max(span, 1.0)))
    points = np.concatenate([close, wide])
    points[-1] = far
    if start.is_finite:
        exact = [p for p in points if tail.where.contains(sympy.Rational(float(p))) is not S.true]
        points[np.isin(points, exact)] = near + out * span / 2
        if tail.where.contains(start) is S.true and float(start) == start:
            points[0] = near
    return points


def _last(tail: Tail, near: float, out: float, bits: int) -> float:
    """The |x| at which the needed bits pass the limit, found by doubling and halving."""
    lead = tail.terms[0] if tail.terms else S.One
    growth = tail.remainder.growth if tail.remainder else lead
    depth = [program(e, tail.x) for e in (lead / growth, growth)]

    def fits(distance: float) -> bool:
        point = arb(near + out * distance)
        for code in depth:
            size = abs(code.ball(point, prec=64)).upper()
            if not (arb(2) ** -bits < size < arb(2) ** bits):
                return False
        return True

    distance = 1.0
    while distance < _FAR and fits(distance * 2):
        distance *= 2
    step = distance
    for _ in range(12):
        step /= 2
        if fits(distance + step):
            distance += step
    return near + out * min(distance, _FAR)
