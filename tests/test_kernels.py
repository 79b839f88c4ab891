"""Kernels against the oracle: the catalogue, functions outside it, classic failures, mutations."""

from __future__ import annotations

import math
import pickle
import re
import subprocess
import sys
import warnings

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Abs, Max, Rational, S, Symbol, atan, cosh, erf, exp, log, sin, sqrt, symbols, tanh

import symgrad
from symgrad.activation import X as x
from symgrad.catalogue import activation, activations
from symgrad.check import check
from symgrad.errors import InputError, UnsupportedError
from symgrad.kernels import Kernel, lambdify
from symgrad.kernels.emit import build

LIMIT = 4.0

USER = {
    "x tanh x": x * tanh(x),
    "sin x exp(-x^2)": sin(x) * exp(-(x**2)),
    "exp(-x^4)": exp(-(x**4)),
    "log(1 + exp 2x)/2": log(1 + exp(2 * x)) / 2,
    "1/(1 + x^4)": 1 / (1 + x**4),
    "x/(1 + x^2)": x / (1 + x**2),
    "atan^2": atan(x) ** 2,
    "tanh x / x": tanh(x) / x,
    "(exp x - 1)/x": (exp(x) - 1) / x,
    "exp x - 1 - x": exp(x) - 1 - x,
    "log cosh": log(cosh(x)),
    "x erf x": x * erf(x),
    "sqrt(1 + x^2) - 1": sqrt(1 + x**2) - 1,
    "x exp x": x * exp(x),
    "max(x, 0)^2": Max(x, 0) ** 2,
    "logistic 3/7": 1 / (1 + exp(-Rational(3, 7) * x)),
    "tanh 10x": tanh(10 * x),
    "exp(-|x|)": exp(-Abs(x)),
    "log(1 + x^2)": log(1 + x**2),
    "tanh^3": tanh(x) ** 3,
    "Hermite": exp(-(x**2) / 2) * (x**3 - 3 * x),
}


def bound(g):
    return g.bind(**{s.name: Rational(5, 4) for s in g.free_symbols}) if g.free_symbols else g


CASES = [(bound(g), n) for g in activations() for n in (0, 1, 2)]


def ident(case):
    return f"{case[0].name}.d{case[1]}"


def judged(kernel, points, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle's own arithmetic at the ends of the range
        return check(kernel, points, oracle="arb", **options)


def in_float32(kernel):
    """Rounded once from float64, but for arithmetic and single functions in float32 itself."""
    return 3.2 if "own=True" in kernel.source else 0.52


@pytest.mark.parametrize("case", CASES[::11], ids=ident)
def test_catalogue(case):
    g, n = case
    kernel = lambdify(x, g.d(n)(x))
    assert judged(kernel, 150).failures(LIMIT) == ()
    assert judged(kernel, 150, dtype=np.float32).failures(in_float32(kernel)) == ()


@pytest.mark.numeric
@pytest.mark.parametrize("case", CASES, ids=ident)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_catalogue_everywhere(case, dtype):
    g, n = case
    kernel = lambdify(x, g.d(n)(x))
    limit = LIMIT if dtype is np.float64 else in_float32(kernel)
    assert judged(kernel, 20000, dtype=dtype).failures(limit) == ()


@pytest.mark.parametrize("name", list(USER)[::3])
def test_functions_outside_the_catalogue(name):
    assert judged(lambdify(x, USER[name]), 150).failures(LIMIT) == ()


@pytest.mark.numeric
@pytest.mark.parametrize("name", USER)
def test_functions_outside_the_catalogue_everywhere(name):
    assert judged(lambdify(x, USER[name]), 5000).failures(LIMIT) == ()


def test_classic_failures():
    tanh1, sigmoid1 = lambdify(x, 1 - tanh(x) ** 2), lambdify(x, activation("sigmoid").d(1)(x))
    # 4e^{-2x} - 8e^{-4x} + ..., e^{-x} - 2e^{-2x} + ...: the next are below 1e-17
    assert tanh1(20.0) == pytest.approx(4 * math.exp(-40) * (1 - 2 * math.exp(-40)), rel=4e-16)
    assert sigmoid1(37.0) == pytest.approx(math.exp(-37) * (1 - 2 * math.exp(-37)), rel=4e-16)
    naive = sympy.lambdify(x, 1 - sympy.tanh(x) ** 2, "numpy")
    assert naive(20.0) == 0.0


@pytest.fixture(scope="module")
def silu1():
    return lambdify(x, activation("silu").d(1)(x))


def mutated(kernel, source):
    return build(source, "mutant")["kernel"]


def fails(kernel, source):
    report = judged(mutated(kernel, source), 400, expr=kernel.expr, args=x)
    return report.failures(LIMIT) != ()


def test_the_kernel_itself_passes(silu1):
    assert not fails(silu1, silu1.source)


@pytest.mark.parametrize("power", [0, 1])
def test_a_coefficient_changed_in_its_last_digits_is_caught(silu1, power):
    row = silu1.source.index(f"# t**{power}", silu1.source.index("_f1_1_rows = np.array"))
    first = re.compile(r"-?\d\.\d{9,}").search(silu1.source, row)
    assert first is not None
    share = 2**-48 if power == 0 else 2**-40  # 16 ulp of the result, or more, in the first cell
    changed = repr(float(first[0]) * (1 + share))
    assert changed != first[0]
    assert fails(silu1, silu1.source[: first.start()] + changed + silu1.source[first.end() :])


def test_a_threshold_moved_is_caught(silu1):
    edge = silu1.switch_points[0]  # beyond it the result is zero
    moved = silu1.source.replace(f"{edge!r}, 0.0)", f"{edge + 20!r}, 0.0)")
    moved = moved.replace(f"{edge!r}, -0.0)", f"{edge + 20!r}, -0.0)")
    assert moved != silu1.source
    order = re.compile(r"(        Regime\(-inf, .*\n)")
    zero_first = order.sub("", moved).replace("regimes=(\n", "regimes=(\n" + order.search(moved)[0])
    assert fails(silu1, zero_first)


def test_a_branch_swapped_is_caught():
    kernel = lambdify(x, activation("leaky_relu").d(1)(x))
    line = next(t for t in kernel.source.splitlines() if "return select(x == x" in t)
    swapped = line.replace("x <", "x >")
    assert swapped != line
    assert fails(kernel, kernel.source.replace(line, swapped))


@pytest.mark.parametrize(
    ("name", "order", "threshold"),
    [
        # |f| = 2^-1075, half the least float; the corrections are below 1e-300
        ("sigmoid", 1, 1075 * math.log(2)),
        ("tanh", 1, (1075 * math.log(2) + math.log(4)) / 2),
        ("gaussian", 0, math.sqrt(1075 * math.log(2))),
    ],
)
def test_thresholds_derived_again(name, order, threshold):
    kernel = lambdify(x, activation(name).d(order)(x))
    last = kernel.switch_points[-1]
    assert last == pytest.approx(threshold, rel=4e-16)
    assert kernel(last * (1 - 1e-14)) > 0 == kernel(np.nextafter(last, np.inf))


def test_zeros_are_found_and_kept():
    kernel = lambdify(x, activation("gelu").d(2)(x))
    assert kernel.zeros == pytest.approx((-math.sqrt(2), math.sqrt(2)), abs=0, rel=2e-16)
    near = np.nextafter(math.sqrt(2), [0, 2])
    assert kernel(near[0]) > 0 > kernel(near[1])


def test_oscillation_states_its_range():
    snake1 = lambdify(x, activation("snake").d(1)(x))
    assert snake1.amplitude_beyond >= 30
    assert lambdify(x, activation("sine")(x)).amplitude_beyond is None
    with np.errstate(all="raise"):
        assert np.isnan(lambdify(x, activation("sine")(x))(np.inf))


class TestCallingConvention:
    f = staticmethod(lambdify(x, activation("sigmoid").d(1)(x)))

    def test_scalars_lists_and_integers(self):
        assert self.f(0) == self.f(0.0) == 0.25
        assert self.f(0).dtype == self.f([0, 1]).dtype == np.float64
        assert np.ndim(self.f(1.0)) == 0

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_dtype_is_kept(self, dtype):
        values = self.f(np.linspace(-3, 3, 7, dtype=dtype))
        assert values.dtype == dtype

    def test_shapes_and_strides(self):
        a = np.linspace(-9, 9, 24000).reshape(40, 600)
        flat = self.f(a.ravel()).reshape(a.shape)
        assert np.array_equal(self.f(a), flat)
        assert np.array_equal(self.f(a[::3, ::-7]), flat[::3, ::-7])
        assert np.array_equal(self.f(a.T), flat.T)
        assert self.f(np.empty((0, 3))).shape == (0, 3)

    def test_regimes_mixed_over_many_blocks(self, silu1):
        draw = np.random.default_rng(2)
        a = draw.permutation(np.concatenate([draw.uniform(-900, 900, 40000), [np.nan] * 9]))
        some = slice(None, None, 97)
        for points in (a, a.astype(np.float32)):
            alone = [silu1(v) for v in points[some]]
            assert np.array_equal(silu1(points)[some], alone, equal_nan=True)

    def test_byte_order_is_that_of_the_machine(self):
        a = np.linspace(-9, 9, 101)
        got = self.f(a.astype(a.dtype.newbyteorder("S")))
        assert got.dtype.isnative
        assert np.array_equal(got, self.f(a))

    def test_out(self):
        a = np.linspace(-9, 9, 101)
        expected = self.f(a)
        out = np.empty_like(a)
        assert self.f(a, out=out) is out
        assert np.array_equal(out, expected)
        self.f(a, out=a)
        assert np.array_equal(a, expected)
        with pytest.raises(ValueError, match="shape"):
            self.f(a, out=np.empty(3))

    def test_what_is_masked_stays_masked(self):
        a = np.ma.array([0.0, 20.0, 40.0], mask=[False, True, False])
        got = self.f(a)
        assert isinstance(got, np.ma.MaskedArray)
        assert got.mask.tolist() == [False, True, False]
        assert got.compressed().tolist() == self.f([0.0, 40.0]).tolist()
        u, v = symbols("u v", real=True)
        both = lambdify((u, v), tanh(u) * exp(v))(a, np.ma.array([[1.0], [2.0]], mask=[[1], [0]]))
        assert both.mask.tolist() == [[True, True, True], [False, True, False]]
        assert both[1, 2] == pytest.approx(math.exp(2), rel=1e-15)

    def test_complex_is_refused(self):
        with pytest.raises(TypeError, match="complex"):
            self.f(1j)

    def test_no_warning_and_right_limits(self):
        with np.errstate(all="raise"):
            values = self.f([np.inf, -np.inf, np.nan, 5e-324, -1.7e308, -745.0])
        assert values[0] == values[1] == 0
        assert np.isnan(values[2])
        assert values[3:5].tolist() == [0.25, 0]
        assert 0 < values[5] < 1e-322

    def test_wrong_number_of_arguments(self):
        with pytest.raises(TypeError, match="takes 1"):
            self.f(1.0, 2.0)


@pytest.mark.parametrize("name", ["relu6", "hard_tanh", "leaky_relu", "threshold"])
def test_every_float16_of_lines_in_the_type_of_x(name):
    kernel = lambdify(x, activation(name)(x))
    assert "own=True" in kernel.source
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    wide = kernel(every.astype(np.float64)).astype(np.float16)
    assert np.array_equal(kernel(every), wide, equal_nan=True)


def test_signed_zero_of_odd_functions():
    for g in ("tanh", "arctan", "softsign", "tanhshrink", "erf"):
        values = lambdify(x, activation(g)(x))(np.array([0.0, -0.0]))
        assert values.tolist() == [0, 0]
        assert np.signbit(values).tolist() == [False, True]


def test_pickle_repr_and_lazy_face():
    kernel = lambdify(x, activation("softplus")(x))
    again = pickle.loads(pickle.dumps(kernel))
    points = np.linspace(-50, 50, 999)
    assert isinstance(again, Kernel)
    assert np.array_equal(again(points), kernel(points))
    assert repr(kernel) == "<Kernel (x) -> softplus(x)>"
    assert symgrad.lambdify is lambdify


def test_export_needs_numpy_alone_and_is_reproducible(tmp_path, silu1):
    kernel = silu1
    first = kernel.export(tmp_path / "one.py").read_bytes()
    assert kernel.export(tmp_path / "two.py").read_bytes() == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.py", "two.py"]
    code = (
        "import sys; sys.path.insert(0, ''); import one;"
        "print(repr(float(one.kernel(-800.0)))); print(one.__doc__);"
        "sys.exit(any(m in sys.modules for m in ('sympy', 'symgrad', 'flint', 'mpmath')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == repr(float(kernel(-800.0)))
    assert "Measured at" in run.stdout


def test_every_regime_says_why(silu1):
    source = silu1.source
    plan = source[source.index("_f1_plan = Plan(") :]
    assert plan.count("Regime(") >= 5
    assert len(re.findall(r"^# .* <= x < .*: .{20}", source, re.MULTILINE)) == plan.count("Regime(")


def test_several_arguments():
    y, w = symbols("y w", real=True)
    s, t = activation("sigmoid"), activation("tanh")
    expr = w * s.d(1)(x * y) * t(x) + y**2 - 1
    kernel = lambdify((x, y, w), expr)
    reference = sympy.lambdify((x, y, w), expr.doit(), "mpmath")
    points = np.random.default_rng(1).normal(size=(3, 50))
    for p, got in zip(points.T, kernel(*points), strict=True):
        assert got == pytest.approx(float(reference(*map(float, p))), rel=1e-14, abs=1e-15)
    assert kernel(np.ones((3, 1)), np.arange(2.0), 1.0).shape == (3, 2)
    assert kernel(np.float32(1), np.float32(2), np.float32(3)).dtype == np.float32
    both = lambdify([x, y], [s(x), s(y)])
    assert [float(v) for v in both(0, 0)] == [0.5, 0.5]


def test_products_leave_the_range_in_their_last_step_alone():
    u, v, w = symbols("u v w", real=True)
    s = activation("sigmoid").d(1)
    kernel = lambdify((u, v, w), w**2 * s(u) * s(v))
    # s'(u) = e^-u (1 - 2 e^-u + ...): w^2 alone overflows, s'(u) s'(v) alone underflows
    expected = math.exp(2 * math.log(1e160) - 500 - 500)
    assert kernel(500.0, 500.0, 1e160) == pytest.approx(expected, rel=1e-13)
    assert kernel(np.full(20000, 500.0), 500.0, 1e160)[-1] == kernel(500.0, 500.0, 1e160)


def test_conditions_in_several_arguments():
    u, v = symbols("u v", real=True)
    expr = sympy.Piecewise(
        (tanh(u) * v, (u > v) & (v > 0)), (u * v, sympy.Or(u < -1, ~(v < -1))), (7, True)
    )
    kernel = lambdify((u, v), expr)
    points = np.random.default_rng(3).normal(size=(2, 60)) * 2
    expected = [float(expr.subs({u: Rational(a), v: Rational(b)})) for a, b in points.T]
    assert kernel(*points) == pytest.approx(expected, rel=1e-15)
    assert len({*np.sign(np.subtract(*points))}) == 2
    assert np.isnan(kernel(np.nan, 1.0))


def test_free_symbols_and_names_are_refused():
    a = Symbol("a")
    with pytest.raises(InputError, match="a are not arguments"):
        lambdify(x, a * x)
    with pytest.raises(InputError, match="identifier"):
        lambdify(Symbol("import os"), S.One)
    with pytest.raises(InputError, match="symbols"):
        lambdify(x + 1, x)
    with pytest.raises(InputError, match="one name"):
        lambdify([x, Symbol("x")], x)


def test_names_that_the_module_has_are_arguments_all_the_same():
    for name in ("np", "kernel", "out", "inf", "_f1", "evaluate", "abs"):
        v = Symbol(name, real=True)
        assert lambdify([v, x], v + tanh(x))(2.0, 0.0) == 2.0


def test_what_has_no_accurate_method_is_refused():
    with pytest.raises(UnsupportedError):
        lambdify(x, (1 + x**2) ** Rational(1, 3) - sympy.cbrt(x**2))


LOG_NAMES = ("sigmoid", "silu", "softsign", "tanhshrink", "hard_swish", "snake", "sinc")


def log_of_slope(g):
    return lambdify(x, log(Abs(g.d(1)(x))))


@pytest.mark.parametrize("name", LOG_NAMES)
def test_logarithms_of_derivatives(name):
    kernel = log_of_slope(activation(name))
    assert judged(kernel, 150).failures(LIMIT) == ()


@pytest.mark.numeric
@pytest.mark.parametrize("case", CASES[1::3], ids=ident)
def test_logarithms_of_every_derivative(case):
    assert judged(log_of_slope(case[0]), 2000).failures(LIMIT) == ()


def test_logarithms_of_waves():
    # 1 + sin 2x = (sin x + cos x)^2: about r = 3 pi/4 + k pi it is 2 (x - r)^2
    slope = log_of_slope(activation("snake"))
    assert slope.amplitude_beyond > 1e300
    for k in (0, 1, 1000, 10**6):
        with mpmath.workdps(60):
            x0 = float((k + mpmath.mpf(3) / 4) * mpmath.pi)
            true = mpmath.log(1 + mpmath.sin(2 * mpmath.mpf(x0)))
            assert abs(float(slope(x0)) - true) < 2 * math.ulp(float(true))
    assert log_of_slope(activation("sinc")).amplitude_beyond == 30.0


def test_float32_keeps_zeros_and_kinks():
    double = np.float32(3 * math.pi / 4)  # the double zero of 1 + sin 2x is no float
    with mpmath.workdps(60):
        true = float(1 + mpmath.sin(2 * mpmath.mpf(float(double))))
    assert lambdify(x, activation("snake").d(1)(x))(double) == np.float32(true)
    third = sympy.Piecewise((0, x <= Rational(1, 3)), (1, True))
    low = np.float32(1 / 3)  # above 1/3 in float32
    assert lambdify(x, third)(np.array([np.nextafter(low, np.float32(0)), low])).tolist() == [0, 1]
    at_kink = lambdify(x, activation("relu").d(1)(x))(np.array([-1e-45, 0, 1e-45], np.float32))
    assert at_kink.tolist() == [0, 0, 1]


def test_logarithms_where_the_derivative_itself_underflows():
    # sigma'(x) = e^-x / (1 + e^-x)^2, GELU'(-y) ~ -y e^{-y^2/2} / sqrt(2 pi) (1 - 1/y^2 + 5/y^4)
    assert log_of_slope(activation("sigmoid"))(800.0) == -800.0
    y = 1000.0
    expected = -(y**2) / 2 + math.log(y) - math.log(2 * math.pi) / 2 - y**-2
    assert log_of_slope(activation("gelu"))(-y) == pytest.approx(expected, rel=4e-16)
    slope = log_of_slope(activation("gaussian"))  # -x^2 + log(2 x), finite up to 1.34e154
    assert slope(1.3e154) == -(1.3e154**2)
    assert slope(1.3e155) == slope(math.inf) == -math.inf


@pytest.mark.parametrize(
    "expr",
    [
        sympy.cbrt(1 + x**2), Abs(x) ** Rational(2, 3), sympy.cos(x) / (1 + x**2),
        x**2 * log(1 + exp(x)),
    ],
    ids=str,
)  # fmt: skip
def test_tails_with_broken_powers_waves_and_logarithms(expr):
    assert judged(lambdify(x, expr), 150).failures(LIMIT) == ()


@pytest.mark.parametrize(
    ("expr", "zeros"),
    [
        (-2 * x**3 * sympy.exp(-(x**2)) + 2 * x * sympy.exp(-(x**2)), (-1.0, 0.0, 1.0)),
        ((1 - x**2) * sympy.exp(-(x**2) / 2), (-1.0, 1.0)),
        (sympy.tanh(x) * (4 * x - 3), (0.0, 0.75)),
    ],
)
def test_a_zero_that_is_a_float_gives_zero(expr, zeros):
    f = lambdify(x, expr)
    at = np.array(zeros)
    assert (f(at) == 0).all()
    near = np.concatenate([np.nextafter(at, 9), np.nextafter(at, -9)])
    assert (f(near) != 0).all()
