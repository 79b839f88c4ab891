"""The (w, b) plane: what becomes of P_n for almost every z¹, and the curves where that changes.

Lemma. Let S be continuous and increasing with finitely many fixed points r_1 < ... < r_k. On each
interval between neighbours (r_0 = −oo, r_{k+1} = oo) S(z) − z has one sign, and every orbit that
starts there is monotone and tends to the end it moves towards. Proof: z < S(z) < r_{i+1} repeats by
monotony, so the orbit increases and is bounded by r_{i+1}; its limit is a fixed point, and there is
no other one. For T decreasing the lemma holds for S = T∘T. For T not monotone on ℝ it holds on an
interval J with T(J) ⊂ J on which T is monotone; the images J_{k+1} = J_k ∩ T(J_k) of J_0 = ℝ are
tried, and every orbit is in J_k from its k-th point after z¹ on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy
from sympy import Eq, Expr, Interval, Ne, S, Symbol

from symgrad.activation import univariate
from symgrad.bounds import extrema, zeros
from symgrad.bounds.numbers import Real, is_closed
from symgrad.depth.law import KINDS
from symgrad.depth.map import LayerMap, between
from symgrad.errors import UndecidedError
from symgrad.fact import Derivation, Fact, Proved, Result, Step, Undecided
from symgrad.render import Block, Para, Table
from symgrad.rigor import sign
from symgrad.tails import tail

__all__ = ["Basin", "Phase", "boundaries", "phase"]

_IMAGES = 4
METHOD = Proved("monotone orbits (lemma of the phase room)")


@dataclass(frozen=True, slots=True)
class Basin:
    """Every orbit with a point in `starts` tends to `limit`; S has the slope `multiplier` there."""

    starts: sympy.Set
    limit: Expr
    multiplier: Expr
    kind: str


@dataclass(frozen=True, slots=True)
class Phase(Result):
    """What P_n does for every z¹ but the `exceptional` ones, fixed points that attract nothing.

    `period` is 2 where T decreases and the basins are those of T∘T. `entered` is how many layers it
    takes any z¹ to come where T is monotone; the basins are about the point after them, and what is
    exceptional is every z¹ that is carried to one of the listed points.
    """

    basins: tuple[Basin, ...]
    exceptional: tuple[tuple[Expr, Expr], ...]
    period: int
    fact: Fact
    entered: int = 0

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of law met, one for each basin."""
        return frozenset(b.kind for b in self.basins)

    def _blocks(self) -> Iterable[Block]:
        head = (
            "from",
            "to",
            "multiplier" if self.period == 1 else "multiplier of two layers",
            "P_n",
        )
        rows = tuple((b.starts, b.limit, b.multiplier, KINDS[b.kind]) for b in self.basins)
        if rows:
            yield Table(head, rows)
        if self.entered:
            yield Para(f"These are starts of z after {self.entered} layers, for every z¹.")
        for at, m in self.exceptional:
            yield Para("except exactly at ", at, ", where the multiplier is ", m)
        yield from self.fact._blocks()


def phase(g: Any, w: Any, b: Any = 0) -> Phase:
    """The law for almost every z¹ of T(z) = w g(z) + b.

    Proved where T is monotone on some image Tᵏ(ℝ), k ≤ 4 (all monotone g; SiLU and GELU with
    moderate w), and where T∘T then has finitely many fixed points that are found; else `Undecided`.

    >>> from symgrad.catalogue import activation
    >>> sorted(phase(activation("sigmoid"), -8).kinds)
    ['geometric']
    """
    T = LayerMap.of(g, w, b)
    try:
        return _phase(T)
    except UndecidedError as why:
        step = Step(S.true, "monotone orbits", Undecided(str(why)))
        return Phase((), (), 1, Fact(f"{T.name}.phase", S.true, Derivation((step,))))


def _phase(T: LayerMap) -> Phase:
    entered, J, rising, first = _monotone_part(T)
    period = 1 if rising else 2
    map_ = T.iterate(period)
    found = zeros(map_.expr - map_.z, J, x=map_.z)
    if not found.verdict or not isinstance(found.set, (sympy.FiniteSet, type(S.EmptySet))):
        raise UndecidedError(f"the fixed points of T^{period} are not finitely many listed points")
    basins = _basins(map_, found.points, J)
    reached = {basin.limit for basin in basins}
    exceptional = tuple((r, _slope(map_, r)) for r in found.points if r not in reached)
    z = Symbol(f"z_{1 + entered}")
    steps = (
        *first,
        Step(found.fact.statement, f"the fixed points of S = T^{period}", found.verdict),
        *(
            Step(
                sympy.Contains(z, basin.starts, evaluate=False),
                f"S moves every point there towards {basin.limit}; P_n {KINDS[basin.kind]}",
                METHOD,
                tuple(range(1, len(first) + 2)),
            )
            for basin in basins
        ),
        Step(
            Ne(sympy.Function("S")(Symbol("z")), Symbol("z")),
            "off the fixed points",
            METHOD,
            (len(first) + 1,),
        ),
    )
    claim = Eq(Symbol("limits"), sympy.FiniteSet(*reached), evaluate=False)
    fact = Fact(f"{T.name}.phase", claim, Derivation(steps), source="Devaney 1989, section 1.4")
    return Phase(basins, exceptional, period, fact, entered)


def _monotone_part(T: LayerMap) -> tuple[int, Interval, bool, tuple[Step, ...]]:
    """(k, J, whether T rises, steps): T is monotone on J, T(J) ⊂ J, and Tᵏ(ℝ) ⊂ J."""
    if not T.is_continuous():
        raise UndecidedError("T jumps, or is not shown to be continuous: the lemma needs that")
    J: Any = S.Reals
    steps: list[Step] = []
    for k in range(_IMAGES + 1):
        slope = extrema(T.slope, J, x=T.z)
        low, high = slope.inf.value, slope.sup.value
        if not slope.verdict:
            break
        if _sign(low) >= 0 or _sign(high) <= 0:
            steps.append(Step(slope.fact.statement, f"the range of T' on {J}", slope.verdict))
            return k, J, _sign(low) >= 0, tuple(steps)
        image = extrema(T.expr, J, x=T.z)
        if not image.verdict:
            break
        steps.append(Step(image.fact.statement, f"the range of T on {J}", image.verdict))
        J = J & Interval(_outward(image.inf.value, -1), _outward(image.sup.value, 1))
    raise UndecidedError(
        f"T is not monotone on its images up to {J}: the lemma of monotone orbits does not apply"
    )


def _outward(end: Expr, side: int) -> Expr:
    """A decimal just beyond the end of an interval."""
    if end.is_infinite:
        return end
    scaled = 10**6 * end.n(30)
    return (sympy.ceiling(scaled) if side > 0 else sympy.floor(scaled)) / sympy.Integer(10**6)


def _basins(map_: LayerMap, fixed: tuple[Expr, ...], J: Interval) -> tuple[Basin, ...]:
    found = []
    for lo, hi in pairwise((J.inf, *fixed, J.sup)):
        if lo == hi:
            continue
        rises = sign(map_.expr.xreplace({map_.z: (at := between(lo, hi))}).doit() - at) > 0
        limit = hi if rises else lo
        near = map_.side(limit, -1 if rises else 1) if limit.is_finite else None
        piece = near or map_
        m = _slope(piece, limit)
        flat = not piece.slope.has(map_.z)
        found.append(Basin(Interval.open(lo, hi) & J, limit, m, _kind(m, limit, flat)))
    return tuple(found)


def _slope(map_: LayerMap, at: Expr) -> Expr:
    if at.is_infinite:
        far = tail(map_.slope, at, terms=1, x=map_.z)
        return S.Infinity if far.tail_class.kind == "growing" else far.tail_class.limit or S.Zero
    value: Any = map_.slope.xreplace({map_.z: at}).doit()
    return value if is_closed(value) else Real(value)


def _kind(m: Expr, limit: Expr, flat: bool) -> str:
    """The law where the slope near the limit is m; `flat` if it is m on the whole piece."""
    if _sign(m) == 0:
        return "zero" if flat else "superattracting"
    size = _sign(abs(m) - 1)
    if size == 0:
        return "constant" if flat else "algebraic" if limit.is_finite else "undecided"
    return "geometric" if size < 0 else "exploding"


def _sign(value: Expr) -> int:
    if value.is_infinite:
        return 1 if value is S.Infinity else -1
    return sign(value)


def boundaries(g: Any, *, x: Symbol | None = None) -> dict[str, tuple[Expr, Expr]]:
    """The curves (w, b) on which a fixed point z has multiplier 1 (fold) or −1 (flip), in z.

    T(z) = z and w g'(z) = ±1 give w = ±1/g'(z), b = z − w g(z).

    >>> from symgrad.activation import X
    >>> from symgrad.catalogue import activation
    >>> boundaries(activation("tanh"))["fold"][0].subs(X, 0)
    1
    """
    f = univariate(g, x)
    value: Any = f.elementary
    slope: Any = value.diff(f.x)
    return {
        "fold": (1 / slope, f.x - value / slope),
        "flip": (-1 / slope, f.x + value / slope),
    }
