"""The ruler itself: it must find what is wrong, and must not find what is right."""

from __future__ import annotations

import dataclasses
import json
import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import sympy
from sympy import Abs, Rational, Symbol, erf, exp, log, sin, sqrt, tanh

import symgrad as sg
from symgrad.activation import Activation
from symgrad.check import Limit, Report, assert_ulp, check, check_all, errors_at
from symgrad.check.exhaustive import run_block
from symgrad.check.measure import subject
from symgrad.errors import InputError
from symgrad.fact import Undecided
from symgrad.oracle import FLOAT16, FLOAT32, DisagreementError, arb_values, nearest, ulps

x = Symbol("x", real=True)
y = Symbol("y", real=True)
SLOPE = exp(-x) / (1 + exp(-x)) ** 2


def slope(v):
    """σ'(v) from exp(-|v|): right to 3 ulp, warns nowhere."""
    e = np.exp(-np.abs(v))
    return e / ((1 + e) * (1 + e))


def both_halves(v):
    """tanh'(v) = 4e/(1 + e)², e = exp(-2|v|), split so that nothing is lost at the lower edge."""
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        h = np.exp(-np.abs(v))
        e = h * h
        return (4 * h / ((1 + e) * (1 + e))) * h


def judge(f, expr=SLOPE, n=3000, **more):
    return check(f, n, expr=expr, args=x, oracle="arb", **more)


# what must be found: the classic failures


def test_one_minus_tanh_squared_saturates():
    report = check(lambda v: 1 - np.tanh(v) ** 2, 4000, expr=1 - tanh(x) ** 2)
    assert report.wrong_zeros.count > 500
    assert report.max_ulp > 1e15
    assert not report.passed(1e6)
    assert errors_at(lambda v: 1 - np.tanh(v) ** 2, [20.0], expr=1 - tanh(x) ** 2)[0] > 1e15
    assert check(both_halves, 4000, expr=1 - tanh(x) ** 2).passed(4)


def test_s_times_one_minus_s_saturates():
    def autodiff(v):
        with np.errstate(over="ignore"):
            s = 1 / (1 + np.exp(-v))
            return s * (1 - s)

    report = judge(autodiff)
    assert report.wrong_zeros.count > 300
    assert autodiff(np.array([37.0]))[0] == 0.0
    assert errors_at(autodiff, [37.0], expr=SLOPE)[0] > 1e15
    assert report.non_finite.count == 0


def test_sympy_lambdify_of_the_sigmoid_slope():
    f = sympy.lambdify(x, (1 / (1 + exp(-x))).diff(x))
    report = judge(f)
    assert report.non_finite.count > 300
    assert any("overflow" in w for w in report.warnings)
    (left, right) = report.limits
    assert math.isnan(left.got)
    assert (left.right, right.right) == (False, True)
    assert len(report.failures(1e300)) >= 4


def test_sympy_lambdify_of_gelu_cancels_and_leaves_float32():
    gelu = (x / 2 * (1 + erf(x / sqrt(2)))).diff(x)
    f = sympy.lambdify(x, gelu, modules=["scipy", "numpy"])
    report = judge(f, gelu, 2000, dtype=np.float32)
    assert report.dtype_kept == np.__version__.startswith("1.")  # NEP 50 came with NumPy 2
    assert report.max_ulp > 1e6


def test_a_square_inside_exp_loses_hundreds_of_ulp():
    report = judge(lambda v: np.exp(-np.square(np.minimum(np.abs(v), 1e10))), exp(-(x**2)))
    assert 100 < report.max_ulp < 2000
    assert 5 < abs(report.worst.at[0]) < 27


def test_a_zero_that_is_approached_naively():
    """x + 1.2784645427610738 has the right zero to 16 digits, and no digit next to it."""
    silu = (x / (1 + exp(-x))).diff(x)

    def naive(v):
        e = np.exp(-np.abs(v))
        s = np.where(v >= 0, 1, e) / (1 + e)
        return s + np.clip(v, -700, 700) * e / (1 + e) ** 2

    report = judge(naive, silu, 2000)
    assert abs(report.worst.at[0] + 1.2784645427610738) < 1e-10 or report.max_ulp > 1e10
    assert errors_at(naive, [math.nextafter(-1.2784645427610738, 0)], expr=silu)[0] > 1e3


# mutants of a right function


MUTANTS = {
    "a coefficient's last digits": lambda v: slope(v) * (1 + 2.0**-49),
    "a threshold moved": lambda v: np.where(np.abs(v) > 30, np.exp(-np.abs(v)), slope(v)),
    "a wrong branch at one float": lambda v: np.where(v == 1.0, slope(v) * 1.1, slope(v)),
    "zero too early": lambda v: np.where(np.abs(v) > 740, 0.0, slope(v)),
    "the wrong side": lambda v: np.where(v < -600, 1.0, slope(v)),
    "a sign": lambda v: np.where(v < 0, -slope(v), slope(v)),
    "nan eaten": lambda v: np.nan_to_num(slope(v)),
    "nan made": lambda v: np.where(np.abs(v) > 1e300, np.nan, slope(v)),
    "the limit": lambda v: np.where(np.isinf(v), 1.0, slope(v)),
    "float32 inside": lambda v: slope(v.astype(np.float32)).astype(v.dtype),
    "subnormals flushed": lambda v: np.where(slope(v) < 2.3e-308, 0.0, slope(v)),
    "always float32": lambda v: slope(v).astype(np.float32),
}


def test_the_right_function_passes():
    report = assert_ulp(slope, 4, 4000, expr=SLOPE, args=x)
    assert report.points >= 4000
    assert report.second_road >= 500
    assert report.failures(4) == ()
    assert report.undecided == report.undefined == 0
    assert 1 < report.max_ulp < 4
    assert 0.4 < report.rounded < 1
    assert report.p999 <= report.max_ulp


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(name):
    report = judge(MUTANTS[name])
    assert not report.passed(4), report
    with pytest.raises(AssertionError, match="points:"):
        assert_ulp(MUTANTS[name], 4, 3000, expr=SLOPE, args=x, oracle="arb")


def test_lost_subnormals_are_wrong_zeros():
    report = judge(MUTANTS["subnormals flushed"])
    assert report.wrong_zeros.count > 10
    assert abs(report.wrong_zeros.first[0]) > 740
    assert judge(slope).wrong_zeros.count == 0


def test_a_warning_is_caught():
    def warns(v):
        np.log(v * 0)
        return slope(v)

    report = judge(warns)
    assert report.warnings[0].startswith("RuntimeWarning: divide by zero")
    assert report.max_ulp < 4
    assert not report.passed(4)


def test_the_sign_of_zero_of_an_odd_function():
    report = judge(lambda v: np.tanh(v), tanh(x))
    assert report.odd
    assert report.zero_signs.count == 0
    lost = judge(lambda v: np.tanh(v) + 0.0, tanh(x))
    assert lost.zero_signs.count == 1
    assert not lost.passed(4)
    # -x^3 underflows to -0.0 on the right, and falls through zero
    with np.errstate(over="ignore"):
        falls = judge(lambda v: -np.float_power(np.clip(v, -1e100, 1e100), 3), -(x**3))
    assert falls.odd
    assert falls.zero_signs.count == 0
    wrong = judge(lambda v: np.abs(np.where(np.abs(v) < 1e-110, 0, v)), x**3)
    assert wrong.zero_signs.count > 10
    assert not judge(slope).odd


def test_an_infinity_for_a_large_number_is_caught():
    assert judge(lambda v: np.where(v > 1e308, np.inf, v), x).non_finite.count > 0
    assert judge(lambda v: v, x).passed(0)
    with np.errstate(over="ignore"):
        assert judge(lambda v: np.exp(np.minimum(v, 800.0)), exp(x), n=1000).non_finite.count == 0


def test_an_infinity_is_wrong_where_the_truth_rounds_to_a_finite():
    """Past the last half unit the infinity is right, though the value is below 2^1024."""
    last = float(np.finfo(float).max)
    for share, right in ((Rational(1, 4), False), (Rational(3, 4), True)):
        truth = Rational(int(last)) + share * 2**971
        report = judge(lambda v: np.full_like(v, np.inf), truth, n=100)
        assert (report.non_finite.count == 0) is right
        assert report.max_ulp == float(1 - share)


def test_an_interrupted_check_gives_what_it_has():
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    report = judge(slope, n=20000, progress=stop)
    assert report.points == 2 * 8192
    assert not report.complete
    assert report.failures(4) == ("the check was interrupted",)


def test_a_constant_may_keep_its_value_at_nan():
    assert judge(lambda v: np.full_like(v, 0.25), Rational(1, 4), n=200).passed(0)
    assert judge(lambda v: 0.25, Rational(1, 4), n=200).dtype_kept is False


def test_undefined_points_are_not_judged_but_counted():
    report = judge(lambda v: np.sqrt(np.maximum(v, 0)), sqrt(x), n=1000)
    assert report.undefined > 400
    assert report.max_ulp <= 0.5
    assert "undefined" in str(report)
    with pytest.raises(InputError, match="nothing to judge"):
        judge(lambda v: v, sqrt(-1 - x**2), n=100)


def test_beyond_a_stated_point_the_error_is_of_the_amplitude():
    @dataclasses.dataclass
    class Oscillating:
        amplitude_beyond: float | None
        expr = sin(x)
        args = (x,)
        switch_points = ()
        zeros = ()

        def __call__(self, v):
            with np.errstate(invalid="ignore"):
                return np.where(np.abs(v) > 10, np.sin(v) + 2.0**-53, np.sin(v))

    free, bound = (check(Oscillating(b), 4000, oracle="arb") for b in (10.0, None))
    assert free.max_ulp < 3 < 1000 < bound.max_ulp
    assert free.passed(4)
    assert "amplitude" in str(free)
    assert math.isnan(free.limits[0].expected)


# kernels of this library, several arguments, other formats


def test_kernels_carry_their_own_definition():
    g = Activation.from_expr("mine", x / (1 + Abs(x)), x)
    report = check(sg.lambdify(x, g.d(1)), 3000)
    assert report.passed(4)
    assert report.expr == g.d(1)(x)
    assert report.name == "mine'(x)"


def test_two_arguments():
    expr = y * SLOPE.subs(x, x * y)
    good = check(lambda a, b: b * slope(a * b), 600, expr=expr, args=(x, y))
    assert good.points > 500
    assert good.limits == ()
    assert good.wrong_zeros.count == 0 or good.max_ulp > 1
    bad = check(lambda a, b: b * slope(a * b) * (1 + 1e-6 * (b > 0)), 600, expr=expr, args=(x, y))
    assert bad.p999 > 1e6


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_narrow_formats_through_float64_are_nearly_rounded(dtype):
    kernel = lambda v: slope(v.astype(np.float64)).astype(v.dtype)
    report = check(kernel, 3000, expr=SLOPE, args=x, dtype=dtype)
    assert report.passed(0.51)
    assert report.dtype == dtype


def test_the_roads_are_named_and_judge_alike():
    reports = [
        check(slope, 300, expr=SLOPE, args=x, oracle=road, second=None)
        for road in ("arb", "mpmath", "both")
    ]
    first, *others = reports
    for report in others:
        assert report.max_ulp == pytest.approx(first.max_ulp, rel=1e-9)
        assert abs(report.worst.at[0]) == pytest.approx(abs(first.worst.at[0]))
    assert [r.second_road for r in reports] == [0, first.points, first.points]


def test_disagreement_stops_a_check(monkeypatch):
    from symgrad.oracle import roads

    broken = lambda expr, *rest: arb_values(expr + Rational(1, 10**6), *rest)
    monkeypatch.setattr(roads, "mp_values", broken)
    with pytest.raises(DisagreementError):
        check(slope, 100, expr=SLOPE, args=x)


def test_correct_rounding_is_never_more_than_half():
    def best(v):
        with np.errstate(invalid="ignore"):
            inner = np.where(np.isfinite(v), v, 0.0)
        result = nearest(SLOPE, [x], [inner.astype(np.float64)])[0]
        return np.where(np.isnan(v), v, np.where(np.isinf(v), 0.0, result)).astype(v.dtype)

    report = judge(best, n=500)
    assert report.max_ulp <= 0.5
    assert report.rounded == 1


# the report


def test_a_report_is_a_measurement_that_round_trips():
    report = judge(slope, n=500)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.max_ulp = 0.0
    assert isinstance(report.verdict, Undecided)
    assert "measured" in report.verdict.why
    assert report.evidence.points == report.points
    assert report.fact.statement.rhs == sympy.Float(report.max_ulp)
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
    broken = judge(MUTANTS["nan made"], n=500)
    assert broken.max_ulp == math.inf
    again = Report.from_json(json.loads(json.dumps(broken.to_json())))
    assert again.to_json() == broken.to_json()  # a nan is not equal to itself
    assert broken.fact.statement.rhs == sympy.oo
    with pytest.raises(InputError, match="report"):
        Report.from_json({"tuple": []})


def test_a_report_prints_in_80_columns_and_in_html():
    text = str(judge(MUTANTS["zero too early"], n=500))
    assert max(map(len, text.splitlines())) <= 80
    assert "wrong zeros" in text
    assert "Broken at 4 ulp" in text
    assert "NumPy" in text
    assert "<table" in judge(slope, n=200)._repr_html_()


def test_a_report_without_points_cannot_be():
    report = judge(slope, n=200)
    with pytest.raises(InputError, match="judged point"):
        dataclasses.replace(report, points=0)
    for n in (0, -5):
        with pytest.raises(InputError, match="at least one point"):
            judge(slope, n=n)


def test_the_same_seed_gives_the_same_report():
    assert judge(slope, n=500, seed=4) == judge(slope, n=500, seed=4)
    assert judge(slope, n=500, seed=4).rounded != judge(slope, n=500, seed=5).rounded


def test_limits_are_right_to_4_ulp_or_not_judged():
    assert Limit(math.inf, 1.0, 1.0).right
    assert not Limit(math.inf, 1.0, 1.1, 5.0).right
    assert Limit(math.inf, None, 7.0).right is None
    report = judge(lambda v: np.log1p(np.exp(-np.abs(v))) + np.maximum(v, 0), log(1 + exp(x)))
    assert [end.expected for end in report.limits] == [0, math.inf]


def test_what_a_check_refuses():
    with pytest.raises(InputError, match="defining expression"):
        check(np.tanh)
    with pytest.raises(InputError, match="no arguments: \\['y'\\]"):
        check(np.tanh, expr=tanh(x) * y, args=x)
    with pytest.raises(InputError, match="called with"):
        check(3.0, expr=tanh(x))
    with pytest.raises(InputError, match="one expression"):
        check(np.tanh, expr=[tanh(x)], args=x)
    with pytest.raises(InputError, match="one real number per point"):
        check(lambda v: v[:3], 100, expr=x, args=x)
    with pytest.raises(InputError, match="complex"):
        check(lambda v: v + 1j, 100, expr=x, args=x)
    with pytest.raises(InputError, match="int8"):
        check(np.tanh, 100, expr=tanh(x), dtype=np.int8)


# executors and progress


def test_executors_give_the_same_report():
    kernel = sg.lambdify(x, SLOPE)
    alone = check(kernel, 20000, oracle="arb")
    calls = []
    with ThreadPoolExecutor(2) as pool:
        threads = check(
            kernel, 20000, oracle="arb", executor=pool, progress=lambda *c: calls.append(c)
        )
    assert threads == alone
    assert calls == [(k, 3) for k in (1, 2, 3)]
    with ProcessPoolExecutor(1) as pool:
        assert check(kernel, 20000, oracle="arb", executor=pool) == alone


@pytest.mark.numeric
def test_dask_is_an_executor():
    distributed = pytest.importorskip("distributed", reason="the numeric group has distributed")
    kernel = sg.lambdify(x, SLOPE)
    with distributed.Client(n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        pool = client.get_executor()
        assert check_all(kernel, "float16", executor=pool) == check_all(kernel, "float16")
        assert check(kernel, 3000, executor=pool) == check(kernel, 3000)


# every number of a format


def test_every_float16():
    report = check_all(lambda v: slope(v.astype(np.float64)).astype(v.dtype), "float16", expr=SLOPE)
    assert report.exhaustive
    assert report.points == 2 * 31 * 1024
    assert report.max_ulp <= 0.5
    assert report.passed(0.5)
    direct = check_all(slope, "float16", expr=SLOPE)
    at = FLOAT16.at(np.arange(-31743, 31744)).astype(float)
    got = slope(at.astype(np.float16)).astype(float)
    errors = ulps(got, arb_values(SLOPE, [x], [at], FLOAT16), FLOAT16)
    assert direct.max_ulp == errors.max()
    assert direct.p999 == pytest.approx(np.quantile(errors, 0.999), abs=1 / 32)
    assert direct.points == len(errors) + 1  # both zeros


def test_one_wrong_bfloat16_is_found():
    planted = lambda v: np.where(v == np.float32(-3.140625), 0.5, slope(v)).astype(np.float32)
    report = check_all(planted, "bfloat16", expr=SLOPE)
    assert report.worst.at == (-3.140625,)
    assert report.max_ulp > 100
    assert check_all(slope, "bfloat16", expr=SLOPE).passed(1)


def test_one_wrong_float32_of_a_binade_is_found():
    block = (127 << 23, 128 << 23)  # [1, 2)
    place = 127 * 2**23 + 3141592
    at = float(FLOAT32.at(place))

    def planted(v):
        right = slope(v.astype(np.float64)).astype(np.float32)
        return np.where(v == np.float32(at), np.nextafter(right, np.float32(1)), right)

    part = run_block(subject(planted, SLOPE, x), FLOAT32, block, False)
    assert part.points == 2**23
    assert part.worst.at == (at,)
    assert 0.5 < part.worst.ulp <= 1.5
    assert part.rounded == pytest.approx(part.points, rel=1e-5)


def test_a_wrong_float32_beside_a_zero_is_found():
    """Next to the zero balls decide, and the rest of the stretch is still judged."""
    expr = x**2 - 2
    root = int(FLOAT32.ordinal(math.sqrt(2)))
    at = np.float32(FLOAT32.at(root + 6000))

    def planted(v):
        right = v.astype(np.float64) ** 2 - 2
        return np.where(v == at, right * (1 + 1e-6), right).astype(np.float32)

    part = run_block(subject(planted, expr, x), FLOAT32, (root - 8000, root + 8000), False)
    assert part.points == 16000
    assert part.worst.at == (float(at),)
    assert 5 < part.worst.ulp < 30


@pytest.mark.parametrize("binade", [0, 133, 254])
def test_float32_blocks_agree_with_balls(binade):
    block = (1 - ((binade + 1) << 23), 1 - max(1, binade << 23))
    what = subject(both_halves, 1 - tanh(x) ** 2, x)
    small = (block[0], block[0] + 3000)
    part = run_block(what, FLOAT32, small, False)
    t = FLOAT32.at(np.arange(*small)).astype(float)
    got, _, _ = what.run([t], FLOAT32)
    errors = ulps(got, arb_values(what.expr, [x], [t], FLOAT32), FLOAT32)
    assert part.points == 3000
    assert part.worst.ulp == pytest.approx(errors.max(), abs=2.0**-11)


def test_interrupted_and_resumed(tmp_path):
    state = tmp_path / "sweep.json"
    kernel = sg.lambdify(x, SLOPE)

    def stop(done, total):
        if done == 5:
            raise KeyboardInterrupt

    part = check_all(kernel, "float16", progress=stop, state=state)
    assert not part.complete
    assert not part.passed(4)
    assert 0 < part.points < 63488
    assert len(json.loads(state.read_text())["blocks"]) == 5
    calls = []
    whole = check_all(kernel, "float16", progress=lambda *c: calls.append(c), state=state)
    assert calls[0][0] == 6
    assert whole.complete
    assert whole == check_all(kernel, "float16")
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.json"]
    with pytest.raises(InputError, match="another kernel"):
        check_all(np.tanh, "float16", expr=tanh(x), state=state)
    state.write_text('{"check": 1')
    with pytest.raises(InputError, match="no state file"):
        check_all(kernel, "float16", state=state)


def test_sweeps_run_on_an_executor():
    kernel = sg.lambdify(x, SLOPE)
    with ThreadPoolExecutor(2) as pool:
        assert check_all(kernel, "float16", executor=pool) == check_all(kernel, "float16")


def test_what_a_sweep_refuses():
    with pytest.raises(InputError, match=r"2\^64"):
        check_all(np.tanh, "float64", expr=tanh(x))
    with pytest.raises(InputError, match="not of 2"):
        check_all(np.hypot, expr=sqrt(x**2 + y**2), args=(x, y))


def test_an_interrupt_before_anything_is_an_error():
    def stop(v):
        raise KeyboardInterrupt

    with pytest.raises(InputError, match="interrupted"):
        check_all(stop, "float16", expr=x)


# the whole line, for the patient


@pytest.mark.numeric
@pytest.mark.parametrize(
    "expr",
    [
        SLOPE,
        1 - tanh(x) ** 2,
        (x / (1 + exp(-x))).diff(x),
        (x / 2 * (1 + erf(x / sqrt(2)))).diff(x),
    ],
    ids=["sigmoid", "tanh", "silu", "gelu"],
)
def test_every_float32(expr, tmp_path):
    kernel = sg.lambdify(x, expr)
    with ProcessPoolExecutor() as pool:
        report = check_all(kernel, "float32", executor=pool, state=tmp_path / "state.json")
    assert report.points == 2**32 - 2**25 + 2
    assert report.passed(2), report


@pytest.mark.numeric
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "gelu", "silu", "mish", "softsign"])
def test_both_roads_at_every_point(name):
    kernel = sg.lambdify(x, sg.activation(name).d(1))
    report = check(kernel, 20000, oracle="both", second=None)
    assert report.second_road == report.points


def test_points_reach_what_the_kernel_names():
    """A kernel's own thresholds are visited float by float."""
    seen = []

    @dataclasses.dataclass
    class Spy:
        expr = SLOPE
        args = (x,)
        switch_points = (12.375,)
        zeros = (-7.0625,)

        def __call__(self, v):
            seen.append(v)
            return slope(v)

    check(Spy(), 500, oracle="arb")
    visited = set(np.concatenate(seen).tolist())
    for centre in (12.375, -7.0625):
        assert {
            math.nextafter(centre, -math.inf),
            centre,
            math.nextafter(centre, math.inf),
        } <= visited
