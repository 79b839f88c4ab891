"""The parts of kernels, each against a second road: rounding, zeros, cells, lines, the judge."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import sympy
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from sympy import Rational, Symbol, cos, exp, expand, sin, sqrt, tanh

from symgrad.activation import X as x
from symgrad.kernels import emit, forms
from symgrad.kernels.far import far
from symgrad.kernels.fit import EPS, Grid, cell, rounding, table
from symgrad.kernels.judge import Judge
from symgrad.kernels.regimes import design
from symgrad.kernels.runtime import exp_square, log_one_plus, log_wave, one_plus, pieces, select
from symgrad.kernels.smooth import Smooth, as_float, floor_log2, log2_abs, shifted, zeros_near
from symgrad.rigor import precision


def exact(fraction: Fraction) -> arb:
    with precision(4000):
        return arb(fraction.numerator) / arb(fraction.denominator)


@given(st.integers(-(2**70), 2**70), st.integers(-1200, 900))
def test_rounding_to_a_float_is_that_of_fractions(n, e):
    value = Fraction(n) * Fraction(2) ** e
    try:
        expected = float(value)
    except OverflowError:
        expected = math.copysign(math.inf, value)
    assert as_float(exact(value)) == expected


@given(st.integers(1, 2**200), st.integers(-3000, 3000))
def test_logarithms_of_any_size(n, e):
    value = exact(Fraction(n) * Fraction(2) ** e)
    assert floor_log2(value) == n.bit_length() - 1 + e
    assert log2_abs(value) == pytest.approx(math.log2(n) + e, abs=1e-9)


def test_logarithm_of_what_no_float_exponent_holds():
    with precision(64):
        huge = (arb(2) ** 70).exp()
        assert log2_abs(huge) == math.inf
        assert log2_abs(1 / huge) == log2_abs(arb(0)) == -math.inf


def test_taylor_shift():
    f = Smooth(exp(x) * sin(x), x)
    here = f.series(arb(1), arb(1) / 8)
    there = f.series(arb(1) + arb(1) / 16, arb(1) / 8)
    assert here is not None
    assert there is not None
    for a, b in zip(shifted(here, arb(1) / 16)[:12], there, strict=False):
        assert as_float(a) == pytest.approx(as_float(b), rel=1e-15)


@pytest.mark.parametrize(
    ("expr", "near", "zero", "order"),
    [
        (x**2 - 2, 1.4, math.sqrt(2), 1),
        (1 - sin(x), 1.57, math.pi / 2, 2),
        (x - tanh(x), 0.01, 0.0, 3),
        (sin(x) ** 4, 3.14, math.pi, 4),
    ],
)
def test_zeros_with_their_multiplicity(expr, near, zero, order):
    series = Smooth(expr, x).series(arb(near), arb(1) / 32)
    assert series is not None
    ((t, found),) = zeros_near(series, arb(1) / 32)
    assert found == order
    with precision(160):
        assert as_float(arb(near) + t) == pytest.approx(zero, rel=2e-16, abs=1e-30)


def test_no_zero_where_there_is_none():
    series = Smooth(1 + x**2, x).series(arb(0), arb(1) / 32)
    assert series is not None
    assert zeros_near(series, arb(1) / 32) == []


@pytest.mark.parametrize("bits", [3, 5, 6])
@pytest.mark.parametrize("step", [2.0, 0.25])
def test_the_grid_and_the_bits_agree(bits, step):
    grid = Grid(step, bits)
    edges = np.array(grid.edges(0.0, 29.0))
    u = np.concatenate([edges[:-1], np.random.default_rng(0).uniform(0, edges[-1], 999)])
    number = ((u + step).view(np.int64) >> grid.shift) - grid.first(0.0)
    assert np.array_equal(number, np.searchsorted(edges, u, side="right") - 1)
    assert np.diff(edges)[0] == step / 2**bits
    assert math.log2(np.diff(edges)[-1] / np.diff(edges)[0]) == grid.octave(29.0)


@pytest.mark.parametrize("expr", [exp(-x), 1 / (1 + x**2), exp(-x) - Rational(1, 2), x * exp(-x)])
def test_a_table_is_within_its_bounds(expr):
    f, grid = Smooth(expr, x), Grid(2.0, 5)
    edges = grid.edges(0.0, 2.0)
    cells = [cell(f, a, b) for a, b in pairwise(edges)]
    assert all(c is not None for c in cells)
    degree = max(c.degree(EPS) for c in cells)
    p = table(grid, 0.0, [cells], degree)
    bound = rounding(p, cells)

    def method(v):
        out = np.empty_like(v)
        pieces(v, out, p, False)
        return out

    worst, _ = Judge(f, 0.0, 2.0, 300).worst(method)
    assert 0.5 <= worst <= bound + 0.15  # 0.15: what the interpolation may add
    assert bound < 4  # the limit that kernels state
    lower = table(grid, 0.0, [cells], max(degree - 3, 2))  # too short a polynomial is seen

    def short(v):
        out = np.empty_like(v)
        pieces(v, out, lower, False)
        return out

    assert Judge(f, 0.0, 2.0, 300).worst(short)[0] > bound + 0.15


@pytest.mark.parametrize(
    ("expr", "sign", "kind", "limit"),
    [
        (1 / (1 + exp(-x)), 1, "power", 1.0),
        (1 / (1 + exp(-x)), -1, "decay", 0.0),
        (x / (1 + exp(-x)), 1, "power", math.inf),
        (exp(-exp(x)), 1, "decay", 0.0),
        (exp(x) * x, 1, "growth", math.inf),
        (1 / (1 + x**2), -1, "power", 0.0),
        (sqrt(1 + x**2), -1, "power", math.inf),
        (sympy.log(1 + x**2), -1, "power", math.inf),
        (sin(x), 1, "wave", math.nan),
        (sin(x) / x, 1, "wave", 0.0),
        (cos(x) / (1 + x**2), -1, "wave", 0.0),
        (x + sin(x) ** 2, -1, "power", -math.inf),
    ],
)
def test_what_a_function_becomes(expr, sign, kind, limit):
    end = far(Smooth(expr, x), sign)
    assert end.kind == kind
    assert end.limit == limit or (math.isnan(end.limit) and math.isnan(limit))


@pytest.mark.parametrize(
    ("expr", "line"),
    [
        (exp(x) - 1, "(np.expm1(x))"),
        (sympy.log(1 + x), "np.log1p(x)"),
        (x / 6, "(x / 6.0)"),
        (exp(-(x**2) / 2), "exp_square(x, -0.5)"),
        (sin(x) / x**2, "(np.sin(x) / x / x)"),
    ],
)
def test_lines(expr, line):
    assert forms.numpy_line(expr, {x: "x"}) == line


def test_no_line_where_numpy_has_no_word():
    assert forms.numpy_line(sympy.erf(x), {x: "x"}) is None


@given(st.floats(-3, 3), st.integers(0, 3))
def test_lines_of_all_roads_agree(at, case):
    expr = [x**3 - 3 * x, cos(x) ** 2 - sin(x) ** 2, expand((x + 1) ** 3), x / (1 + x)][case]
    if abs(at + 1) < 0.1:
        return
    true = float(expr.subs(x, Rational(at)).evalf(30))
    for line in forms.candidates(expr, {x: "x"}):
        assert emit.line(line)(np.float64(at)) == pytest.approx(true, rel=1e-9, abs=1e-12)


def test_a_zero_where_there_is_a_number_is_infinitely_wrong():
    judge = Judge(Smooth(exp(-x), x), 0.0, 800.0)
    assert judge.worst(lambda v: np.exp(-v))[0] < 2
    assert judge.worst(lambda v: np.where(v > 745, 0.0, np.exp(-v)))[0] == math.inf


def test_kinks_that_are_no_floats():
    third = Rational(1, 3)
    plan = design(sympy.Piecewise((x**2, x <= third), (x / 3, True)), x)
    line = emit.line(plan.regimes[0].method)
    assert line(np.float64(1 / 3)) == (1 / 3) ** 2  # the float 1/3 is below 1/3
    assert line(np.nextafter(1 / 3, 1)) == np.nextafter(1 / 3, 1) / 3
    assert plan.symmetry == 0


def test_a_symmetry_is_that_of_the_function():
    shifted_tanh = tanh(x + Rational(1, 10**9))
    assert design(1 - tanh(x) ** 2, x).symmetry == 1
    assert design(x - tanh(x), x).symmetry == -1
    assert design(1 - shifted_tanh**2, x).symmetry == 0


def test_the_variable_is_free():
    z = Symbol("z", real=True)
    assert design(tanh(z) ** 3, z).zeros == [0.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_selection_by_bits_is_that_of_numpy(dtype):
    draw = np.random.default_rng(4)
    a, b = draw.normal(size=(2, 5000)).astype(dtype)
    a[::7], b[::5] = np.nan, -np.inf
    for yes, no in ((a, b), (0.0, b), (a, -0.0), (a[:3000], b[:3000])):
        condition = draw.integers(0, 2, 3000 if np.size(yes) == 3000 else 5000).astype(bool)
        got, expected = select(condition, yes, no), np.where(condition, yes, no)
        assert got.dtype == expected.dtype == dtype
        assert np.array_equal(got, expected, equal_nan=True)
        assert np.array_equal(np.signbit(got), np.signbit(expected))


@pytest.mark.parametrize("c", [-1.0, -0.5, 0.25])
@pytest.mark.parametrize("p", [(), (-2.0, 1.0), (-1.0, 2.0), (0.75, -3.0, 1.0)])
def test_bells(c, p):
    x = np.concatenate([np.linspace(-9, 9, 301), np.nextafter(math.sqrt(2), [0, 1, 2])])
    x = np.concatenate([x, np.nextafter(math.sqrt(0.5), [0, 1])])
    got = exp_square(x, c, *p)
    with mpmath.workdps(60):
        for at, value in zip(x.tolist(), got.tolist(), strict=True):
            s = mpmath.mpf(at) ** 2
            true = mpmath.exp(c * s) * (mpmath.polyval(p[::-1], s) if p else 1)
            if len(p) < 3:  # of higher degree Horner's rule cancels
                assert abs(value - true) <= 3 * math.ulp(float(true))
            else:
                size = mpmath.exp(c * s) * sum(abs(a) * s**k for k, a in enumerate(p))
                assert abs(value - true) <= 4 * math.ulp(float(size))
    assert exp_square(np.float64(1.5), c, *p) == exp_square(np.array([1.5]), c, *p)[0]


def test_waves_about_their_double_zeros():
    r = float(3 * math.pi / 2)  # 1 + sin v vanishes there twice
    v = np.concatenate([r + np.ldexp(1.0, np.arange(-50, 2)), [r, 1e-9, 0.5, 2.0, 3.7, 1e5]])
    s, c = np.sin(v), np.cos(v)
    with np.errstate(divide="ignore"):
        waves, logs_of_waves, cosines = one_plus(s, c), log_one_plus(s, c), log_wave(c, s)
    with mpmath.workdps(60):
        for k, at in enumerate(v.tolist()):
            true = 1 + mpmath.sin(mpmath.mpf(at))
            assert abs(waves[k] - true) <= 4 * math.ulp(float(true))
            logs = ((logs_of_waves[k], mpmath.log(true)),
                    (cosines[k], mpmath.log(abs(mpmath.cos(at)))))  # fmt: skip
            for got, expected in logs:
                assert abs(got - expected) <= 4 * math.ulp(float(expected))
