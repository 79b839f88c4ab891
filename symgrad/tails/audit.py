"""A tail against true values: the ratio |f − Σ| / (K·growth) at many points, by both oracles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sympy
from flint import arb
from sympy import Expr, S

from symgrad.errors import InputError
from symgrad.fact import Evidence
from symgrad.oracle import arb_values, mp_values
from symgrad.oracle.roads import compare_roads
from symgrad.render import Block, Para, Shown
from symgrad.rigor import precision, program

if TYPE_CHECKING:
    from symgrad.tails.tail import Tail

__all__ = ["Audit", "audit", "sample"]

_BITS = 10_000
_FAR = 1e6
_TINY = S(2) ** -200
_EFFORT = (1.0, 1.3, 1.7, 2.3, 3.0, 4.0)
_SHARP = 2.0**-24
_ROUNDING = 2.0**-40


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


def audit(
    tail: Tail, n: int = 200, seed: int = 0, bits: int = _BITS, second: int = 1000, beyond: int = 0
) -> Audit:
    """The ratio at n points of `tail.where`: at its end, around it, and far out.

    Points run to where leading term over growth needs `bits` bits, and to |x| = 10⁶; with `beyond`
    they start where it needs that many. Arb decides every point, mpmath seconds at most `second`
    of them. For an exact tail 2⁻²⁰⁰ of the leading term stands for the bound. Raises
    `oracle.DisagreementError` where the roads differ.
    """
    if n < 1:
        raise InputError(f"an audit needs at least one point, got {n}")
    at = sample(tail, n, seed, bits, beyond)
    gap = tail.formula - tail.sum
    ratio = gap / tail.error if tail.remainder else gap / ((tail.terms or (S.One,))[0] * _TINY)
    sizes = _sizes(tail, ratio, at)
    known = np.flatnonzero(~np.isnan(sizes))
    seconded = 0
    if second and tail.remainder:
        chosen = np.unique(np.linspace(0, n - 1, min(n, second)).astype(np.int64))
        first, other = (f(ratio, [tail.x], [at[chosen]]) for f in (arb_values, mp_values))
        compare_roads(first, other, [at[chosen]], str(ratio))
        seconded = int(np.count_nonzero(first.known() & other.known()))
    if not len(known):
        return Audit(n, 0, seconded, 0.0, float(at[0]))
    k = known[np.argmax(sizes[known])]
    return Audit(n, len(known), seconded, float(sizes[k]), float(at[k]))


def _sizes(tail: Tail, ratio: Expr, at: np.ndarray) -> np.ndarray:
    """|ratio| at every point, rounded; nan where it is not decided whether it is ≤ 1."""
    code, need = program(ratio, tail.x), _needed_bits(tail)

    def size(point: float) -> float:
        least = 64 + need(point)
        for bits in (int(k * least) for k in _EFFORT):
            with precision(bits):
                found = _size(code.ball(arb(point), prec=bits))
            if found == found:
                return found
        return np.nan

    return np.array([size(point) for point in at.tolist()])


def _size(ball: arb) -> float:
    """|ball| as a float on its own side of 1; nan where it lies across, or is wide."""
    middle, radius = abs(float(ball.mid())), float(ball.rad())
    if not radius <= _SHARP:
        return np.nan if not abs(ball).lower() > 1 else max(middle, np.nextafter(1.0, 2.0))
    if abs(middle - 1) > radius + _ROUNDING:
        return middle
    size = abs(ball)
    if size.upper() <= 1:
        return min(middle, 1.0)
    return max(middle, np.nextafter(1.0, 2.0)) if size.lower() > 1 else np.nan


def _needed_bits(tail: Tail) -> Callable[[float], float]:
    """log₂ of leading term over growth, and of growth, at a point: what a difference cancels."""
    lead = tail.terms[0] if tail.terms else S.One
    growth = tail.remainder.growth if tail.remainder else lead
    codes = [program(e, tail.x) for e in (lead / growth, growth)]
    least = 0.0 if tail.remainder else 256.0

    def bits(at: float) -> float:
        sizes = [abs(code.ball(arb(at))) for code in codes]
        logs = [abs(float((s.upper().log() / arb(2).log()).mid())) for s in sizes if s != 0]
        return least + max((v for v in logs if v == v), default=np.inf)

    return bits


def sample(tail: Tail, n: int, seed: int = 0, bits: int = _BITS, beyond: int = 0) -> np.ndarray:
    """n floats of `tail.where`: half near its end, the others log-uniform out to the last useful
    point, few of them where `bits` are needed; with `beyond` all lie where that many are."""
    rng = np.random.default_rng(seed)
    out = 1.0 if tail.toward is S.Infinity else -1.0
    start = tail.valid_from
    near = float(start) if start.is_finite else -20.0 * out
    need = _needed_bits(tail)
    far = _last(need, near, out, bits)
    if beyond:
        first = max(_last(need, near, out, beyond), 1e-3)
        return near + out * np.append(first * (far / first) ** (rng.random(n - 1) ** 2), far)
    span = max(far, 1e-3)
    close = near + out * min(span, 8.0) * rng.random(n // 2) ** 2
    reach = np.where(rng.random(n - n // 2) < 0.1, span, span / 8)
    wide = near + out * reach * np.exp(-rng.random(n - n // 2) * np.log(1e3 * max(span, 1.0)))
    points = np.concatenate([close, wide])
    points[-1] = near + out * far
    if start.is_finite:
        # No float lies between `near` and the end that it is nearest to.
        points[~(out * points > out * near)] = near + out * span / 2
        if tail.where.contains(sympy.Rational(near)) is S.true:
            points[0] = near
    return points


def _last(need: Callable[[float], float], near: float, out: float, bits: int) -> float:
    """The distance at which the needed bits pass the limit, by doubling and halving; ≤ 10⁶."""
    distance = 1.0
    while distance < _FAR and need(near + out * distance * 2) < bits:
        distance *= 2
    step = distance
    for _ in range(12):
        step /= 2
        if need(near + out * (distance + step)) < bits:
            distance += step
    return min(distance, _FAR)
