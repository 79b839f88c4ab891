"""The chain: one neuron per layer, layers 1 to L, a cost at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Self, cast

import sympy
from sympy import Basic, Eq, Expr, Symbol

from symgrad.chain.layer import Layer
from symgrad.chain.notation import COST, a_, b_, exact, point, real, w_, x_, y_, z_
from symgrad.chain.program import StraightLine, sweep
from symgrad.errors import InputError
from symgrad.loss import Loss, squared_error
from symgrad.loss import loss as loss_named
from symgrad.render import Block, Formula, Para, Shown

if TYPE_CHECKING:
    from symgrad.chain.bounds import DeltaBound, Threshold
    from symgrad.chain.cases import CriticalPoints
    from symgrad.chain.diagnose import Diagnosis
    from symgrad.chain.gradient import Gradient
    from symgrad.chain.hessian import Hessian
    from symgrad.chain.kernel import ChainKernel

__all__ = ["Chain"]


@dataclass(frozen=True, init=False)
class Chain(Shown):
    """aˡ = gₗ(wˡ aˡ⁻¹ + bˡ) for l = 1..L with a⁰ = x, and the cost C = c(aᴸ, y).

    `Chain(g, depth=L)` has L equal layers; `Chain([Layer(g), ...])` says each layer. With a symbol
    for the depth it is a `SymbolicChain`. `tie_weights` makes all weights one symbol w. Numbers
    for weights, biases, x and y are kept exactly (a float is its binary value).

    Raises `InputError` for L < 1, a bad layer, or a number that is not finite and real.

    >>> from symgrad.catalogue import sigmoid
    >>> Chain(sigmoid, depth=3).delta(1).expr
    delta__3*w__2*w__3*sigmoid'(z__1)*sigmoid'(z__2)
    """

    layers: tuple[Layer, ...]
    loss: Loss
    tie_weights: bool
    target: Expr
    input: Expr

    def __new__(cls, *args: Any, **settings: Any) -> Self:
        depth = settings.get("depth")
        if isinstance(depth, Expr) and depth.free_symbols:
            from symgrad.chain.symbolic import SymbolicChain

            return SymbolicChain(*args, **settings)  # type: ignore[return-value]
        return super().__new__(cls)

    def __init__(
        self,
        layers: Any,
        *,
        depth: int | Expr | None = None,
        loss: Loss | str | Callable[[Expr, Expr], Expr] = squared_error,
        bias: bool = True,
        tie_weights: bool = False,
        x: Any = None,
        y: Any = None,
    ) -> None:
        put = object.__setattr__
        put(self, "layers", _layers(layers, depth, bias))
        put(self, "loss", _loss(loss))
        put(self, "tie_weights", bool(tie_weights))
        put(self, "input", x_ if x is None else exact(x, "x"))
        put(self, "target", y_ if y is None else exact(y, "y"))
        if tie_weights and len({l.weight for l in self.layers}) > 1:
            raise InputError("tied weights are equal: give one number to every layer, or to none")

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Chain:
        """The chain that a TOML file describes; raises `InputError` with file, key and value."""
        from symgrad.chainfile import read_chain

        spec = read_chain(path)
        layers = [Layer(*layer) for layer in spec.layers]
        return cls(layers, loss=spec.loss, tie_weights=spec.tie_weights, x=spec.x, y=spec.y)

    # the notation

    @property
    def depth(self) -> int:
        """L, the number of layers."""
        return len(self.layers)

    def w(self, l: int) -> Symbol:
        """wˡ (w where the weights are tied)."""
        return real("w") if self.tie_weights else w_(self._index(l))

    def b(self, l: int) -> Symbol:
        """bˡ; raises `InputError` where the layer has none."""
        if not self.layers[self._index(l) - 1].has_bias:
            raise InputError(f"layer {l} has no bias")
        return b_(l)

    def z(self, l: int) -> Symbol:
        """zˡ = wˡ aˡ⁻¹ + bˡ."""
        return z_(self._index(l))

    def a(self, l: int) -> Symbol:
        """aˡ, with a⁰ = x."""
        return a_(self._index(l, first=0))

    def _index(self, l: int, first: int = 1) -> int:
        if (
            isinstance(l, bool)
            or not isinstance(l, (int, sympy.Integer))
            or not first <= l <= self.depth
        ):
            raise InputError(f"the layers are {first}..{self.depth}, got {l!r}")
        return int(l)

    @cached_property
    def parameters(self) -> tuple[Symbol, ...]:
        """Weights, then biases, in the order of the layers."""
        weights = dict.fromkeys(self.w(l) for l in range(1, self.depth + 1))
        biases = [b_(l) for l, layer in enumerate(self.layers, 1) if layer.has_bias]
        return (*weights, *biases)

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """Parameters, x and y: what the cost depends on."""
        return (*self.parameters, x_, y_)

    @cached_property
    def given(self) -> dict[Symbol, Expr]:
        """The values that the chain was given, by symbol."""
        values: dict[Symbol, Expr] = {}
        for l, layer in enumerate(self.layers, 1):
            if layer.weight is not None:
                values[self.w(l)] = layer.weight
            if layer.has_bias and layer.bias is not None:
                values[b_(l)] = layer.bias
        if self.input != x_:
            values[x_] = self.input
        if self.target != y_:
            values[y_] = self.target
        return values

    def point(self, values: Mapping[Any, Any] | None = None) -> dict[Symbol, Expr]:
        """Exact numbers for all symbols: those given, overridden by `values`.

        Keys are symbols or names; `w` and `b` alone take one value for each layer.
        """
        return point(values, self.symbols, self.given)

    # closed forms

    def preactivation(self, l: int) -> Expr:
        """wˡ aˡ⁻¹ + bˡ in the symbols of the neighbouring layers."""
        layer = self.layers[self._index(l) - 1]
        return self.w(l) * a_(l - 1) + (b_(l) if layer.has_bias else 0)

    def activation(self, l: int) -> Expr:
        """gₗ(zˡ), with aˡ⁻¹ added where the layer has a skip connection."""
        layer = self.layers[self._index(l) - 1]
        return layer.g(z_(l)) + (a_(l - 1) if layer.skip else 0)

    def definitions(self, first: int = 1, last: int | None = None) -> Iterator[tuple[Symbol, Expr]]:
        """(zˡ, wˡ aˡ⁻¹ + bˡ) and (aˡ, gₗ(zˡ)) for the layers first..last."""
        for l in range(first, (last or self.depth) + 1):
            yield z_(l), self.preactivation(l)
            yield a_(l), self.activation(l)

    @property
    def recurrences(self) -> tuple[Eq, ...]:
        """zˡ and aˡ for every layer, and the cost, as equations."""
        rows = (*self.definitions(), (COST, self.loss(a_(self.depth), y_)))
        return tuple(cast("Eq", Eq(*row, evaluate=False)) for row in rows)

    @cached_property
    def program(self) -> StraightLine:
        """The cost and all gradients as one straight-line program, linear in L."""
        return sweep(self)

    def delta(self, l: int) -> Gradient:
        """δˡ = ∂C/∂zˡ = (∏_{k>l} wᵏ)(∏_{l≤k<L} g'ₖ(zᵏ)) δᴸ."""
        from symgrad.chain.gradient import Gradient

        return Gradient(self, "delta", self._index(l))

    def gradient(self, of: str, l: int | None = None) -> Gradient:
        """∂C/∂wˡ = δˡ aˡ⁻¹ for "w", ∂C/∂bˡ = δˡ for "b", ∂C/∂x = w¹ δ¹ for "x".

        With tied weights `gradient("w")` is the derivative in the one w, Σ δˡ aˡ⁻¹.
        """
        from symgrad.chain.gradient import Gradient

        if of not in ("w", "b", "x"):
            raise InputError(f"a gradient is in 'w', 'b' or 'x', got {of!r}")
        if of == "x":
            if l not in (None, 0, 1):
                raise InputError(f"x enters layer 1 alone, got layer {l!r}")
            return Gradient(self, "x", 0)
        if l is None:
            if of == "w" and self.tie_weights:
                return Gradient(self, "w", 0)
            raise InputError(f"say which layer: gradient({of!r}, l) with l in 1..{self.depth}")
        if of == "b":
            self.b(l)
        return Gradient(self, of, self._index(l))

    def output_gradient(self) -> Gradient:
        """∂aᴸ/∂x = ∏ wˡ g'ₗ(zˡ): how the output answers to the input."""
        from symgrad.chain.gradient import Gradient

        return Gradient(self, "a", 0)

    def hessian(self) -> Hessian:
        """The second derivatives of C in w and b, in closed form and in O(L) numbers."""
        from symgrad.chain.hessian import Hessian

        return Hessian(self)

    def critical_points(self) -> CriticalPoints:
        """{∇C = 0} as a union of cases, each with the factors that vanish and its type."""
        from symgrad.chain.critical import critical_points

        return critical_points(self)

    def zero_weight(self) -> Basic:
        """Exactly when a point with wᴸ = 0 is a critical point."""
        from symgrad.chain.critical import zero_weight

        return zero_weight(self)

    def diagnose(self, point: Mapping[Any, Any] | None = None, *, digits: int = 15) -> Diagnosis:
        """Which factor makes which gradient small at a point; whether the point is critical."""
        from symgrad.chain.diagnose import diagnose

        return diagnose(self, point, digits)

    def bound(self, l: int, *, beyond: Any = None) -> DeltaBound:
        """|δˡ| ≤ ∏|wᵏ| ∏ sup|g'ₖ| |δᴸ|, and from below; with `beyond` = Z where every |zᵏ| ≥ Z."""
        from symgrad.chain.bounds import bound

        return bound(self, l, beyond)

    def box_bound(self, box: Mapping[Any, Any], of: str = "delta__1") -> DeltaBound:
        """The range of δˡ, a gradient or the cost where every symbol lies in a box."""
        from symgrad.chain.bounds import box_bound

        return box_bound(self, box, of)

    def signal_bound(self) -> DeltaBound:
        """|∏ wᵏ⁺¹ g'ₖ(zᵏ)| ≤ |zᴸ/z¹| without biases, where |z g'(z)| ≤ |g(z)|."""
        from symgrad.chain.bounds import signal_bound

        return signal_bound(self)

    def threshold(self, eps: Any, weight: Any = 1) -> Threshold:
        """The depth, and the |z|, from which |δ¹| ≤ eps |δᴸ| whenever every |wᵏ| ≤ weight."""
        from symgrad.chain.bounds import threshold

        return threshold(self, eps, weight)

    def lambdify(self) -> ChainKernel:
        """A NumPy function for the cost and all gradients of a batch, through accurate kernels."""
        from symgrad.chain.kernel import chain_kernel

        return chain_kernel(self)

    def _blocks(self) -> Iterable[Block]:
        yield Para(f"A chain of {self.depth} layer{'s' * (self.depth > 1)}, cost {self.loss.name}:")
        hidden = range(3, self.depth) if self.depth > 6 else range(0)
        shown = [l for l in range(1, self.depth + 1) if l not in hidden]
        for l in shown:
            for row in self.definitions(l, l):
                yield Formula(*row)
        yield Formula(COST, self.loss(a_(self.depth), y_))
        if hidden:
            yield Para(f"(layers 3 to {self.depth - 1} are not shown)")


def _layers(layers: Any, depth: Any, bias: bool) -> tuple[Layer, ...]:
    if isinstance(layers, Sequence) and not isinstance(layers, str):
        if depth is not None and depth != len(layers):
            raise InputError(f"depth={depth} but {len(layers)} layers are listed; leave depth out")
        found = [
            l if isinstance(l, Layer) else Layer(l, bias=None if bias else False) for l in layers
        ]
    else:
        if depth is None:
            raise InputError(
                "say how many layers: Chain(g, depth=L), or list them: Chain([Layer(g), ...])"
            )
        if isinstance(depth, bool) or not isinstance(depth, (int, sympy.Integer)):
            raise InputError(f"the depth is an integer L >= 1 or a symbol, got {depth!r}")
        found = [Layer(layers, bias=None if bias else False)] * int(depth)
    if not found:
        raise InputError(f"a chain has L >= 1 layers, got {depth if depth is not None else 0}")
    return tuple(found)


def _loss(loss: Any) -> Loss:
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        return loss_named(loss)
    if callable(loss):
        cost: Any = loss
        return Loss.from_callable(getattr(loss, "__name__", "c"), cost)
    raise InputError(f"a cost is a Loss, its name, or a function c(a, y), got {loss!r}")
