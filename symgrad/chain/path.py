"""A way down the chain along which ∂C/∂aˡ ≠ 0: what was chosen at each layer above."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from sympy import Expr, S

from symgrad.chain.cases import And, Ne, sided
from symgrad.chain.chain import Chain
from symgrad.chain.shape import Shape, Spot
from symgrad.errors import UndecidedError

__all__ = ["Path", "no_slope", "senses", "spot_names"]


@dataclass(frozen=True)
class Path:
    """From layer L down to l, with ∂C/∂aˡ ≠ 0: what was chosen at each layer above.

    `spots` are layers with g' = 0, each with its factor in aᴸ; at the others z = 0 and aᵏ⁻¹ = 0,
    which needs `above` and multiplies `factor`. `value` is what the layers down to the first such
    one add to aᴸ, and a^`zero` = 0 below the last such one.
    """

    l: int
    above: tuple[Any, ...] = ()
    spots: tuple[tuple[int, Spot, Expr], ...] = ()
    value: Expr | None = S.Zero
    factor: Expr = S.One
    bent: bool = False
    zero: int | None = None

    def at(self, spot: Spot) -> Path:
        """The path with g' = 0 at this layer."""
        spots = (*self.spots, (self.l, spot, self.factor))
        return replace(self, spots=spots, value=self.plus(spot.value))

    def plus(self, value: Expr | None) -> Expr | None:
        if self.zero is not None:
            return self.value
        return None if value is None or self.value is None else self.value + value

    def to_zero(self, chain: Chain, shape: Shape) -> Path:
        """One layer down, with aˡ⁻¹ = 0, zˡ = 0 and ∂aˡ/∂aˡ⁻¹ ≠ 0."""
        if shape.layer.skip and shape.kinked_at_zero:
            raise UndecidedError("a skip connection around a kink at z = 0, without a bias")
        step = chain.w(self.l) * shape.value(1, S.Zero) + (1 if shape.layer.skip else 0)
        # at x = 0 the first weight has no effect
        free = (Ne(chain.w(self.l), no_slope(shape)),) if self.l > 1 else ()
        return replace(
            self, l=self.l - 1, above=(*self.above, *free), factor=self.factor * step,
            value=self.plus(shape.value(0, S.Zero)), bent=self.bent or shape.kinked_at_zero,
            zero=self.l - 1,
        )  # fmt: skip


def no_slope(shape: Shape) -> Expr:
    """The wˡ at which ∂aˡ/∂aˡ⁻¹ = w g'(0), and 1 more with a skip connection, is zero."""
    return -1 / shape.value(1, S.Zero) if shape.layer.skip else S.Zero


def senses(
    spots: tuple[tuple[int, Spot, Expr], ...], residual: Expr
) -> Iterator[tuple[Any, Expr, list[tuple[int, Spot]]]]:
    """(condition, factor of C − C₀, each spot with its sign in it).

    Where all spots have one factor in aᴸ it goes with the residual; else each sign is a condition.
    """
    factors = list(dict.fromkeys(factor for *_, factor in spots))
    if len(factors) == 1:
        yield S.true, residual * factors[0], [(1, spot) for _, spot, _ in spots]
        return
    for signs in product((1, -1), repeat=len(factors)):
        side = dict(zip(factors, signs, strict=True))
        condition = And(*(sided(f, s) for f, s in side.items()))
        if condition != S.false:
            yield condition, residual, [(side[factor], spot) for _, spot, factor in spots]


def spot_names(layers: list[int], depth: int) -> str:
    """The layers with g' = 0, in words."""
    if layers != [depth] and len(layers) == 1:
        return f"layer {layers[0]}"
    return "the last layer" if layers == [depth] else f"layers {', '.join(map(str, layers[::-1]))}"
