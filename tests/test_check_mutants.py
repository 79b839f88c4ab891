"""Kernels of this library broken on purpose, each in one place of its source, must be caught."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from sympy import Symbol

import symgrad as sg
from symgrad.check import check
from symgrad.kernels import Kernel
from symgrad.oracle import FLOAT64

x = Symbol("x", real=True)
REGIME = re.compile(r"Regime\(([^,]+), ([^,]+), (\w+(?:\.\d+)?)\)")
NAMES = ("sigmoid", "tanh", "gelu", "silu")


def broken(kernel, *changes):
    """The kernel with each text of its source replaced, which must be there."""
    source = kernel.source
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return Kernel(
        kernel.args, kernel.expr, source, kernel.switch_points, kernel.zeros,
        kernel.amplitude_beyond,
    )  # fmt: skip


def moved_thresholds(kernel):
    ends = {end for low, high, _ in REGIME.findall(kernel.source) for end in (low, high)}
    for end in sorted(ends - {"0.0", "inf", "-inf"}, key=float):
        for share in (0.97, 1.03):
            there = repr(float(end) * share)
            yield broken(
                kernel, *((f, f.replace(end, there)) for f in (f", {end},", f"Regime({end},")
                          if f in kernel.source)
            )  # fmt: skip


def wrong_branches(kernel):
    found = REGIME.findall(kernel.source)
    for (a, b, f), (c, d, g) in itertools.pairwise(found):
        yield broken(kernel, (f"Regime({a}, {b}, {f})", f"Regime({a}, {b}, {g})"))
        yield broken(kernel, (f"Regime({c}, {d}, {g})", f"Regime({c}, {d}, {f})"))


def changed_coefficients(kernel):
    """The constant terms of every table, a few of each, off by 16 ulp."""
    start = r"_rows = np.array\(\[\n    # t\*\*0\n    \[\n(.*?)\]"
    tables = re.findall(start, kernel.source, re.DOTALL)
    for table in tables:
        numbers = [n for n in re.findall(r"-?\d[\d.e+-]*", table) if float(n)]
        for n in numbers[:: max(1, len(numbers) // 3)]:
            yield broken(kernel, (f"{n},", f"{float(n) * (1 + 2.0**-48)!r},"))


def differs(mutant, right):
    """Whether two kernels are more than 12 ulp apart at one of many floats."""
    rng = np.random.default_rng(1)
    top = int(FLOAT64.ordinal(1000.0))
    at = np.concatenate([FLOAT64.at(rng.integers(-top, top, 20000)), rng.uniform(-800, 800, 20000),
                         rng.uniform(-40, 40, 20000)])  # fmt: skip
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(mutant(at) - right(at)) / np.spacing(np.maximum(np.abs(right(at)), 1e-290))
    return bool((gap > 12).any())


def caught(mutant):
    """By a few points, or else by the default number."""
    return any(not check(mutant, n, oracle="arb").passed(4) for n in (2000, 20000))


@pytest.mark.parametrize("kind", [moved_thresholds, wrong_branches, changed_coefficients])
def test_what_differs_is_caught(kind):
    """A mutant may pass only where it is right, and many of each kind are not."""
    harmful = 0
    for name in NAMES:
        kernel = sg.lambdify(x, sg.activation(name).d(1))
        assert check(kernel, 2000, oracle="arb").passed(4)
        for mutant in kind(kernel):
            if differs(mutant, kernel):
                harmful += 1
                assert caught(mutant), (name, kind.__name__)
    assert harmful >= len(NAMES)


@pytest.mark.numeric
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("g", sg.activations(), ids=lambda g: g.name)
def test_mpmath_alone_judges_the_catalogue(g, order):
    """The second road needs no ball: the same verdict, and the same error, as by Arb."""
    free = {p.name: 1.5 for p, v in zip(g.parameters, g.values, strict=True) if p == v}
    kernel = sg.lambdify(x, (g(**free) if free else g).d(order))
    alone, balls = (check(kernel, 1500, oracle=road) for road in ("mpmath", "arb"))
    assert alone.second_road == alone.points + alone.undecided + alone.undefined
    assert alone.undecided <= 0.02 * alone.points
    assert alone.failures(4) == balls.failures(4)
    assert alone.max_ulp == pytest.approx(balls.max_ulp, rel=1e-4)
