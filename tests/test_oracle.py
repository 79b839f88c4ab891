"""True values by two roads, rounding, ulp, points, edges; decimals and fractions are a third."""

from __future__ import annotations

import decimal
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import (
    Abs,
    Max,
    Min,
    Piecewise,
    Rational,
    Symbol,
    erf,
    erfc,
    exp,
    log,
    pi,
    sin,
    sqrt,
    tanh,
)

import symgrad as sg
from symgrad.activation import X
from symgrad.errors import InputError, UnsupportedError
from symgrad.oracle import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    DisagreementError,
    Kind,
    Values,
    arb_values,
    around,
    blocks,
    edges,
    exact_value,
    format_of,
    mp,
    mp_values,
    nearest,
    points,
    product_points,
    roads,
    round_fraction,
    rounded,
    true_values,
    ulps,
)
from symgrad.oracle.blocks import PROVED_ULP, errors_on, pieces
from symgrad.oracle.limits import limit_float
from symgrad.rigor.sharp import led

x = Symbol("x", real=True)
y = Symbol("y", real=True)
FORMATS = (FLOAT16, BFLOAT16, FLOAT32, FLOAT64)
by_format = pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.name)

sigmoid = 1 / (1 + exp(-x))
FUNCTIONS = {
    "sigmoid'": exp(-x) / (1 + exp(-x)) ** 2,
    "tanh', naive": 1 - tanh(x) ** 2,
    "gelu', naive": (1 + erf(x / sqrt(2))) / 2 + x * exp(-(x**2) / 2) / sqrt(2 * pi),
    "gelu' by erfc": erfc(-x / sqrt(2)) / 2 + x * exp(-(x**2) / 2) / sqrt(2 * pi),
    "mish": x * tanh(log(1 + exp(x))),
    "silu'": (x * sigmoid).diff(x),
    "hard swish'": Piecewise((0, x < -3), (x / 3 + Rational(1, 2), x < 3), (1, True)),
    "softsign'": 1 / (1 + Abs(x)) ** 2,
    "isru": x / sqrt(1 + x**2),
    "arctan''": sympy.atan(x).diff(x, 2),
    "snake": x + sin(x) ** 2,
    "clip": Max(x, -1) * Min(x, 2),
    "log|sigmoid'|": log(exp(-x) / (1 + exp(-x)) ** 2),
    "phish'": (x * tanh(x / 2 * (1 + erf(x / sqrt(2))))).diff(x),
    "tanhexp": x * tanh(exp(x)),
    "cube root": (1 + x**2) ** Rational(-1, 3),
    "hyperbolic": sympy.sech(x) * sympy.asinh(x) + sympy.cosh(x / 4),
}


def decimal_of(expression: str, at: str) -> Fraction:
    """A formula in the decimal module, 700 digits."""
    with decimal.localcontext() as context:
        context.prec = 700
        t = decimal.Decimal(at)
        forms = {
            "sech^2": lambda: 4 * (-2 * t).exp() / (1 + (-2 * t).exp()) ** 2,
            "logistic": lambda: (-t).exp() / (1 + (-t).exp()) ** 2,
        }
        return Fraction(forms[expression]())


# formats and rounding


@by_format
@given(data=st.data())
def test_ordinals_count_the_floats_in_order(fmt, data):
    top = int(fmt.ordinal(fmt.largest))
    n = data.draw(st.integers(-top, top - 1))
    a, b = (Fraction(float(v)) for v in fmt.at([n, n + 1]))
    assert a < b
    assert int(fmt.ordinal(float(a))) == n
    assert round_fraction((a + b) / 2, fmt) in (a, b)
    assert round_fraction(a + (b - a) / 3, fmt) == a


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_of_fractions_is_numpys(value):
    exact = Fraction(value)
    with np.errstate(over="ignore"):
        for fmt, kind in ((FLOAT16, np.float16), (FLOAT32, np.float32)):
            assert round_fraction(exact, fmt) == float(kind(value))
        single = float(np.float32(value))
    if math.isfinite(single):
        assert float(BFLOAT16.cast(single)) == round_fraction(Fraction(single), BFLOAT16)


@given(p=st.integers(-(10**30), 10**30), q=st.integers(1, 10**30))
def test_rounding_of_fractions_is_pythons_division(p, q):
    assert round_fraction(Fraction(p, q), FLOAT64) == p / q


def _signed(pair: tuple[int, int]) -> int:
    seed, sign = pair
    return sign * (2**89 + (seed * 0x9E3779B97F4A7C15F39CC060) % 2**89)


# Integers that Hypothesis draws have few bits: most of these have 90, or are next to 2^n.
EXACT = st.tuples(
    st.one_of(
        st.tuples(st.integers(1, 2**64), st.sampled_from([1, -1])).map(_signed),
        st.sampled_from([1, -1, 3, 2**90 - 1, 1 - 2**90, 2**89 + 1, 2**90 - 2**20]),
    ),
    st.one_of(st.integers(-1180, -1000), st.integers(-250, 150), st.integers(900, 1100)),
)


@by_format
@given(part=EXACT)
def test_rounding_of_held_values_goes_through_one_rounding(fmt, part):
    mantissa, exponent = part
    values = Values.empty(1, 100)
    values.put_exact(0, mantissa, exponent)
    exact = Fraction(mantissa) * Fraction(2) ** exponent
    near, _ = rounded(values, fmt)
    wanted = round_fraction(exact, fmt)
    assert near[0] == wanted
    assert np.signbit(near[0]) == (exact < 0)


def test_a_subnormal_is_not_rounded_twice():
    # 2.5·(1 + 2^-60) in units of the least number: rounded to 53 bits first it is a midpoint, and
    # falls to the even side, away from the truth.
    at = 5 * FLOAT64.least
    assert 0.5 * (1 + 2.0**-60) * at == 2 * FLOAT64.least
    expr = x / 2 * (1 + Rational(1, 2**60))
    assert rounded(arb_values(expr, [x], [np.array([at])]), FLOAT64)[1].all()
    near, tie = nearest(expr, [x], [np.array([at])])
    assert near[0] == 3 * FLOAT64.least
    assert not tie[0]


@by_format
@given(part=EXACT, steps=st.integers(-4, 4))
def test_ulp_is_the_distance_from_the_real_value(fmt, part, steps):
    mantissa, exponent = part
    exact = Fraction(mantissa) * Fraction(2) ** exponent
    values = Values.empty(1, 100)
    values.put_exact(0, mantissa, exponent)
    top = int(fmt.ordinal(fmt.largest))
    near = round_fraction(exact, fmt)
    got = float(fmt.at(np.clip(fmt.ordinal(near) + steps, -top, top)))
    size = min(abs(exact), Fraction(2) ** (fmt.emax + 1))
    binade = min(max(_floor_log2(size), fmt.emin), fmt.emax)
    spacing = Fraction(2) ** (binade - fmt.precision + 1)
    wanted = abs(Fraction(got) - (size if exact > 0 else -size)) / spacing
    assert float(ulps(got, values, fmt)[0]) == pytest.approx(float(wanted), rel=1e-12, abs=1e-12)


def _floor_log2(size: Fraction) -> int:
    n = size.numerator.bit_length() - size.denominator.bit_length()
    return n if Fraction(2) ** n <= size else n - 1


def test_just_below_a_power_of_two_the_spacing_is_the_finer_one():
    values = Values.empty(1, 100)
    values.put_exact(0, 2**90 - 1, -90)
    assert values.hi[0] == 1 - 2.0**-53
    values.hi[0], values.lo[0], values.exp[0] = 0.5, -(2.0**-91), 1
    assert values.exponent()[0] == -1
    assert ulps([1 + 2.0**-52], values, FLOAT64)[0] == pytest.approx(2)


def test_ulp_of_what_is_no_number():
    kinds = [Kind.ZERO, Kind.TINY, Kind.HUGE, Kind.HUGE, Kind.UNDEFINED, Kind.FINITE, Kind.FINITE]
    values = Values.empty(len(kinds), 90)
    values.kind[:] = kinds
    values.hi[:] = [0, 1, 1, -1, 0, 0.5, 0.5]
    values.exp[:] = [0, -2000, 2000, 2000, 0, 1, 1025]
    got = [-0.0, 3 * FLOAT64.least, np.inf, np.inf, 1.0, np.nan, np.inf]
    found = ulps(got, values, FLOAT64)
    assert found[:3].tolist() == [0, 3, 0]
    assert found[3] > 1e15
    assert np.isnan(found[4])
    assert found[5] == np.inf
    assert found[6] == 0
    assert ulps([np.inf], values[5:6], FLOAT64)[0] > 1e300
    assert [values.show(k) for k in range(5)][0:5:4] == ["0.0", "undefined"]


def test_formats_are_known_by_name_only():
    assert format_of(np.float32) is FLOAT32
    assert format_of("bfloat16") is BFLOAT16
    with pytest.raises(InputError, match="int32"):
        format_of(np.int32)


# the two roads


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("fmt", [FLOAT64, FLOAT32], ids=lambda f: f.name)
def test_the_roads_agree_everywhere(name, fmt):
    at = points(120, fmt, seed=3)[::6]
    values, asked = true_values(FUNCTIONS[name], [x], [at], fmt, "both")
    assert asked == len(at) > 100
    assert values.known().all()


@pytest.mark.parametrize("at", ["0.5", "20", "300", "350.25"])
@pytest.mark.parametrize("road", [arb_values, mp_values])
def test_tails_against_decimals(road, at):
    for name, expr in (("sech^2", 1 - tanh(x) ** 2), ("logistic", FUNCTIONS["sigmoid'"])):
        values = road(expr, [x], [np.array([float(at)])])
        exact = decimal_of(name, at)
        assert abs(values.fraction(0) / exact - 1) < Fraction(1, 2**70)


@pytest.mark.parametrize("road", [arb_values, mp_values])
def test_kinds_of_values(road):
    def kind(expr, at):
        return Kind(road(expr, [x], [np.array([at])]).kind[0])

    assert kind(Piecewise((0, x < 0), (x, True)), -1.0) is Kind.ZERO
    assert kind(exp(x) - 1, 0.0) is Kind.ZERO
    assert kind(exp(x), -1e300) is Kind.TINY
    assert kind(exp(x), 1e300) is Kind.HUGE
    assert kind(1 - tanh(x) ** 2, 1e300) is Kind.TINY
    assert kind(FUNCTIONS["sigmoid'"], -1e300) is Kind.TINY
    assert kind(sqrt(x), -1.0) is Kind.UNDEFINED
    assert kind(1 / x, 0.0) is Kind.UNDEFINED
    assert kind(log(x), 0.0) is Kind.UNDEFINED
    assert kind(sympy.asin(x), 2.0) is Kind.UNDEFINED
    assert kind(log(1 - tanh(x) ** 4), 1e9) is Kind.UNDECIDED
    assert kind(sympy.asin(tanh(x)), 1e9) is not Kind.UNDEFINED
    assert kind(x + exp(-(x**3)), 1e300) is Kind.FINITE
    assert kind(tanh(exp(x)), 1e300) is Kind.FINITE
    assert kind(sympy.sech(exp(x)), 1e4) is Kind.TINY
    assert kind(erf(x**5) + sympy.coth(x**3), -1e250) is Kind.FINITE


@given(at=st.floats(-1e150, 1e150))
def test_rational_functions_against_fractions(at):
    expr = (x**2 + Rational(1, 3)) / (1 + x**2) - x / 7
    exact = exact_value(expr, [x], [at])
    t = Fraction(at)
    assert exact == (t**2 + Fraction(1, 3)) / (1 + t**2) - t / 7
    near, _ = nearest(expr, [x], [np.array([at])])
    assert near[0] == round_fraction(exact, FLOAT64)


def test_exact_ties_go_to_even_and_are_flagged():
    at = FLOAT64.at([1, 3, 5, 4])
    near, tie = nearest(x / 2, [x], [at.astype(float)])
    assert FLOAT64.ordinal(near).tolist() == [0, 2, 2, 2]
    assert tie.tolist() == [True, True, True, False]
    assert exact_value(exp(x), [x], [1.0]) is None


def test_a_near_tie_is_decided_by_more_bits():
    # 1 + 2^-53 + 2^-120: no tie, but 92 bits do not tell.
    near, tie = nearest(1 + x + x**2 * exp(x) / 2**15, [x], [np.array([2.0**-53])])
    assert near[0] == 1 + 2.0**-52
    assert not tie[0]


def test_two_arguments():
    a = np.array([0.3, -700.0, 1e-300])
    b = np.array([2.0, 3.0, 1e300])
    expr = y * FUNCTIONS["sigmoid'"].subs(x, x * y)
    values, asked = true_values(expr, [x, y], [a, b])
    assert asked == 3
    assert values.known().all()
    with pytest.raises(InputError, match="one length"):
        arb_values(expr, [x, y], [a, b[:2]])


def test_a_broken_road_is_an_error(monkeypatch):
    at = np.linspace(-5, 5, 11)
    whole = mp_values
    shifted = lambda e, *rest: whole(e * (1 + Rational(1, 2**58)), *rest)
    monkeypatch.setattr(roads, "mp_values", shifted)
    with pytest.raises(DisagreementError, match="11 of 11 points"):
        true_values(FUNCTIONS["mish"].subs(x, x + 6), [x], [at])


def test_a_wrong_digit_in_one_function_is_an_error(monkeypatch):
    whole, off = mp._FUNCTIONS[sympy.tanh], mp.libmp.from_float(1 + 2.0**-52)
    wrong = lambda bits, v: whole(bits, mp.libmpi.mpi_mul_mpf(v, off, bits))
    monkeypatch.setitem(mp._FUNCTIONS, sympy.tanh, wrong)
    with pytest.raises(DisagreementError, match="tanh"):
        true_values(tanh(x), [x], [np.array([0.75])])


def test_disagreement_of_signs_and_zeros_is_seen():
    def pair(kind, hi):
        values = Values.empty(1, 90)
        values.kind[:], values.hi[:], values.exp[:] = kind, hi, 0 if kind == Kind.FINITE else -1100
        return values

    at = [np.array([1.0])]
    plus, minus = pair(Kind.FINITE, 0.5), pair(Kind.FINITE, -0.5)
    for a, b in ((plus, minus), (plus, pair(Kind.ZERO, 0)), (plus, pair(Kind.TINY, 0.0))):
        for first, second in ((a, b), (b, a)):
            with pytest.raises(DisagreementError):
                roads.compare_roads(first, second, at, "f")
    roads.compare_roads(plus, plus, at, "f")
    roads.compare_roads(plus, pair(Kind.UNDECIDED, 0), at, "f")


def test_what_no_road_knows():
    with pytest.raises(UnsupportedError, match="gamma"):
        mp_values(sympy.gamma(x), [x], [np.ones(1)])
    with pytest.raises(InputError, match="fast"):
        true_values(x, [x], [np.ones(1)], road="fast")


# points


@by_format
def test_points_are_seeded_and_distinct(fmt):
    first, again, other = (points(3000, fmt, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(first) >= 3000
    assert np.isfinite(first).all()
    assert np.array_equal(fmt.cast(first).astype(float), first)
    assert (np.diff(fmt.ordinal(first)) >= 0).all()
    zeros = first[first == 0]
    assert np.signbit(zeros).tolist() == [True, False]
    for must in (fmt.least, 2.0**fmt.emin, fmt.largest, 1.0):
        assert {must, -must} <= set(first.tolist())


def test_every_binade_has_points():
    at = points(20000, FLOAT64)
    found = {
        (int(e), bool(s)) for e, s in zip(np.frexp(at[at != 0])[1], at[at != 0] < 0, strict=True)
    }
    assert {(e, s) for e in range(-1021, 1025) for s in (False, True)} <= found
    assert ((at > -50) & (at < 50)).sum() > 6000


@by_format
def test_special_points_are_met_float_by_float(fmt):
    centre = float(fmt.cast(-1.2784645))
    at = set(points(500, fmt, special=[centre]).tolist())
    steps = fmt.at(fmt.ordinal(centre) + np.arange(-6, 7)).astype(float)
    assert set(steps.tolist()) <= at
    gaps = sorted(abs(p - centre) for p in around([centre], fmt) if p != centre)
    assert gaps[0] <= 2 * math.ulp(centre) * 2 ** (53 - fmt.precision)
    assert gaps[-1] > 0.5


def test_no_points_is_an_error():
    for wrong in (lambda: points(0, FLOAT64), lambda: product_points(0, 2, FLOAT64)):
        with pytest.raises(InputError, match="at least one point"):
            wrong()


def test_points_in_several_dimensions():
    first, second = product_points(2000, 2, FLOAT32, seed=5)
    assert len(first) == len(second) == 2000
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) > 1500
    square = (np.abs(first) <= 8) & (np.abs(second) <= 8)
    cells = np.histogram2d(first[square], second[square], bins=4, range=[[-8, 8]] * 2)[0]
    assert cells.min() > 10
    assert np.array_equal(product_points(2000, 2, FLOAT32, seed=5)[1], second)


# edges and limits


def test_edges_bracket_the_zero_and_the_thresholds():
    found = edges(FUNCTIONS["silu'"], x, FLOAT64)
    low, high = (e.at for e in found if e.reason == "zero" and -2 < e.at < -1)
    assert high == math.nextafter(low, 0)
    root = decimal.Decimal("-1.278464542761073795109358739022980155439478")
    assert decimal.Decimal(low) < root < decimal.Decimal(high)
    reasons = {e.reason for e in edges(exp(x), x, FLOAT64)}
    assert reasons == {"overflow", "subnormal", "underflow"}
    top = [e.at for e in edges(exp(x), x, FLOAT64) if e.reason == "overflow"]
    assert top == [709.782712893384, 709.7827128933841]


def test_edges_know_kinks_domains_and_other_formats():
    bent = Piecewise((x, x < Rational(7, 3)), (Abs(x - 5), True))
    kinks = {round(e.at, 6) for e in edges(bent, x, FLOAT64) if e.reason == "kink"}
    assert kinks == {2.333333, 5.0}
    assert [e.at for e in edges(sqrt(x - 1), x, FLOAT16) if e.reason == "domain"][-1] == 1.0
    small = [e.at for e in edges(exp(x), x, FLOAT16) if e.reason == "overflow"]
    assert small == [11.0859375, 11.09375]
    assert len(edges(sin(x), x, FLOAT64)) <= 130


@pytest.mark.parametrize(
    ("expr", "side", "wanted"),
    [
        (tanh(x), -1, -1.0),
        (sympy.atan(x), 1, math.pi / 2),
        (FUNCTIONS["gelu', naive"], 1, 1.0),
        (FUNCTIONS["gelu', naive"], -1, 0.0),
        (x * exp(-x), 1, 0.0),
        (x * exp(-x), -1, -math.inf),
        (log(1 + x**2), 1, math.inf),
        (x / sqrt(1 + x**2), 1, 1.0),
        (sin(x) / x, -1, 0.0),
    ],
)
def test_limits_at_infinity(expr, side, wanted):
    assert limit_float(expr, x, side) == wanted


def test_no_limit_is_claimed_where_there_is_none():
    assert math.isnan(limit_float(sin(x), x, 1))
    assert limit_float(log(x), x, -1) is None
    assert limit_float(log(1 - tanh(x) ** 2), x, 1) is None


# every float of a stretch


STRETCHES = [0, 1, 60, 118, 124, 126, 127, 128, 130, 133, 136, 200, 254]


@pytest.mark.parametrize(
    "name", ["sigmoid'", "tanh', naive", "gelu', naive", "hard swish'", "isru"]
)
def test_pieces_tell_the_error_of_any_float(name):
    expr, rng, seen = FUNCTIONS[name], np.random.default_rng(7), 0
    for binade in STRETCHES:
        for sign in (1, -1):
            low, high = max(1, binade << 23), (binade + 1) << 23
            low, high = (low, high) if sign > 0 else (1 - high, 1 - low)
            at = low
            for piece in pieces(expr, x, FLOAT32, low, high):
                assert piece.low == at
                at = piece.high
                if rng.random() > 0.5:
                    continue
                place = np.unique(
                    [piece.low, piece.high - 1, *rng.integers(piece.low, piece.high, 4)]
                )
                t = FLOAT32.at(place).astype(float)
                true = arb_values(expr, [x], [t], FLOAT32)
                off = FLOAT32.ordinal(rounded(true, FLOAT32)[0]) + rng.integers(-3, 4, len(t))
                got = FLOAT32.at(off).astype(float)
                errors, _, unsure = errors_on(piece, t, got, FLOAT32)
                gap = np.abs(errors - ulps(got, true, FLOAT32))[~unsure]
                assert (gap <= PROVED_ULP).all()
                seen += len(gap)
            assert at == high
    assert seen > 35


@pytest.mark.parametrize(
    "expr", [pi * x + sqrt(2), (pi * x**3 - 7 * x + sqrt(3) * x**2) / 3, FUNCTIONS["sigmoid'"]]
)
def test_the_bound_of_a_piece_holds_and_needs_its_roundings(expr):
    needed = False
    for binade in (120, 127, 128):
        for piece in list(pieces(expr, x, FLOAT32, binade << 23, (binade + 1) << 23))[:3]:
            place = np.random.default_rng(0).integers(piece.low, piece.high, 200)
            t = FLOAT32.at(place).astype(float)
            true, got = arb_values(expr, [x], [t]), blocks._horner(piece, t)
            unit = Fraction(2) ** piece.exp
            gaps = [abs(Fraction(float(g)) - true.fraction(k) / unit) for k, g in enumerate(got)]
            assert max(gaps) <= piece.error
            terms = len(piece.coefficients)
            roundings = (2 * terms + 2) * 2.0**-53 * 1.01 * sum(map(abs, piece.coefficients))
            needed |= max(gaps) > piece.error - roundings
    assert needed


def test_a_piece_with_a_wrong_coefficient_is_seen():
    piece = next(p for p in pieces(FUNCTIONS["sigmoid'"], x, FLOAT32, 127 << 23, 128 << 23))
    first, *rest = piece.coefficients
    wrong = replace(piece, coefficients=(first * (1 + 2.0**-30), *rest))
    t = FLOAT32.at(np.arange(piece.low, piece.low + 100)).astype(float)
    true = arb_values(FUNCTIONS["sigmoid'"], [x], [t], FLOAT32)
    got = rounded(true, FLOAT32)[0]
    right, off = (np.abs(errors_on(p, t, got, FLOAT32)[0] - ulps(got, true, FLOAT32)).max()
                  for p in (piece, wrong))  # fmt: skip
    assert right < PROVED_ULP < off


@pytest.mark.parametrize("binade", [126, 133, 150, 190, 254])
def test_hyperbolic_tails_are_one_piece(binade):
    """sech over a far stretch overflows as a ball, not by its ends."""
    found = list(pieces(sympy.sech(x) ** 2, x, FLOAT32, binade << 23, (binade + 1) << 23))
    assert len(found) < 120
    assert binade < 140 or [p.kind for p in found] == [Kind.TINY]


@pytest.mark.parametrize("binade", [4, 10, 60])
@pytest.mark.parametrize("name", ["softplus", "mish", "log_sigmoid", "serf"])
def test_saturated_forms_are_seen(name, binade):
    """e^x/(1 + e^x) over [2^10, 2^11], where intervals of e^x are of no use."""
    for order in (0, 1):
        expr = sg.activation(name).derivative(order).expr.subs(X, x)
        for low in (127 + binade << 23, 1 - (128 + binade << 23)):
            found = list(pieces(expr, x, FLOAT32, low, low + (1 << 23)))
            assert len(found) < 200
            assert sum(p.high - p.low for p in found) == 1 << 23
            assert all(p.coefficients or p.kind != Kind.UNDECIDED for p in found)


def test_a_form_that_cannot_be_enclosed_is_left_to_balls(monkeypatch):
    monkeypatch.setattr(blocks, "_MOST", 20)
    low = (127 + 40) << 23
    found = list(pieces(sin(x), x, FLOAT32, low, low + 2**20))
    assert sum(p.high - p.low for p in found) == 2**20
    left = sum(p.high - p.low for p in found if p.kind == Kind.UNDECIDED)
    assert left > 2**19
    t = FLOAT32.at(np.arange(found[0].low, found[0].low + 10)).astype(float)
    assert errors_on(found[0], t, np.zeros(10), FLOAT32)[2].all()


@given(at=st.floats(-30, 30), where=st.floats(-30, 30))
def test_a_leading_exponential_taken_out_changes_nothing(at, where):
    for expr in (*FUNCTIONS.values(), exp(x) / (1 + exp(x)), log(1 + exp(x) + exp(2 * x))):
        one, other = (arb_values(f, [x], [np.array([at])]) for f in (expr, led(expr, x, where)))
        assert not roads._differ(one, other).any()


@given(a=st.floats(-60, 60), width=st.floats(0, 30), share=st.floats(0, 1))
def test_ranges_by_ends_contain_the_values(a, width, share):
    from flint import arb

    from symgrad.rigor import precision, program

    b = a + width
    t = min(max(a + share * width, a), b)
    for expr in (
        *FUNCTIONS.values(),
        2**x,
        sympy.cosh(x) ** -2,
        sympy.sign(x) + sympy.Heaviside(x),
    ):
        with precision(128):
            low, high = program(expr, x).ends(arb(a), arb(b), 128)
        value = arb_values(expr, [x], [np.array([t])])
        if low.is_finite() and high.is_finite() and value.kind[0] <= Kind.FINITE:
            near = float(rounded(value, FLOAT64)[0][0])
            slack = 1e-15 * abs(near) + 1e-300
            assert float(low) - slack <= near <= float(high) + slack


def test_what_no_number_of_bits_shows_is_settled_in_other_words():
    """1 - tanh(e^x)² is about 4·exp(-2e^x): both roads see it, farther than any exponent goes."""
    from sympy import exp, tanh

    f = tanh(exp(X)) + X * exp(X) * (1 - tanh(exp(X)) ** 2)
    at = np.array([8.0, 50.0, 3e4, 1e9, 1e300])
    for values in (arb_values(f, [X], [at]), mp_values(f, [X], [at])):
        assert (values.kind == Kind.FINITE).all()
        assert (rounded(values, FLOAT64)[0] == 1).all()
