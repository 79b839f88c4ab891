"""Kernels against careful formulas on SciPy, interleaved in one process, as ratios of times.

Run by `tox -e bench`. The formulas are what a numerical analyst writes in an afternoon: accurate on
most of the line, none at every point (the regression tests of the kernels say where).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from symgrad.activation import X
from symgrad.catalogue import activation
from symgrad.kernels import lambdify

expit = special.expit


def _mish(x: Any) -> Any:
    t = np.tanh(np.logaddexp(0, x))
    return t + x * (1 - t) * (1 + t) * expit(x)


def _elu(x: Any) -> Any:
    return np.where(x > 0, 1.0, np.exp(np.minimum(x, 0)))


CAREFUL: dict[tuple[str, int], Callable[[Any], Any]] = {
    ("sigmoid", 0): expit,
    ("sigmoid", 1): lambda x: expit(x) * expit(-x),
    ("sigmoid", 2): lambda x: expit(x) * expit(-x) * -np.tanh(x / 2),
    ("tanh", 0): np.tanh,
    ("tanh", 1): lambda x: 4 * expit(2 * x) * expit(-2 * x),
    ("tanh", 2): lambda x: -8 * expit(2 * x) * expit(-2 * x) * np.tanh(x),
    ("softplus", 0): lambda x: np.logaddexp(0, x),
    ("softplus", 1): expit,
    ("silu", 0): lambda x: x * expit(x),
    ("silu", 1): lambda x: expit(x) * (1 + x * expit(-x)),
    ("mish", 0): lambda x: x * np.tanh(np.logaddexp(0, x)),
    ("mish", 1): _mish,
    ("gelu", 0): lambda x: x * special.ndtr(x),
    ("gelu", 1): lambda x: special.ndtr(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    ("gelu", 2): lambda x: (2 - x * x) * np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    ("erf", 0): special.erf,
    ("erf", 1): lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x),
    ("gaussian", 0): lambda x: np.exp(-x * x),
    ("gaussian", 1): lambda x: -2 * x * np.exp(-x * x),
    ("arctan", 1): lambda x: 1 / np.hypot(1, x) ** 2,
    ("softsign", 1): lambda x: 1 / (1 + np.abs(x)) ** 2,
    ("isru", 1): lambda x: np.hypot(1, x) ** -3.0,
    ("squareplus", 1): lambda x: (1 + x / np.hypot(x, 2)) / 2,
    ("elu", 0): lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    ("elu", 1): _elu,
    ("selu", 1): lambda x: np.where(x > 0, 1.0507, 1.7581 * np.exp(np.minimum(x, 0))),
    ("leaky_relu", 0): lambda x: np.where(x > 0, x, 0.01 * x),
    ("leaky_relu", 1): lambda x: np.where(x > 0, 1.0, 0.01),
    ("relu6", 0): lambda x: np.clip(x, 0, 6),
    ("hard_swish", 0): lambda x: x * np.clip(x + 3, 0, 6) / 6,
}


def ratios(dtype: Any, size: int = 100_000, rounds: int = 15) -> dict[tuple[str, int], float]:
    """Time of the kernel over time of the careful formula, medians of interleaved runs."""
    x = (3 * np.random.default_rng(0).standard_normal(size)).astype(dtype)
    found = {}
    for (name, order), careful in CAREFUL.items():
        kernel = lambdify(X, activation(name).d(order)(X))
        times: tuple[list[float], list[float]] = ([], [])
        for f in (kernel, careful):
            f(x)
        for _ in range(rounds):
            for f, spent in zip((kernel, careful), times, strict=True):
                start = time.perf_counter()
                f(x)
                spent.append(time.perf_counter() - start)
        found[name, order] = min(times[0]) / min(times[1])
    return found


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_speed(dtype, measured):
    found, kind = ratios(dtype), np.dtype(dtype).name
    rows = [[n, order, r] for (n, order), r in sorted(found.items(), key=lambda item: item[1])]
    measured(
        f"kernels-{kind}", f"Time of the kernel over that of a careful SciPy formula, {kind}",
        ["function", "order", "ratio"], rows,
        f"10⁵ normal numbers of spread 3, interleaved, the least of 15 runs; median "
        f"{statistics.median(found.values()):.2f}.",
    )  # fmt: skip
    assert len(found) == len(CAREFUL)
    assert statistics.median(found.values()) < 2  # a loaded machine moves a median by some tenths
