"""Mantissa-exponent numbers against fractions."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgrad.errors import InputError, LimitError
from symgrad.kernels.scaled import Scaled
from symgrad.oracle import FLOAT16, FLOAT32, FLOAT64, round_fraction

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NONZERO = NUMBERS.filter(bool)
LISTS = st.lists(NONZERO, min_size=1, max_size=40)


def exact(s: Scaled, at: tuple[int, ...] = ()) -> Fraction:
    return Fraction(float(s.mantissa[at])) * Fraction(2) ** int(s.exponent[at])


def gamma(n: int) -> Fraction:
    u = Fraction(1, 2**53)
    return n * u / (1 - n * u)


@given(value=NUMBERS)
def test_a_float_is_kept_exactly(value):
    s = Scaled.of(value)
    assert exact(s) == Fraction(value)
    assert s.roundings == 0
    assert s.relative_error == 0
    assert float(s) == value
    assert math.copysign(1, float(s)) == math.copysign(1, value)
    assert value == 0 or 0.5 <= abs(s.mantissa) < 1


@given(values=LISTS)
def test_a_product_is_within_its_bound(values):
    s = Scaled.of(values).prod()
    true = math.prod(map(Fraction, values))
    assert s.roundings == len(values) - 1
    assert abs(exact(s) - true) <= gamma(s.roundings) * abs(true)
    assert Fraction(s.relative_error) >= gamma(s.roundings)
    assert s.sign() == (1 if true > 0 else -1)


@given(values=LISTS)
def test_running_products_are_within_their_bound(values):
    s = Scaled.of(values).cumprod()
    true = Fraction(1)
    for k, value in enumerate(values):
        true *= Fraction(value)
        assert abs(exact(s, (k,)) - true) <= gamma(k) * abs(true)
    assert s.roundings == len(values) - 1


@given(a=NONZERO, b=NONZERO, n=st.integers(0, 60))
def test_single_products_and_powers(a, b, n):
    product = Scaled.of(a) * b
    assert product.roundings == 1
    assert abs(exact(product) - Fraction(a) * Fraction(b)) <= gamma(1) * abs(
        Fraction(a) * Fraction(b)
    )
    assert exact(b * Scaled.of(a)) == exact(product)
    power = Scaled.of(a, roundings=2) ** n
    assert power.roundings == max(0, 3 * n - 1)
    assert abs(exact(power) - Fraction(a) ** n) <= gamma(max(0, n - 1)) * abs(Fraction(a)) ** n


def test_the_bound_can_be_broken():
    """With one rounding counted too few, some product is outside."""
    rng = np.random.default_rng(0)
    outside = 0
    for a, b in rng.uniform(1, 2, (200, 2)).tolist():
        s = replace(Scaled.of([a, b]).prod(), roundings=0)
        true = Fraction(a) * Fraction(b)
        outside += abs(exact(s) - true) > gamma(s.roundings) * true
    assert outside > 100


MANTISSA = st.floats(0.5, 1, exclude_max=True)


@given(mantissa=MANTISSA, exponent=st.integers(-1200, 1200), negative=st.booleans())
def test_back_to_floats_is_one_rounding(mantissa, exponent, negative):
    signed = -mantissa if negative else mantissa
    s = Scaled(np.array(signed), np.array(exponent))
    for fmt, low in ((FLOAT64, -1070), (FLOAT32, -149), (FLOAT16, -24)):
        for e in (exponent, low + exponent % 60):
            t = Scaled(s.mantissa, np.array(e))
            got = t.to_float(fmt.dtype)
            assert got.dtype == fmt.dtype
            assert float(got) == round_fraction(exact(t), fmt)
            assert np.signbit(got) == negative


@given(mantissa=MANTISSA, exponent=st.one_of(st.integers(-3, 3), st.integers(-(10**7), 10**7)))
def test_logarithms(mantissa, exponent):
    s = Scaled(np.array(-mantissa), np.array(exponent))
    with mpmath.workprec(200):
        true = mpmath.log(mpmath.ldexp(mantissa, exponent))
        got = float(s.log())
        if true == 0:
            assert got == 0
        else:
            few = 0.75 if 1000 < abs(exponent) < 2**20 else 2
            assert abs(got - true) <= few * math.ulp(float(true))
            assert abs(float(s.log10()) - true / mpmath.log(10)) <= 4 * math.ulp(float(true))


def test_the_first_gradient_of_a_chain_ten_thousand_deep():
    """Factors w·σ'(z) with w = 3, σ'(z) = 0.19661193324148185: 10^-2294 or so, not 0.0."""
    factor = 3 * 0.19661193324148185
    s = Scaled.of(np.full(10_000, factor)).prod()
    true = Fraction(factor) ** 10_000
    assert np.prod(np.full(10_000, factor)) == FLOAT64.least  # floats stick there
    assert float(s) == 0
    assert abs(exact(s) / true - 1) <= gamma(9_999)
    assert s.relative_error < 1.2e-12
    with mpmath.workprec(100):
        assert abs(float(s.log()) - 10_000 * mpmath.log(factor)) < 1e-11 * 5300
    assert "·2^-7" in repr(s)


def test_zeros_infinities_and_nan():
    s = Scaled.of([0.0, -0.0, np.inf, -np.inf, np.nan])
    assert s.exponent.tolist() == [0] * 5
    assert np.array_equal(s.to_float(), [0.0, -0.0, np.inf, -np.inf, np.nan], equal_nan=True)
    assert np.signbit(s.to_float())[:4].tolist() == [False, True, False, True]
    assert s.log()[:4].tolist() == [-np.inf, -np.inf, np.inf, np.inf]
    assert np.isnan(s.log()[4])
    assert np.isnan((Scaled.of(0.0) * np.inf).to_float())
    negative = Scaled.of([-0.0, 3.0]).prod()
    assert negative.to_float() == 0
    assert np.signbit(negative.to_float())
    assert (s * 2).exponent.tolist() == [0] * 5


def test_axes_shapes_and_pieces():
    rng = np.random.default_rng(1)
    values = rng.uniform(-2, 2, (3, 7, 5))
    s = Scaled.of(values)
    for axis in (0, 1, 2, -1, -3):
        np.testing.assert_allclose(s.prod(axis).to_float(), values.prod(axis), rtol=1e-14)
        np.testing.assert_allclose(s.cumprod(axis).to_float(), values.cumprod(axis), rtol=1e-14)
    assert s.prod(1).roundings == 6
    assert s[1, 2].shape == (5,)
    assert len(s) == 3
    assert Scaled.of(np.zeros((2, 0))).prod().to_float().tolist() == [1, 1]
    assert Scaled.of(np.zeros((2, 0))).cumprod().shape == (2, 0)
    np.testing.assert_array_equal((-s).to_float(), -values)
    np.testing.assert_array_equal(abs(s).to_float(), np.abs(values))
    assert (np.array([2.0, 3.0]) * Scaled.of([1.0, 1.0])).to_float().tolist() == [2, 3]
    assert repr(s).startswith("<Scaled (3, 7, 5): ")
    assert Scaled.of([1, 2]).to_float().tolist() == [1, 2]


def test_errors_of_the_inputs_are_counted():
    s = Scaled.of(np.full(10, 0.3), roundings=4).prod()
    assert s.roundings == 10 * 4 + 9
    assert (s * s).roundings == 2 * s.roundings + 1
    assert Scaled.of(1.0, roundings=2**53).relative_error == math.inf


def test_what_is_refused():
    with pytest.raises(InputError, match="not negative"):
        Scaled.of(1.0, roundings=-1)
    with pytest.raises(InputError, match="powers"):
        Scaled.of(2.0) ** -1
    with pytest.raises(InputError, match="float32"):
        Scaled.of(2.0).to_float(np.int64)
    with pytest.raises(InputError, match="axis"):
        Scaled.of(2.0).prod()
    with pytest.raises(InputError, match="axis"):
        Scaled.of(2.0).cumprod()
    with pytest.raises(LimitError, match=r"2\^61"):
        Scaled(np.array(0.5), np.array(1 << 60)) ** 4
