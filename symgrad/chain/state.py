"""The chain run on balls: values, slopes and error terms that are enclosed, not rounded."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from flint import arb
from sympy import Expr, Symbol

from symgrad.activation import X, elementary
from symgrad.chain.gradient import residual, slope, step
from symgrad.chain.notation import a_, b_, delta_, e_, x_, y_, z_
from symgrad.errors import DomainError, LimitError
from symgrad.loss import A, Y
from symgrad.rigor import constant, precision, program, union

if TYPE_CHECKING:
    from symgrad.chain.chain import Chain
    from symgrad.chain.layer import Layer

__all__ = ["State", "accurate", "at_kink", "run"]

MAX_BITS = 1 << 16
"""The working precision at which an error term that no ball separates from zero is given up."""


@dataclass(frozen=True)
class State:
    """Balls for every quantity of one forward and one backward sweep; index l is layer l.

    `before[l]` = aˡ⁻¹, `step[l]` = ∂aˡ/∂aˡ⁻¹, `slope` = g'(z), `curve` = g''(z) (non-finite at a
    kink), `e[l]` = ∂C/∂aˡ for l = 0..L, `curvature` = ∂²c/∂a²; index 0 of the others is unused.
    """

    w: list[arb]
    z: list[arb]
    a: list[arb]
    slope: list[arb]
    curve: list[arb]
    step: list[arb]
    e: list[arb]
    delta: list[arb]
    cost: arb
    curvature: arb
    prec: int

    @property
    def before(self) -> list[arb]:
        """aˡ⁻¹ by l."""
        return [arb.nan(), *self.a[:-1]]

    def factors(self, chain: Chain) -> dict[Expr, arb]:
        """The balls by the symbols and factors of the product forms."""
        table: dict[Expr, arb] = {residual(chain): self.e[-1], x_: self.a[0]}
        for l in range(1, chain.depth + 1):
            table |= {chain.w(l): self.w[l], z_(l): self.z[l], a_(l): self.a[l]}
            table |= {delta_(l): self.delta[l], e_(l): self.e[l], slope(chain, l): self.slope[l]}
            if chain.layers[l - 1].skip:
                table |= dict.fromkeys(step(chain, l), self.step[l])
        return table


def at_kink(layer: Layer, z: arb, prec: int) -> bool:
    """Whether z is exactly a kink of the layer's activation."""
    return any((z - constant(kink.at, prec)).is_zero() for kink in layer.kinks)


def _split(layer: Layer, z: arb, prec: int, pieces: int) -> tuple[arb, arb, arb]:
    """The same over a wide ball, cut into equal pieces: tighter, since ranges are overestimated."""
    if pieces == 1 or not z.is_finite() or z.rad() < arb(2) ** -20:
        return _local(layer, z, prec)
    lo, width = z.lower(), (z.upper() - z.lower()) / pieces
    cuts = [lo + width * k for k in range(pieces)] + [z.upper()]
    parts = [_local(layer, u.union(v), prec) for u, v in pairwise(cuts)]
    value, slope, curve = (union(*column) for column in zip(*parts, strict=True))
    return value, slope, curve


def _local(layer: Layer, z: arb, prec: int) -> tuple[arb, arb, arb]:
    """g, g', g'' over the ball z; at a kink g' takes its stated value and g'' is not defined."""
    g, d = layer.elementary
    value, slope = program(g, X).ball(z, prec=prec), program(d, X).ball(z, prec=prec)
    if at_kink(layer, z, prec):
        return value, slope, arb.nan()
    jet = program(g, X).jet(z, 3, prec=prec)
    return _meet(value, jet[0]), _meet(slope, jet[1]), 2 * jet[2]


def _meet(u: arb, v: arb) -> arb:
    """Both balls contain the value: their intersection, or the finite one."""
    if not v.is_finite():
        return u
    if not u.is_finite():
        return v
    return u.intersection(v)


def run(
    chain: Chain, values: Mapping[Symbol, arb], prec: int = 64, pieces: int = 1,
    zeros: Container[tuple[str, int]] = (),
) -> State:  # fmt: skip
    """The state of the chain where each symbol is a ball, wide ones cut into `pieces` per layer.

    `zeros` are known to be zero: ("slope", l), ("step", l), ("a", l) and ("e", L).
    """
    with precision(prec):
        nothing = arb.nan()
        zero = arb(0)
        w, z, slopes, curve, steps = ([nothing] for _ in range(5))
        a = [values[x_]]
        for l, layer in enumerate(chain.layers, 1):
            w.append(values[chain.w(l)])
            z.append(w[l] * a[-1] + (values[b_(l)] if layer.has_bias else zero))
            value, d1, d2 = _split(layer, z[l], prec, pieces)
            value = value + a[-1] if layer.skip else value
            a.append(zero if ("a", l) in zeros else value)
            slopes.append(zero if ("slope", l) in zeros else d1)
            curve.append(d2)
            passed = w[l] * slopes[l] + int(layer.skip)
            steps.append(zero if ("step", l) in zeros else passed)
        loss, end = chain.loss, (a[-1], values[y_])
        cost, slope_of_cost, curvature = (
            program(elementary(c), A, Y).ball(*end, prec=prec)
            for c in (loss.formula, loss.da, loss.daa)
        )
        e = [zero if ("e", chain.depth) in zeros else slope_of_cost]
        delta = []
        for l in range(chain.depth, 0, -1):
            delta.append(e[-1] * slopes[l])
            e.append(e[-1] * steps[l])
        delta.append(nothing)
        return State(w, z, a, slopes, curve, steps, e[::-1], delta[::-1], cost, curvature, prec)


def accurate(
    chain: Chain, values: Mapping[Symbol, Expr], bits: int = 64, max_bits: int = MAX_BITS
) -> State:
    """The state at exact numbers, with every aˡ and δˡ known to `bits` bits or exactly zero.

    Raises `DomainError` where a layer or the cost is not defined, `LimitError` where `max_bits`
    of working precision are not enough (an error term that is zero but for which no ball shows it).
    """
    work = 2 * bits
    while work <= max_bits:
        state = run(chain, {s: constant(v, work) for s, v in values.items()}, work)
        known = [*state.a, state.e[-1], *state.delta[1:]]
        lost = state.cost.is_nan()
        if not lost and all(
            v.is_zero() or (v.is_finite() and v.rel_accuracy_bits() >= bits) for v in known
        ):
            return state
        if work >= 16 * bits and (lost or any(v.is_nan() for v in known)):
            where = next((f"layer {l}" for l, a in enumerate(state.a) if a.is_nan()), "the cost")
            raise DomainError(f"{where} is not defined at this point of the chain")
        work *= 2
    raise LimitError(f"{bits} bits of every error term are not reached with {max_bits} of work")
