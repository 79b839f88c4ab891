"""`net.lambdify()`: the cost and all gradients of a batch, through accurate kernels of g and g'."""

from __future__ import annotations

import math
import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sympy import Eq, Ge, Gt, Le, Lt, Piecewise, S, Symbol

from symgrad.activation import X, elementary
from symgrad.bounds import extrema, zeros
from symgrad.chain import batch
from symgrad.chain.chain import Chain
from symgrad.chain.layer import Layer
from symgrad.chain.notation import b_, x_, y_
from symgrad.chain.pairs import batch_source, pair_source
from symgrad.chain.steps import straight
from symgrad.errors import InputError, SymgradError, UnsupportedError
from symgrad.kernels import emit
from symgrad.kernels.forms import numpy_line
from symgrad.kernels.scaled import Scaled
from symgrad.kernels.write import Writer
from symgrad.loss import A, Y

__all__ = ["KERNEL_ULPS", "ChainKernel", "Gradients", "ScaledGradients", "chain_kernel"]

KERNEL_ULPS = 6
"""How many ulp a g or g' computed in float64 is taken to be off at most; tests measure it.

In float32, where NumPy's cosh alone is off by 2.4 (10⁶ points), tests allow 8.
"""

_U = 2.0**-53
_T = Symbol("t", real=True)


@dataclass(frozen=True, slots=True)
class Gradients:
    """C, ∂C/∂x, and by layer ∂C/∂wˡ and δˡ = ∂C/∂bˡ, each with the shape of the batch behind it."""

    cost: NDArray[Any]
    x: NDArray[Any]
    w: NDArray[Any]
    delta: NDArray[Any]


@dataclass(frozen=True, slots=True)
class ScaledGradients:
    """δˡ, ∂C/∂wˡ and ∂C/∂x as mantissa and exponent: never 0.0 where the product is not zero.

    `relative_error[l - 1]` bounds |computed − true|/|true| of δˡ to first order in 2⁻⁵³,
    for kernels that
    are within `KERNEL_ULPS` ulp; it is infinite where nothing can be stated.
    """

    cost: NDArray[np.float64]
    delta: Scaled
    w: Scaled
    x: Scaled
    relative_error: NDArray[np.float64]

    @property
    def log_delta(self) -> NDArray[np.float64]:
        """log|δˡ|; the sign is `delta.sign()`."""
        return self.delta.log()


@dataclass(frozen=True, eq=False)
class ChainKernel:
    """(x, y, w, b) ↦ C and all gradients, in one forward and one backward sweep over blocks.

    x and y are numbers or arrays of the batch's shape; w and b have one entry for each layer, a
    number or an array of that shape; what the chain was given may be left out. `source` is a module
    that needs NumPy alone.

    >>> from symgrad.catalogue import sigmoid
    >>> f = Chain(sigmoid, depth=2, bias=False).lambdify()
    >>> found = f(x=[1.0, 2.0], y=0.0, w=[1.0, -40.0])
    >>> found.delta.shape, bool((found.delta != 0).all())
    ((2, 2), True)
    """

    chain: Chain
    source: str = field(repr=False)

    @cached_property
    def _space(self) -> dict[str, Any]:
        return emit.build(self.source, "chain")

    def __call__(
        self,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        w: Sequence[ArrayLike] | ArrayLike | None = None,
        b: Sequence[Any] | ArrayLike | None = None,
        *,
        out: Gradients | None = None,
        total: bool = False,
        scaled: bool = False,
    ) -> Any:
        """`Gradients` by sample, their sums with `total`, `ScaledGradients` with `scaled`.

        Arrays that are all float32 are worked on in float32, else in float64; infinities and nan
        go through as IEEE 754 has them; at a kink g' takes the value of its record.
        """
        depth, (weight, bias) = self.chain.depth, self._symbols
        columns = [self._number(y, y_), *self._rows(w, "w", weight), *self._rows(b, "b", bias)]
        inputs = self._number(x, x_)
        arrays = [v for v in (inputs, *columns) if isinstance(v, np.ndarray)]
        shapes = {v.shape for v in arrays}
        try:
            shape = shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)
        except ValueError as error:
            raise InputError(f"x, y, weights and biases have no common shape: {error}") from None
        single = shape != () and not scaled and all(v.dtype == np.float32 for v in arrays)
        kind = np.dtype(np.float32 if single else np.float64)
        flat = [_flat(v, shape, kind) if isinstance(v, np.ndarray) else v for v in columns]
        samples = _flat(inputs, shape, kind)
        parts = flat[0], flat[1 : depth + 1], flat[depth + 1 :]
        if scaled:
            return self._scaled(samples, *parts, shape)
        result = self._results(out, shape, total, kind)
        views = result if total or len(shape) == 1 else [
            v.reshape((*v.shape[: v.ndim - len(shape)], samples.size)) for v in result
        ]  # fmt: skip
        space = self._space
        space["sweep"](space["LAYERS"], space["cost"], samples, *parts, views, total)
        return Gradients(*result)

    def _results(
        self, out: Gradients | None, shape: tuple[int, ...], total: bool, kind: Any
    ) -> tuple[NDArray[Any], ...]:
        batch_shape = () if total else shape
        depth = self.chain.depth
        wanted = (batch_shape, batch_shape, (depth, *batch_shape), (depth, *batch_shape))
        if out is None:
            return tuple(np.empty(s, kind) for s in wanted)
        parts = (out.cost, out.x, out.w, out.delta)
        for part, needed in zip(parts, wanted, strict=True):
            if part.shape != needed or part.dtype != kind or not part.flags.c_contiguous:
                raise InputError(
                    f"out needs contiguous arrays of shape {needed} and type {kind}, "
                    f"got {part.shape} of {part.dtype}"
                )
        return parts

    @cached_property
    def _symbols(self) -> tuple[list[Symbol], list[Symbol | None]]:
        chain, layers = self.chain, list(enumerate(self.chain.layers, 1))
        return [chain.w(l) for l, _ in layers], [b_(l) if k.has_bias else None for l, k in layers]

    def _number(self, value: Any, symbol: Symbol) -> Any:
        """A float, or an array of real numbers."""
        if type(value) is float:
            return value
        if value is None:
            known = self.chain.given.get(symbol)
            if known is None:
                raise InputError(f"give a number or an array for {symbol}")
            if known.free_symbols:
                raise InputError(f"{symbol} = {known} is no number; give it as an argument")
            return float(known)
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise InputError(f"x, y, weights and biases are real numbers, got {symbol} = {value!r}")
        return array if array.ndim else float(array)

    def _rows(self, values: Any, name: str, symbols: Sequence[Symbol | None]) -> list[Any]:
        """One entry for each layer; None where a layer has no bias."""
        if values is None:
            return [None if s is None else self._number(None, s) for s in symbols]
        count = len(values) if isinstance(values, (list, tuple)) else np.shape(values)[:1]
        if count not in (len(symbols), (len(symbols),)):
            raise InputError(
                f"{name} has one entry for each of {len(symbols)} layers, got {count or values}"
            )
        rows = []
        for s, value in zip(symbols, values, strict=True):
            if s is None and value is not None and np.any(value):
                raise InputError(f"a layer without bias takes None or 0, got {value!r}")
            rows.append(None if s is None else self._number(value, s))
        return rows

    def _scaled(self, x: Any, y: Any, w: Any, b: Any, shape: tuple[int, ...]) -> ScaledGradients:
        layers, depth = self._space["LAYERS"], self.chain.depth
        a, d = np.empty((depth + 1, x.size)), np.empty((depth, x.size))
        with np.errstate(all="ignore"):
            a[0] = x
            batch.forward(layers, w, b, a, d, a[depth], False)
            cost, slope = np.empty((2, x.size))
            self._space["cost"](a[depth], y, cost, slope)
            weights = np.stack([np.broadcast_to(v, x.shape) for v in w])
            steps = weights * d + np.array([[float(layer[2])] for layer in layers])
            error = _error(self.chain, a, d, weights, b, y, slope)
        plain = [not layer[2] for layer in layers]
        factors = Scaled.of(weights) * Scaled.of(d) if all(plain) else Scaled.of(steps, 3)
        last = Scaled.of(slope[None])
        arrows = Scaled(
            np.concatenate([last.mantissa, factors.mantissa[::-1]]),
            np.concatenate([last.exponent, factors.exponent[::-1]]), factors.roundings,
        ).cumprod(0)[::-1]  # fmt: skip
        delta = Scaled.of(d) * arrows[1:]
        into = lambda s: Scaled(
            s.mantissa.reshape((*s.shape[:-1], *shape)),
            s.exponent.reshape((*s.shape[:-1], *shape)),
            s.roundings,
        )  # fmt: skip
        return ScaledGradients(
            cost.reshape(shape), into(delta),
            into(delta * Scaled.of(a[:depth])), into(arrows[0]), error.reshape((depth, *shape)),
        )  # fmt: skip

    def export(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Write the module with `gradients(x, y, w, b)`; it needs NumPy alone."""
        target = pathlib.Path(path)
        part = target.with_name(target.name + ".part")
        part.write_text(self.source, "utf-8", newline="\n")
        os.replace(part, target)
        return target


def _flat(value: Any, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
    """One row over the batch."""
    if isinstance(value, np.ndarray) and value.shape == shape and value.dtype == kind:
        return value.reshape(-1)
    return np.ascontiguousarray(np.broadcast_to(value, shape), kind).reshape(-1)


# --- the source ----------------------------------------------------------------------------------


def chain_kernel(chain: Chain) -> ChainKernel:
    """The kernel of a chain; raises `UnsupportedError` where g or g' has no accurate kernel."""
    writer = Writer((A, Y))
    rows, pairs = [], dict[Layer, str]()
    bodies: list[str] = []
    for layer in chain.layers:
        names = writer.one(layer.g(_T), _T), writer.one(layer.g.d(1)(_T), _T)
        kind = layer.bare
        if kind not in pairs:
            source = pair_source(kind)
            pairs[kind] = "None" if source is None else f"_both{len(bodies)}"
            if source is not None:
                bodies.append(f"\n\n{source.replace('_both', pairs[kind])}")
        rows.append(f"    ({names[0]}, {names[1]}, {layer.skip}, {pairs[kind]}),")
    cost = _cost(writer, [elementary(c) for c in (chain.loss.formula, chain.loss.da)])
    parts = [
        f'"""Cost and gradients of a chain of {chain.depth} layers, cost {chain.loss.name}.',
        "", "Made by symgrad; needs NumPy alone.", '"""', "", emit.runtime_source(), "",
        batch_source(), "", "inf, nan = np.inf, np.nan", "",
        *writer.parts, *bodies, "", "",
        cost,
        "", "",
        "#: By layer: g, g', skip, and what computes both.",
        "LAYERS = (", *rows, ")", "", _GRADIENTS,
    ]  # fmt: skip
    return ChainKernel(chain, "\n".join(parts))


def _cost(writer: Writer, pair: list[Any]) -> str:
    """The function that fills g with c(a, y) and d with its slope."""
    if all(f.is_polynomial(A, Y) for f in pair):
        lines = [numpy_line(f, {A: "a", Y: "y"}) for f in pair]
        texts = [line for line in lines if line is not None]
        if len(texts) == 2:  # arithmetic alone, as the cost is written
            return straight(*texts, given="a, y")[0].replace("_both", "cost")
    values = [_piecewise(writer, f) for f in pair]
    lines = [*writer.body, *(f"{n}[...] = {v}" for n, v in zip("gd", values, strict=True))]
    return "def cost(a, y, g, d):\n" + "".join(f"    {line}\n" for line in lines)


def _piecewise(writer: Writer, expr: Any) -> str:
    """What computes an expression in a and y; pieces become nested `np.where`."""
    if not isinstance(expr, Piecewise):
        return writer.write(expr)
    text = "np.nan"
    pieces: Any = expr.args
    for piece, condition in reversed(pieces):
        value = writer.write(piece)
        if condition == S.true:
            text = value
            continue
        if type(condition) not in _SIGNS:
            raise UnsupportedError(f"a cost has pieces by comparisons of a and y, got {condition}")
        gap = writer.write(condition.lhs - condition.rhs)
        text = f"np.where({gap} {_SIGNS[type(condition)]} 0.0, {value}, {text})"
    return text


_SIGNS: dict[Any, str] = {Gt: ">", Ge: ">=", Lt: "<", Le: "<=", Eq: "=="}
_GRADIENTS = '''
def gradients(x, y, w, b=None):
    """C, dC/dx, and by layer dC/dw and delta = dC/db, for a row of samples x."""
    x = np.ascontiguousarray(x, np.float64).reshape(-1)
    b = [None] * len(LAYERS) if b is None else b
    depth, n = len(LAYERS), x.size
    out = (np.empty(n), np.empty(n), np.empty((depth, n)), np.empty((depth, n)))
    sweep(LAYERS, cost, x, y, w, b, out, False)
    return out
'''


# --- the stated error ----------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _constants(layer: Layer) -> tuple[float, float, bool]:
    """sup |g''| and sup |g''/g'|, infinite where not known, and whether g' has zeros."""

    def largest(f: Any) -> float:
        try:
            found = extrema(f, x=X)
            return max(abs(float(found.sup.value)), abs(float(found.inf.value)))
        except (SymgradError, TypeError, ValueError):
            return math.inf

    curve = largest(layer.g.d(2)(X))
    ratio = largest(layer.formula(2) / layer.formula(1)) if not layer.kinks else math.inf
    try:
        vanishes = zeros(layer.g.d(1)).set != S.EmptySet
    except SymgradError:
        vanishes = True
    return curve, ratio if math.isfinite(ratio) else math.inf, vanishes


def _error(chain: Chain, a: Any, d: Any, w: Any, b: Any, y: Any, e: Any) -> NDArray[np.float64]:
    """The running error bound: δˡ has the relative errors of its factors, one rounding for each."""
    depth, spread = chain.depth, np.zeros(a.shape[1])
    own = np.empty(d.shape)
    for l, layer in enumerate(chain.layers):
        curve, ratio, vanishes = _constants(layer.bare)
        product = w[l] * a[l]
        z = product if b[l] is None else product + b[l]
        shift = np.abs(w[l]) * spread + _U * (np.abs(product) + np.abs(z))
        steep = np.abs(d[l])
        local = np.where(steep > 0, curve * shift / steep, 0.0 if vanishes else math.inf)
        change = np.minimum(local, np.expm1(ratio * shift)) if ratio < math.inf else local
        for kink in layer.kinks:
            change = np.where(np.abs(z - float(kink.at)) <= shift, math.inf, change)
        tiny = (steep < 2.0**-1022) & ((steep > 0) | (not vanishes))
        own[l] = np.where(tiny, math.inf, change + 2 * KERNEL_ULPS * _U)
        spread = (steep + curve * shift) * shift + 2 * KERNEL_ULPS * _U * np.abs(a[l + 1])
        if layer.skip:
            spread = spread + np.abs(w[l]) * shift
    curvature = abs(float(chain.loss.daa)) if chain.loss.daa.is_number else math.inf
    total = np.where(e == 0, math.inf, curvature * spread / np.abs(e)) + 4 * _U
    result = np.empty(d.shape)
    for l in range(depth - 1, -1, -1):
        result[l] = total + own[l] + _U
        if chain.layers[l].skip:
            step = 1 + w[l] * d[l]
            grown = (np.abs(w[l] * d[l]) * (own[l] + _U) + _U * np.abs(step)) / np.abs(step)
            total = total + grown + 4 * _U
        else:
            total = total + own[l] + 2 * _U
    return result
