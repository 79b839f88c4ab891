"""How the cost of each task grows: exponents fitted over its range, beside the power expected.

A power above the expected one is a defect. The fit leaves out the smallest size, where constant
costs rule.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import _lru_cache_wrapper
from typing import Any

import numpy as np
import pytest
from sympy import Rational, Symbol, oo
from sympy.core.cache import clear_cache

import symgrad as sg
from symgrad.activation import X

TASKS: dict[str, tuple[Sequence[int], float, Callable[[int], Callable[[], Any]]]] = {}


def task(name: str, sizes: Sequence[int], expected: float) -> Callable[[Any], Any]:
    """`make(size)` prepares what is not timed and returns what is."""

    def keep(make: Callable[[int], Callable[[], Any]]) -> Callable[[int], Callable[[], Any]]:
        TASKS[name] = (sizes, expected, make)
        return make

    return keep


def deep(depth: int) -> sg.Chain:
    return sg.Chain(sg.sigmoid, depth=depth)


def numbers(net: sg.Chain) -> dict[Any, Any]:
    return {s: Rational(3 + n % 5, 7) for n, s in enumerate(net.symbols)}


@task("all gradients as a program, against L", (100, 300, 1000, 3000, 10000), 1)
def _program(depth: int) -> Callable[[], Any]:
    return lambda: deep(depth).program


# SymPy's cache holds 1000 entries: beyond, a step costs about four times what it does below.
@task("one error term with its derivation, against L", (300, 1000, 3000, 10000), 1)
def _delta(depth: int) -> Callable[[], Any]:
    net = deep(depth)
    return lambda: net.delta(1).derivation


@task("Hessian-vector product in numbers, against L", (100, 300, 1000), 1)
def _hessian(depth: int) -> Callable[[], Any]:
    net = deep(depth)
    at = net.hessian().at(numbers(net))
    vector = [1.0] * len(net.parameters)
    return lambda: at.product(vector)


@task("diagnosis at a point, against L", (10, 30, 100, 300), 1)
def _diagnose(depth: int) -> Callable[[], Any]:
    net = deep(depth)
    return lambda: net.diagnose(numbers(net))


@task("gradients of one batch of 1000, against L", (10, 30, 100, 300, 1000), 1)
def _batch(depth: int) -> Callable[[], Any]:
    net = deep(depth)
    kernel = net.lambdify()
    x = np.linspace(-2, 2, 1000)
    weights, biases = [0.5] * depth, [0.25] * depth
    return lambda: kernel(x, 0.25, weights, biases)


@task("terms of mish' toward oo", (5, 10, 20, 50), 3)
def _terms(terms: int) -> Callable[[], Any]:
    return lambda: sg.tail(sg.mish.d(1), toward=oo, terms=terms)


@task("order of the derivative of sigmoid, its tail", (2, 5, 10, 20), 3)
def _order(order: int) -> Callable[[], Any]:
    return lambda: sg.tail(sg.sigmoid.d(order), toward=oo)


@task("value of gelu'(-30), against digits", (30, 100, 300, 1000), 2)
def _digits(digits: int) -> Callable[[], Any]:
    z = sg.gelu.d(1)(-30)
    return lambda: z.n(digits)


@task("kernel of gelu', against N", (10**4, 10**5, 10**6, 10**7), 1)
def _points(n: int) -> Callable[[], Any]:
    kernel = sg.lambdify(X, sg.gelu.d(1)(X))
    x = np.linspace(-8, 8, n)
    return lambda: kernel(x)


def forget() -> None:
    clear_cache()
    for kept in gc.get_objects():
        if isinstance(kept, _lru_cache_wrapper) and kept.__module__.startswith("symgrad"):
            kept.cache_clear()


def seconds(run: Callable[[], Any]) -> float:
    """The least of up to five runs within two seconds, without what SymPy or symgrad has kept."""
    found, start = [], time.perf_counter()
    while len(found) < 5 and (not found or time.perf_counter() - start < 2):
        forget()
        gc.collect()
        before = time.process_time()
        run()
        found.append(time.process_time() - before)
    return min(found)


@pytest.fixture(scope="module")
def rows() -> list[list[Any]]:
    return []


@pytest.mark.parametrize("name", list(TASKS))
def test_growth(name, rows):
    sizes, expected, make = TASKS[name]
    spent = [max(seconds(make(size)), 1e-7) for size in sizes]
    power = float(np.polyfit(np.log(sizes[1:]), np.log(spent[1:]), 1)[0])
    rows.append([name, sizes[0], spent[0], sizes[-1], spent[-1], power, expected])
    assert power < expected + 0.5, f"{name}: {list(zip(sizes, spent, strict=True))}"


def test_growth_is_kept(rows, measured):
    measured(
        "growth", "How the cost grows", ["task", "from", "s", "to", "s ", "power", "expected"],
        rows, "Process time, the least of up to five runs; the power is fitted without the first.",
    )  # fmt: skip


def test_start(measured):
    """Start-up of the package and of its command, and the memory of a deep chain's program."""
    rows = []
    for name, command in {
        "import symgrad": ["-c", "import symgrad"],
        "import symgrad; symgrad.sigmoid": ["-c", "import symgrad; symgrad.sigmoid"],
        "import sympy": ["-c", "import sympy"],
        "symgrad --help": ["-m", "symgrad", "--help"],
    }.items():
        found = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            found.append(time.perf_counter() - start)
        rows.append([name, min(found), sorted(found)[2]])
    measured("start", "Start-up in seconds", ["what", "least", "median"], rows,
             "Five runs each, as processes of their own.")  # fmt: skip
    tracemalloc.start()
    sizes = []
    for depth in (1000, 4000):
        before = tracemalloc.get_traced_memory()[0]
        kept = deep(depth).program
        sizes.append((depth, tracemalloc.get_traced_memory()[0] - before, len(kept)))
    tracemalloc.stop()
    measured(
        "memory",
        "Memory of the program of all gradients",
        ["L", "bytes", "lines"],
        [list(s) for s in sizes],
        "As tracemalloc counts it.",
    )
    assert sizes[1][1] < 6 * sizes[0][1], Symbol("linear")
