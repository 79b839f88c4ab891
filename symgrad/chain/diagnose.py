"""Why a gradient is small at one point, and whether the point is critical: nothing is rounded.

The decades of a gradient, -log₁₀|∂C/∂wˡ|, are the sum of the decades of its factors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Symbol
from sympy.core.relational import Relational

from symgrad.activation import elementary
from symgrad.bounds.extrema import extrema
from symgrad.chain.cases import CriticalCase, ZeroCount
from symgrad.chain.chain import Chain
from symgrad.chain.critical import Cases, critical_points
from symgrad.chain.gradient import residual, slope, step
from symgrad.chain.notation import a_, b_, put, real, x_, y_, z_
from symgrad.chain.shape import Shape
from symgrad.chain.state import State, accurate, run
from symgrad.errors import LimitError, SymgradError
from symgrad.fact import Proved, Undecided, Verdict
from symgrad.loss import A, Y
from symgrad.render import Block, Para, Shown, Table, text
from symgrad.rigor import constant, contains_zero, precision, program, sign

__all__ = ["Diagnosis", "LayerDiagnosis", "diagnose"]

_KINDS = ("residual", "slopes", "weights", "input")
_SMALL = 0.5
"""Decades below 1 from which a gradient is called small, and one factor is blamed for it."""


@dataclass(frozen=True)
class LayerDiagnosis:
    """One layer at the point: its gradients, and what makes them small.

    `decades` is -log₁₀|∂C/∂wˡ|, the sum of those in `kinds`: of the residual, the slopes, the
    weights and the input. `largest_share` come from the one factor `largest`; `vanishing` holds the
    factors that are exactly zero. `relative_update` = |∂C/∂wˡ|/|wˡ|, None for wˡ = 0.
    """

    layer: int
    weight_gradient: arb
    delta: arb
    relative_update: arb | None
    kinds: Mapping[str, float]
    largest: Expr
    largest_share: float
    vanishing: tuple[Expr, ...]

    @property
    def decades(self) -> float:
        return float("inf") if self.vanishing else sum(self.kinds.values())

    @property
    def _zero(self) -> str:
        return ", ".join(text(f) for f in self.vanishing)

    @property
    def _shared(self) -> bool:
        """Whether no one factor gives a quarter of the decades."""
        return self.largest_share < self.decades / 4

    @property
    def cause(self) -> str:
        """The factor that most decades come from, or the kind where many factors share in them."""
        if self.vanishing:
            return f"zero: {self._zero}"
        if self.decades < _SMALL:
            return "not small"
        kind = max(self.kinds, key=lambda k: self.kinds[k])
        if self._shared:
            return f"{self.kinds[kind]:.1f} by all {kind}"
        return f"{self.largest_share:.1f} by {text(self.largest)}"

    def sentence(self) -> str:
        """The layer in words."""
        name = f"∂C/∂w{self.layer}"
        if self.vanishing:
            return f"{name} = 0 exactly, since {self._zero} = 0"
        size = f"{name} = {digits(self.weight_gradient)}"
        if self.decades < _SMALL:
            return f"{size}: not small"
        share = f"{self.largest_share:.1f} of {self.decades:.1f} decades"
        if self._shared:
            return f"{size}; many factors share in it, the most, {share}, is {text(self.largest)}"
        return f"{size}; {share} come from {text(self.largest)}"


@dataclass(frozen=True)
class Diagnosis(Shown):
    """What the chain does at one point: exactly critical, or not critical and how far from it.

    `is_critical` is True, False or None, for the reason in `why`; `case` is the case of
    `critical_points` that holds. `to_gain` is the loss above its infimum, `radius` how far every
    parameter may move without meeting a critical point.
    """

    chain: Chain
    point: Mapping[Symbol, Expr]
    state: State
    is_critical: bool | None
    why: str
    verdict: Verdict
    case: CriticalCase | None
    to_gain: arb | None
    radius: arb | None
    notes: tuple[str, ...] = ()

    @property
    def cost(self) -> arb:
        """C at the point."""
        return self.state.cost

    @cached_property
    def layers(self) -> tuple[LayerDiagnosis, ...]:
        """One record for each layer, from 1 to L, in O(L) altogether."""
        return tuple(reversed(list(_layers(self.chain, self.state))))

    def shares(self, l: int) -> tuple[tuple[Expr, float], ...]:
        """(factor, decades) for every factor of ∂C/∂wˡ, the largest share first."""
        table = self.state.factors(self.chain)
        factors = (f for link in self.chain.gradient("w", l).links for f in link.factors)
        with precision(self.state.prec):
            found = [(f, _decades(table[f])) for f in factors]
        return tuple(sorted(found, key=lambda pair: -pair[1]))

    @property
    def decades(self) -> Mapping[str, float]:
        """The decades of ∂C/∂w¹ by kind of factor: residual, slopes, weights, and the input."""
        return self.layers[0].kinds

    def _blocks(self) -> Iterable[Block]:
        yield Para(self.why)
        if self.case is not None:
            yield Para(_MEANING[self.case.kind])
        first = self.layers[0]
        if not first.vanishing and first.decades > 0:
            shares = ", ".join(f"{v:+.1f} {k}" for k, v in self.decades.items() if abs(v) >= 0.05)
            yield Para(f"∂C/∂w1 is {first.decades:.1f} decades below 1: {shares}.")
        if self.to_gain is not None:
            gain = digits(self.to_gain)
            yield Para(f"The cost is {digits(self.cost)}; it can still fall by {gain}.")
        if self.radius is not None and self.radius == arb.pos_inf():
            yield Para(
                "There is no critical point at all: the infimum of the cost is not attained."
            )
        elif self.radius is not None and self.radius > 0:
            yield Para(
                f"No critical point has every parameter within {digits(self.radius, 3)} of these."
            )
        shown = self.layers if len(self.layers) <= 12 else (*self.layers[:6], *self.layers[-3:])
        head = ("layer", "∂C/∂w", "δ", "decades", "most of them", "|∂C/∂w|/|w|")
        yield Table(head, tuple(_cells(r) for r in shown))
        if len(shown) < len(self.layers):
            yield Para(f"({len(self.layers) - len(shown)} layers between them are not shown)")
        for note in self.notes:
            yield Para(note)


_MEANING = {
    "global minimum": "The optimum is reached: no weights give a smaller cost.",
    "weak local minimum": "No point nearby has a smaller cost; that is no proof of an optimum.",
    "weak local maximum": "No point nearby has a larger cost: the gradient vanishes far from an "
    "optimum.",
    "strict saddle": "The cost falls in a direction of negative curvature: no optimum.",
    "degenerate saddle": "The cost falls nearby, though gradient and curvature do not show it.",
    "saddle": "The cost falls nearby, though the gradient is zero.",
    "flat": "The cost is constant nearby: a gradient method does not move from here.",
    "kink": "The cost is not differentiable here; zero lies between its one-sided slopes.",
    "undecided": "Its type is not decided.",
}


def _cells(row: LayerDiagnosis) -> tuple[str, ...]:
    update = "w = 0" if row.relative_update is None else digits(row.relative_update, 3)
    decades = "" if row.vanishing else f"{row.decades:.1f}"
    return (
        str(row.layer), digits(row.weight_gradient, 4), digits(row.delta, 4), decades, row.cause,
        update,
    )  # fmt: skip


def digits(value: arb, n: int = 6) -> str:
    """The value of a ball to `n` digits, without its radius."""
    if value.is_zero():
        return "0"
    return value.str(3) if contains_zero(value) else value.str(n, radius=False)


def _decades(value: arb) -> float:
    """-log₁₀|v| as a float; infinite for an exact zero."""
    if value.is_zero():
        return float("inf")
    return -float(abs(value).log() / arb(10).log())


def _layers(chain: Chain, state: State) -> Iterable[LayerDiagnosis]:
    """From layer L down to 1; what the layers above give is summed up on the way."""
    table, depth = state.factors(chain), chain.depth
    with precision(state.prec):
        above = _Shares().plus(table, "residual", residual(chain))
        for l in range(depth, 0, -1):
            here = above.plus(table, "slopes", slope(chain, l)).plus(table, "input", a_(l - 1))
            gradient, weight = state.delta[l] * state.before[l], state.w[l]
            update = None if contains_zero(weight) else abs(gradient / weight)
            yield LayerDiagnosis(
                l, gradient, state.delta[l], update, here.kinds, here.largest[1], here.largest[0],
                here.zeros,
            )  # fmt: skip
            for factor in step(chain, l):
                above = above.plus(table, "weights" if factor.is_Symbol else "slopes", factor)


@dataclass(frozen=True)
class _Shares:
    """The decades of some factors by kind, the largest one, and the factors that are zero."""

    kinds: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0.0))
    largest: tuple[float, Expr] = (float("-inf"), sympy.S.One)
    zeros: tuple[Expr, ...] = ()

    def plus(self, table: Mapping[Expr, arb], kind: str, factor: Expr) -> _Shares:
        if table[factor].is_zero():
            return replace(self, zeros=(*self.zeros, factor))
        size = _decades(table[factor])
        kinds = {**self.kinds, kind: self.kinds[kind] + size}
        largest = max(self.largest, (size, factor), key=itemgetter(0))
        return replace(self, kinds=kinds, largest=largest)


def diagnose(chain: Chain, values: Mapping[Any, Any] | None = None, digits: int = 15) -> Diagnosis:
    """The diagnosis of the chain at exact numbers.

    Raises `InputError` for a symbol without a number, `DomainError` where a layer is not defined.
    """
    point = chain.point(values)
    bits = int(digits * 3.33) + 11
    at = Chain(
        chain.layers, loss=chain.loss, tie_weights=chain.tie_weights, x=point[x_], y=point[y_]
    )
    state, limit = _state(chain, point, bits)
    notes = tuple(_kink_notes(chain, state))
    gain = _to_gain(at, state)
    zero = _gradient_sign(chain, state)
    if zero is False:
        radius = arb.pos_inf() if _no_critical_point(at) else _free_radius(chain, point)
        why = "Not a critical point: " + _nonzero(chain, state)
        return Diagnosis(
            chain, point, state, False, why, Proved("balls"), None, gain, radius, notes
        )
    if zero is None:
        reason = limit or "no ball shows whether the gradient is zero"
        why = f"Not decided whether the point is critical: {reason}"
        return Diagnosis(chain, point, state, None, why, Undecided(reason), None, gain, None, notes)
    case = _case(at, point, state)
    kind = f"{case.kind} ({case.name})" if case else "of a type that no case of the theorems names"
    why = f"An exact critical point{', by the stated slopes' if notes else ''}: {kind}"
    proved = Proved("exact zeros of the factors")
    return Diagnosis(chain, point, state, True, why, proved, case, gain, None, notes)


def _components(chain: Chain, state: State) -> Iterable[tuple[str, arb]]:
    with precision(state.prec):
        total = arb(0)
        for l, layer in enumerate(chain.layers, 1):
            share = state.delta[l] * state.before[l]
            total += share
            if not chain.tie_weights:
                yield f"w{l}", share
            if layer.has_bias:
                yield f"b{l}", state.delta[l]
        if chain.tie_weights:
            yield "w", total


def _gradient_sign(chain: Chain, state: State) -> bool | None:
    """True where every component is exactly zero, False where one is certainly not."""
    every = [value for _, value in _components(chain, state)]
    if any(not contains_zero(v) for v in every):
        return False
    return True if all(v.is_zero() for v in every) else None


def _nonzero(chain: Chain, state: State) -> str:
    name, value = max(
        ((n, v) for n, v in _components(chain, state) if not contains_zero(v)),
        key=lambda pair: -_decades(pair[1]),
    )
    return f"its largest component is ∂C/∂{name} = {digits(value)}, proved not to be zero."


_FIRST_BITS, _DEEPEST_ALGEBRA = 1 << 12, 6


def _state(chain: Chain, point: Mapping[Symbol, Expr], bits: int) -> tuple[State, str]:
    """The state, and why not every error term in it is known to `bits` bits, or ""."""
    try:
        return accurate(chain, point, bits, _FIRST_BITS), ""
    except LimitError:
        balls = {s: constant(v, _FIRST_BITS) for s, v in point.items()}
        state = run(chain, balls, _FIRST_BITS)
    zeros = _zeros(chain, point, state) if chain.depth <= _DEEPEST_ALGEBRA else set()
    if zeros:
        return run(chain, balls, _FIRST_BITS, zeros=zeros), ""
    try:
        return accurate(chain, point, bits), ""
    except LimitError as why:
        return state, str(why)


def _zeros(chain: Chain, point: Mapping[Symbol, Expr], state: State) -> set[tuple[str, int]]:
    """The slopes, steps, activations and residual that are zero by exact algebra, no ball."""
    found, out = set[tuple[str, int]](), point[x_]

    def settle(what: str, l: int, *zero: Expr) -> None:
        ball = getattr(state, what)[l]
        if not ball.is_zero() and contains_zero(ball) and any(map(_is_zero, zero)):
            found.add((what, l))

    for l, layer in enumerate(chain.layers, 1):
        w = point[chain.w(l)]
        z = w * out + (point[b_(l)] if layer.has_bias else 0)
        settle("slope", l, *(z - spot.at for spot in Shape(layer).spots))
        if layer.skip:
            settle("step", l, 1 + w * layer.g.d(1)(z).doit())
        out = layer.g(z).doit() + (out if layer.skip else 0)
        settle("a", l, out)
    settle("e", chain.depth, put(chain.loss.da, {A: out, Y: point[y_]}))
    return found


def _is_zero(c: Expr) -> bool:
    try:
        return sign(c) == 0
    except (SymgradError, ArithmeticError):
        return False


def _kink_notes(chain: Chain, state: State) -> Iterable[str]:
    for l, layer in enumerate(chain.layers, 1):
        for kink in layer.kinks:
            if (state.z[l] - constant(kink.at, state.prec)).is_zero():
                yield (
                    f"Layer {l} is exactly on the kink z = {text(kink.at)} of {layer.g}: its "
                    f"slope there is taken as {text(kink.slope)}, {kink.convention}."
                )


def _to_gain(chain: Chain, state: State) -> arb | None:
    """C minus its infimum: that of c(a, y) over all outputs a that the chain can have."""
    try:
        outputs = Cases(chain).outputs
        if outputs is None or outputs.is_FiniteSet:
            return None
        cost = put(chain.loss.formula, {A: real("a"), Y: chain.target})
        least = extrema(cost, outputs, x=real("a"))
    except SymgradError:
        return None
    if not least.verdict or not least.inf.value.is_finite:
        return None
    with precision(state.prec):
        return state.cost - constant(least.inf.value, state.prec)


def _no_critical_point(chain: Chain) -> bool:
    """Whether the theorems leave no critical point for this input and target."""
    try:
        cases = critical_points(chain)
    except SymgradError:
        return False
    return all(c.verdict and sympy.false in (c.occurs, c.condition) for c in cases)


def _free_radius(chain: Chain, point: Mapping[Symbol, Expr]) -> arb:
    """An r such that no critical point has every parameter within r: a component stays off zero."""
    parameters, pieces = set(chain.parameters), 16 if chain.depth <= 50 else 1
    middle = {s: constant(v, 128) for s, v in point.items()}

    def free(exponent: int) -> bool:
        with precision(128):
            r = arb(2) ** exponent
            box = {s: v + arb(0, r) if s in parameters else v for s, v in middle.items()}
            state = run(chain, box, 128, pieces)
            return any(not contains_zero(v) for _, v in _components(chain, state))

    low, high = -4000, 8
    if not free(low):
        return arb(0)
    while high - low > 1:
        mid = (low + high) // 2
        low, high = (mid, high) if free(mid) else (low, mid)
    with precision(64):
        return arb(2) ** low


# --- which case holds ----------------------------------------------------------------------------


def _case(chain: Chain, point: Mapping[Symbol, Expr], state: State) -> CriticalCase | None:
    table = {**state.factors(chain), **{s: constant(v, state.prec) for s, v in point.items()}}
    undecided = None
    exact: dict[Symbol, Expr] = {**point} | {
        z_(l): s.at for l, layer in enumerate(chain.layers, 1) if state.slope[l].is_zero()
        for s in Shape(layer).spots if constant(s.at, state.prec).overlaps(state.z[l])
    }  # fmt: skip
    with precision(state.prec):
        for case in critical_points(chain):
            holds = _holds(put(case.condition, exact), table, state.prec)
            if holds:
                return case
            if holds is None:
                undecided = undecided or case
    return undecided if undecided is not None and undecided.name == "zero residual" else None


def _holds(condition: Any, table: Mapping[Any, arb], prec: int) -> bool | None:
    """Whether a condition of the theorems holds at the balls of the table; None where undecided."""
    known = {r: _relation(r, table, prec) for r in condition.atoms(Relational)}
    rest = put(condition, {r: sympy.sympify(v) for r, v in known.items() if v is not None})
    return bool(rest) if rest in (sympy.true, sympy.false) else None


def _relation(relation: Any, table: Mapping[Any, arb], prec: int) -> bool | None:
    """An equation or inequality between balls."""
    gap = _ball(relation.lhs - relation.rhs, table, prec)
    if isinstance(relation, (sympy.Gt, sympy.Lt)):
        found = _relation(relation.negated, table, prec)
        return None if found is None else not found
    if isinstance(relation, (sympy.Eq, sympy.Ne)):
        same = True if gap.is_zero() else None if contains_zero(gap) else False
        return same if same is None or isinstance(relation, sympy.Eq) else not same
    gap = -gap if isinstance(relation, sympy.Ge) else gap
    return True if gap <= 0 else False if gap > 0 else None


def _ball(expr: Any, table: Mapping[Any, arb], prec: int) -> arb:
    counted: dict[Any, Any] = {}
    for count in expr.atoms(ZeroCount):
        values = [_ball(a, table, prec) for a in count.args]
        if any(contains_zero(v) and not v.is_zero() for v in values):
            return arb.nan()
        counted[count] = sympy.Integer(sum(1 for v in values if v.is_zero()))
    plain: Any = elementary(put(expr, counted))
    symbols = sorted(plain.free_symbols, key=str)
    return program(plain, *symbols).ball(*(table[s] for s in symbols), prec=prec)
