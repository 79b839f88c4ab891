"""Cost and all gradients of a chain against NumPy written by hand, interleaved in one process.

Run by `tox -e bench`. `plain` is the recurrences line by line on whole arrays, `blocked` the same
on blocks that stay in the cache with every result written in place; both take g and g' as they are
in the textbooks (s(1 − s), 1 − t²), which lose their digits where a unit saturates. JAX and PyTorch
stand beside them where they are installed.
"""

from __future__ import annotations

import importlib
import math
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from symgrad.activation import X
from symgrad.catalogue import activation
from symgrad.chain import Chain
from symgrad.oracle import FLOAT32, FLOAT64, mp_values, ulps

NAMES = ("sigmoid", "tanh", "silu", "gelu")
SIZES = {1_000: 41, 10_000: 21, 100_000: 7, 1_000_000: 3}
DEPTHS = (2, 8, 32)
OTHERS = ("plain", "blocked", "total", "jax", "torch")
BLOCK = 8192
_LARGEST = 1 << 24  # results of N·L numbers each that a run may hold


def sigmoid(z: Any, a: Any, d: Any) -> None:
    np.negative(z, out=a)
    np.exp(a, out=a)
    a += 1
    np.divide(1, a, out=a)
    np.subtract(1, a, out=d)
    d *= a


def tanh(z: Any, a: Any, d: Any) -> None:
    np.tanh(z, out=a)
    np.multiply(a, a, out=d)
    np.subtract(1, d, out=d)


def silu(z: Any, a: Any, d: Any) -> None:
    np.negative(z, out=d)
    np.exp(d, out=d)
    d += 1
    np.divide(1, d, out=d)  # s
    np.multiply(z, d, out=a)
    s = d.copy()
    np.subtract(1, s, out=d)
    d *= z
    d += 1
    d *= s


def gelu(z: Any, a: Any, d: Any) -> None:
    np.multiply(z, math.sqrt(0.5), out=a)
    special.erf(a, out=a)
    a += 1
    a *= 0.5  # Φ
    np.multiply(z, z, out=d)
    d *= -0.5
    np.exp(d, out=d)
    d *= 1 / math.sqrt(2 * math.pi)
    d *= z
    d += a
    a *= z


HAND: dict[str, Callable[[Any, Any, Any], None]] = {
    f.__name__: f for f in (sigmoid, tanh, silu, gelu)
}


def plain(name: str, x: Any, y: float, w: list[float]) -> tuple[Any, Any, Any, Any]:
    """(C, ∂C/∂x, ∂C/∂w, δ) with whole arrays at each step."""
    slopes, values = [], [x]
    for weight in w:
        z = weight * values[-1]
        if name == "sigmoid":
            a = 1 / (1 + np.exp(-z))
            d = a * (1 - a)
        elif name == "tanh":
            a = np.tanh(z)
            d = 1 - a * a
        elif name == "silu":
            s = 1 / (1 + np.exp(-z))
            a, d = z * s, s * (1 + z * (1 - s))
        else:
            p = 0.5 * (1 + special.erf(z * math.sqrt(0.5)))
            a, d = z * p, p + z * (np.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi)))
        values.append(a)
        slopes.append(d)
    gap = values[-1] - y
    e, deltas = gap, []
    for d, weight in zip(slopes[::-1], w[::-1], strict=True):
        deltas.append(e * d)
        e = weight * deltas[-1]
    delta = np.stack(deltas[::-1])
    return 0.5 * gap * gap, e, delta * np.stack(values[:-1]), delta


def blocked(name: str, x: Any, y: float, w: list[float]) -> tuple[Any, Any, Any, Any]:
    """The same by blocks, in place."""
    depth, n, kind, both = len(w), x.size, x.dtype, HAND[name]
    cost, dx, dw, delta = (np.empty(s, kind) for s in (n, n, (depth, n), (depth, n)))
    size = min(BLOCK, n)
    values, slopes = np.empty((depth + 1, size), kind), np.empty((depth, size), kind)
    room = np.empty(size, kind)
    for start in range(0, n, size):
        stop = min(start + size, n)
        a, d, z = values[:, : stop - start], slopes[:, : stop - start], room[: stop - start]
        a[0] = x[start:stop]
        for l in range(depth):
            np.multiply(a[l], w[l], out=z)
            both(z, a[l + 1], d[l])
        e = a[depth] - y
        np.multiply(e, e, out=cost[start:stop])
        cost[start:stop] *= 0.5
        for l in range(depth - 1, -1, -1):
            here = delta[l, start:stop]
            np.multiply(d[l], e, out=here)
            np.multiply(here, a[l], out=dw[l, start:stop])
            np.multiply(here, w[l], out=e)
        dx[start:stop] = e
    return cost, dx, dw, delta


def peer(module: str) -> Any:
    """The module, or None with a notice."""
    try:
        return importlib.import_module(module)
    except ImportError:
        warnings.warn(f"{module} is not installed; its column is left out", stacklevel=2)
        return None


def jax_runner(jax: Any, name: str, x: Any, y: float, w: list[float]) -> Callable[[], Any]:
    """`vmap` of `value_and_grad` under `jit`, the weights a list."""
    jax.config.update("jax_enable_x64", True)
    g = {"sigmoid": jax.nn.sigmoid, "tanh": jax.numpy.tanh, "silu": jax.nn.silu}.get(
        name, lambda z: jax.nn.gelu(z, approximate=False)
    )

    def cost(x: Any, weights: Any) -> Any:
        for weight in weights:
            x = g(weight * x)
        return 0.5 * (x - y) ** 2

    run = jax.jit(jax.vmap(jax.value_and_grad(cost, argnums=(0, 1)), (0, None)))
    data, weights = jax.numpy.asarray(x), [jax.numpy.asarray(v, x.dtype) for v in w]
    return lambda: jax.block_until_ready(run(data, weights))


def torch_runner(torch: Any, name: str, x: Any, y: float, w: list[float]) -> Callable[[], Any]:
    """Autograd with each weight expanded to the batch: gradients by sample."""
    torch.set_num_threads(1)
    g = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}.get(name)
    g = g or getattr(torch.nn.functional, name)

    def run() -> Any:
        a = torch.from_numpy(x).clone().requires_grad_()
        weights = [torch.full_like(a, v).requires_grad_() for v in w]
        out = a
        for weight in weights:
            out = g(weight * out)
        return torch.autograd.grad((0.5 * (out - y) ** 2).sum(), [a, *weights])

    return run


def medians(runs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of processor time by contender; every round runs each once, each time another first.

    Who comes after a large library finds the caches full of it.
    """
    times: dict[str, list[float]] = {k: [] for k in runs}
    names = list(runs)
    for run in runs.values():
        run()
    for k in range(rounds):
        first = k % len(names)
        for name in names[first:] + names[:first]:
            start = time.process_time()
            runs[name]()
            times[name].append(time.process_time() - start)
    return {k: statistics.median(v) for k, v in times.items()}


def drawn(depth: int, size: int, dtype: Any) -> tuple[Any, list[float]]:
    rng = np.random.default_rng(depth)
    return rng.standard_normal(size).astype(dtype), [float(v) for v in rng.normal(0, 2, depth)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_speed(dtype, measured):
    peers = {m: peer(m) for m in ("jax", "torch")}
    rows: list[list[Any]] = []
    for name in NAMES:
        for depth in DEPTHS:
            kernel = Chain(activation(name), depth=depth, bias=False).lambdify()
            for size, rounds in SIZES.items():
                if size * depth > _LARGEST:
                    continue
                x, w = drawn(depth, size, dtype)
                runs: dict[str, Callable[[], Any]] = {
                    "symgrad": lambda k=kernel, x=x, w=w: k(x=x, y=0.5, w=w),
                    "plain": lambda n=name, x=x, w=w: plain(n, x, 0.5, w),
                    "blocked": lambda n=name, x=x, w=w: blocked(n, x, 0.5, w),
                    "total": lambda k=kernel, x=x, w=w: k(x=x, y=0.5, w=w, total=True),
                }
                if peers["jax"]:
                    runs["jax"] = jax_runner(peers["jax"], name, x, 0.5, w)
                if peers["torch"]:
                    runs["torch"] = torch_runner(peers["torch"], name, x, 0.5, w)
                spent = medians(runs, rounds)
                mine = spent.pop("symgrad")
                others = [spent[k] / mine if k in spent else None for k in OTHERS]
                rows.append([name, depth, size, mine / size / depth * 1e9, *others])
    ahead = {
        k: statistics.geometric_mean(v) for k, n in zip(OTHERS, range(4, 9), strict=True)
        if (v := [row[n] for row in rows if row[n] is not None])
    }  # fmt: skip
    means = ", ".join(f"{k} {v:.2f}" for k, v in ahead.items())
    measured(
        f"chain-{dtype.__name__}",
        f"Cost and all gradients of a chain, {dtype.__name__}: the time of the others over ours",
        ("activation", "L", "N", "ns per sample and layer", *OTHERS),
        rows,
        f"Interleaved medians of processor time; `total` is ours with sums over the batch. "
        f"Geometric means: {means}.",
    )
    assert len(rows) == len(NAMES) * sum(n * l <= _LARGEST for n in SIZES for l in DEPTHS)


def test_temporary_memory_is_that_of_a_block():
    """Peak memory beside the results at N = 10⁶: it does not grow with the batch."""
    depth, size = 8, 1_000_000
    x, w = drawn(depth, size, np.float64)
    for name in NAMES:
        kernel = Chain(activation(name), depth=depth, bias=False).lambdify()
        out = kernel(x=x, y=0.5, w=w)
        peaks = {}
        for label, run in (
            ("symgrad", lambda k=kernel, out=out: k(x=x, y=0.5, w=w, out=out)),
            ("plain", lambda n=name: plain(n, x, 0.5, w)),
        ):
            tracemalloc.start()
            run()
            peaks[label] = tracemalloc.get_traced_memory()[1] / 2**20
            tracemalloc.stop()
        print(f"{name:8} peak MiB " + "  ".join(f"{k} {v:8.1f}" for k, v in peaks.items()))
        assert peaks["symgrad"] < 8  # one row of the batch is 7.6 MiB


def test_accuracy():
    """The worst error of g' on a sample against mpmath, in ulp: of the sweep and of the textbook.

    With w = 1 and e = 1 (the cost is a) δ is g' itself.
    """
    rng = np.random.default_rng(7)
    z = np.concatenate(
        [rng.normal(0, 3, 300), rng.uniform(-30, 30, 300), -1.2784 + rng.normal(0, 1e-6, 50)]
    )
    for kind, fmt in ((np.float64, FLOAT64), (np.float32, FLOAT32)):
        points = z.astype(kind)
        for name in NAMES:
            slope = activation(name).derivative(1)(X).doit()
            truth = mp_values(slope, [X], [points.astype(np.float64)], fmt)
            net = Chain(activation(name), depth=1, bias=False, loss=lambda a, y: a)
            a, d = np.empty(z.shape, kind), np.empty(z.shape, kind)
            HAND[name](points, a, d)
            worst = [
                float(np.max(ulps(got.astype(np.float64), truth, fmt)))
                for got in (net.lambdify()(x=points, y=0.0, w=[1.0]).delta[0], d)
            ]
            print(f"{kind.__name__} {name:8} ulp  symgrad {worst[0]:.1f}  textbook {worst[1]:.2g}")
            assert worst[0] <= (8 if kind == np.float32 else 5)
