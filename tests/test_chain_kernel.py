"""The function of a batch against balls, mpmath, and itself in other shapes."""

from __future__ import annotations

import subprocess
import sys

import mpmath
import numpy as np
import pytest
from sympy import Rational, Symbol, exp, lambdify

from symgrad.activation import Activation
from symgrad.catalogue import activation, activations
from symgrad.chain import Chain, Layer
from symgrad.chain.kernel import KERNEL_ULPS
from symgrad.chain.pairs import pair_source
from symgrad.errors import InputError
from symgrad.loss import losses
from symgrad.oracle import FLOAT32, FLOAT64, mp_values, ulps

T = Symbol("t", real=True)
NAMES = ("sigmoid", "tanh", "sigmoid", "relu", "tanh")
G = {n: activation(n) for n in (*NAMES, "gelu", "identity")}


def mixed(skips: tuple[int, ...] = ()) -> Chain:
    return Chain([
        Layer(G[n], bias=False if l == 2 else None, skip=l in skips) for l, n in enumerate(NAMES, 1)
    ])  # fmt: skip


def drawn(depth: int, n: int, seed: int = 0) -> tuple:
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=n),
        rng.normal(size=n),
        rng.normal(size=(depth, n)) * 2,
        rng.normal(size=(depth, n)),
    )


@pytest.fixture(scope="module", params=[(), (2, 5)], ids=["plain", "skips"])
def pair(request):
    net = mixed(request.param)
    return net, net.lambdify()


def test_every_gradient_against_balls(pair):
    net, f = pair
    x, y, w, b = drawn(5, 12)
    b[1] = 0
    found = f(x=x, y=y, w=w, b=b)
    for k in range(x.size):
        at = {"x": x[k], "y": y[k], "w": list(w[:, k])}
        at |= {f"b__{l}": b[l - 1, k] for l in (1, 3, 4, 5)}
        true = {n: float(v) for n, v in net.program.evaluate(net.point(at)).items()}
        scale = 60 * 2.0**-53 * max(1, abs(float(y[k])))
        assert found.cost[k] == pytest.approx(true["C"], rel=scale, abs=1e-15)
        assert found.x[k] == pytest.approx(true["x"], rel=1e-12, abs=1e-15)
        for l in range(1, 6):
            assert found.w[l - 1, k] == pytest.approx(true[f"w__{l}"], rel=1e-12, abs=1e-15)
            assert found.delta[l - 1, k] == pytest.approx(true[f"delta__{l}"], rel=1e-12, abs=1e-15)


def test_shapes_scalars_blocks_and_sums_agree(pair):
    _, f = pair
    n = 20_001  # more than one block, and a last one that is not full
    x, y, w, b = drawn(5, n, 3)
    b[1] = 0
    whole = f(x=x, y=y, w=w, b=b)
    k = n - 1
    one = f(x=x[k], y=y[k], w=w[:, k], b=b[:, k])
    assert one.delta.shape == (5,)
    assert np.array_equal(one.delta, whole.delta[:, k])
    summed = f(x=x, y=y, w=w, b=b, total=True)
    assert summed.w.shape == (5,)
    assert np.allclose(summed.w, whole.w.sum(axis=1), rtol=1e-9, atol=1e-9)
    grid = f(x=x[:20_000].reshape(100, 200), y=0.5, w=w[:, 0], b=b[:, 0])
    assert grid.w.shape == (5, 100, 200)
    flat = f(x=x[:20_000], y=0.5, w=w[:, 0], b=b[:, 0])
    assert np.array_equal(grid.w.reshape(5, -1), flat.w)


def test_out_is_filled_and_nothing_of_the_batch_size_is_made():
    import tracemalloc

    f = Chain(G["sigmoid"], depth=8, bias=False).lambdify()
    n = 100_000
    x, y, w, _ = drawn(8, n)
    weights = [float(v) for v in w[:, 0]]
    out = f(x=x, y=y, w=weights)
    first = out.w.copy()
    out.w[...] = 0
    tracemalloc.start()
    again = f(x=x, y=y, w=weights, out=out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert again.w is out.w
    assert np.array_equal(first, out.w)
    assert peak < 8 * n * 8 / 2  # less than half an array of one number per layer and sample
    with pytest.raises(InputError, match="contiguous"):
        f(x=x[1:], y=y[1:], w=weights, out=out)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu", "relu"])
def test_float32_runs_in_float32_and_keeps_its_digits(name):
    f = Chain(G[name], depth=3, bias=False).lambdify()
    x = np.linspace(-2, 2, 51, dtype=np.float32)
    w = [np.float32(0.7), np.float32(-1.3), np.float32(2.1)]
    small, wide = f(x=x, y=np.float32(0.5), w=w), f(x=x.astype(np.float64), y=0.5, w=w)
    for part in ("cost", "x", "w", "delta"):
        got, true = getattr(small, part), getattr(wide, part)
        assert got.dtype == np.float32
        # three layers of a few roundings each, on sums that cancel by a factor of ten at most
        assert np.all(np.abs(got - true) <= 200 * 2.0**-24 * np.abs(true) + 1e-8), part
    with pytest.raises(InputError, match="float32"):
        f(x=x, y=0.5, w=w, out=wide)


def test_saturated_units_keep_their_digits():
    f = Chain(G["sigmoid"], depth=2).lambdify()
    found = f(x=1.0, y=0.0, w=[1.0, 1.0], b=[40.0, 0.0])
    with mpmath.workdps(40):
        s = lambda z: 1 / (1 + mpmath.exp(-z))
        a1 = s(mpmath.mpf(41))
        a2 = s(a1)
        expected = a2 * a2 * (1 - a2) * a1 * (1 - a1)
    assert found.delta[0] == pytest.approx(float(expected), rel=1e-14)
    assert found.delta[0] != 0


def test_depth_ten_thousand_as_mantissa_and_exponent():
    depth = 10_000
    rng = np.random.default_rng(8)
    w, b = rng.uniform(0.4, 1.6, depth), rng.uniform(-2, 2, depth)
    found = Chain(G["sigmoid"], depth=depth).lambdify()(x=0.3, y=0.9, w=w, b=b, scaled=True)
    mp = mpmath.MPContext()
    mp.dps = 30
    a, slopes = mp.mpf(0.3), []
    for k in range(depth):
        a = 1 / (1 + mp.exp(-(mp.mpf(w[k]) * a + mp.mpf(b[k]))))
        slopes.append(a * (1 - a))
    e = a - mp.mpf(0.9)
    for k in range(depth - 1, -1, -1):
        delta = e * slopes[k]
        e = delta * mp.mpf(w[k])
        if k in (0, 1, 5000, 9999):
            got = mp.mpf(float(found.delta.mantissa[k])) * mp.mpf(2) ** int(found.delta.exponent[k])
            assert abs(got / delta - 1) <= found.relative_error[k], k
            assert found.delta.sign()[k] == mp.sign(delta)
            assert float(found.log_delta[k]) == pytest.approx(float(mp.log(abs(delta))), rel=1e-12)
    assert -8600 < found.log_delta[0] / np.log(10) < -7400
    assert found.relative_error[0] < 1e-10
    assert float(found.delta[0]) == 0.0


@pytest.mark.parametrize(
    "name", ["tanh", pytest.param("gelu", marks=pytest.mark.numeric), "relu", "identity"]
)
def test_the_stated_error_covers_the_measured_one(name):
    net = Chain(G[name], depth=30, bias=False)
    rng = np.random.default_rng(1)
    w = rng.uniform(0.6, 1.4, 30)
    found = net.lambdify()(x=0.7, y=0.1, w=w, scaled=True)
    true = net.program.evaluate(net.point({"x": 0.7, "y": 0.1, "w": list(w)}), bits=120)
    for l in (1, 15, 30):
        got = float(found.delta[l - 1].to_float())
        exact = float(true[f"delta__{l}"])
        assert abs(got - exact) <= found.relative_error[l - 1] * abs(exact) + 2.0**-52 * abs(exact)
        assert found.relative_error[l - 1] < 1e-9


def test_an_error_that_cannot_be_stated_is_infinite():
    net = Chain([Layer(G["sigmoid"], bias=None)] * 2)
    found = net.lambdify()(x=1.0, y=0.0, w=[1.0, 1.0], b=[-800.0, 0.0], scaled=True)
    assert np.isinf(found.relative_error[0])  # the slope itself is below the least float
    assert np.isfinite(found.relative_error[1])
    kink = Chain(G["relu"], depth=2).lambdify()(
        x=1.0, y=0.0, w=[1.0, 1.0], b=[-1.0, 1.0], scaled=True
    )
    assert np.isinf(kink.relative_error[0])


def test_given_numbers_and_other_costs():
    net = Chain([Layer(G["tanh"], weight=Rational(1, 3), bias=False)], y=Rational(1, 4))
    assert net.lambdify()(x=3.0).cost == pytest.approx((np.tanh(1.0) - 0.25) ** 2 / 2)
    logit = Chain([G["identity"]], loss="cross_entropy_on_logits", y=1).lambdify()
    assert logit(x=2.0, w=[1.0], b=[0.0]).cost == pytest.approx(np.log1p(np.exp(-2.0)))
    own = Activation.from_expr("own", T * exp(-(T**2)), T)
    found = Chain(own, depth=1, bias=False).lambdify()(x=2.0, y=0.0, w=[1.0])
    assert found.delta[0] == pytest.approx(2 * np.exp(-4.0) * -7 * np.exp(-4.0), rel=1e-14)


def test_the_exported_module_needs_numpy_alone(tmp_path):
    f = mixed((2,)).lambdify()
    path = f.export(tmp_path / "net.py")
    x, y, w, b = drawn(5, 7)
    b[1] = 0
    code = (
        "import sys; sys.modules['symgrad'] = sys.modules['sympy'] = sys.modules['mpmath'] = None\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\nimport net\n"
        f"out = net.gradients({x.tolist()}, {float(y[0])}, {w[:, 0].tolist()}, "
        f"[{b[0, 0]}, None, {b[2, 0]}, {b[3, 0]}, {b[4, 0]}])\nprint(out[2].tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    expected = f(x=x, y=y[0], w=w[:, 0], b=b[:, 0]).w.tolist()
    assert done.stdout.strip() == str(expected)
    assert path.read_text() == f.source


@pytest.mark.parametrize("cost", losses(), ids=lambda c: c.name)
def test_every_cost_against_balls(cost):
    net = Chain(G["sigmoid"], depth=2, bias=False, loss=cost)
    f = net.lambdify()
    for y, w in ((1.0, [1.0, 2.0]), (0.0, [-1.0, 0.5]), (0.25, [3.0, -2.0])):
        found = f(x=0.5, y=y, w=w)
        true = net.program.evaluate(net.point({"x": 0.5, "y": y, "w": w}))
        assert float(found.cost) == pytest.approx(float(true["C"]), rel=1e-13)
        assert found.delta[0] == pytest.approx(float(true["delta__1"]), rel=1e-13)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "arctan", "silu", "gelu"])
def test_shared_lines_are_within_the_stated_ulps_of_mpmath(name):
    source = pair_source(Layer(activation(name)))
    lines = [line for line in source.splitlines() if "#" not in line]
    assert sum("np.exp(" in line for line in lines) <= 1  # one exponential for g and g' together
    low, high = -700.0, 700.0
    f = Chain(activation(name), depth=1, bias=False).lambdify()
    rng = np.random.default_rng(3)
    z = np.concatenate([rng.uniform(low, high, 60), rng.normal(size=60), [0.0, -0.0, 1e-300]])
    both = f._space["_both0"]
    root = {"silu": -1.2784645427610738, "gelu": -0.7517915247035987}.get(name, 0.0)
    z = np.concatenate([z, root + np.array([-1e-3, -1e-9, -3e-16, 0.0, 3e-16, 1e-9, 1e-3])])
    g, d = np.empty(z.shape), np.empty(z.shape)
    both(z, g, d)
    expressions = [lambdify(T, activation(name).derivative(n)(T), "mpmath") for n in (0, 1)]
    with mpmath.workdps(700):
        for u, *values in zip(z, g, d, strict=True):
            for value, true in zip(values, expressions, strict=True):
                exact = true(mpmath.mpf(float(u)))
                unit = mpmath.mpf(float(np.spacing(abs(float(exact)))))
                assert abs(mpmath.mpf(float(value)) - exact) <= KERNEL_ULPS * unit, (name, u)


@pytest.mark.parametrize("name", ["gelu", "tanhshrink"])
def test_tables_tails_and_kernels_meet_without_a_seam(name):
    """g' and g at points on all of the axis, half of them far out, mixed in one block."""
    rng = np.random.default_rng(4)
    z = np.concatenate([rng.uniform(-45, -8, 60), rng.uniform(-8.1, 8.1, 40), [-50.0, 13.0, 1e5]])
    z = rng.permutation(np.concatenate([z, [-8.0, np.nextafter(-8, -9), -37.0, 1e-7, -1e-3, 0.0]]))
    f = Chain(activation(name), depth=1, bias=False, loss=lambda a, y: a).lambdify()
    for x in (z, -z, z / 10):  # the share of the points that each method gets differs
        found = f(x=x, y=0.0, w=[1.0])
        for n, got in ((0, found.cost), (1, found.delta[0])):
            true = mp_values(activation(name).derivative(n)(T).doit(), [T], [x], FLOAT64)
            assert np.max(ulps(got, true, FLOAT64)) <= KERNEL_ULPS, n


def test_a_sample_that_is_done_again_leaves_the_others_as_they_are():
    f = Chain(G["sigmoid"], depth=2).lambdify()
    x = np.array([0.5, -0.25, np.nan, 1.0, 740.0])
    given = {"y": 0.25, "w": [1.0, -2.0], "b": [np.zeros(5), 0.5]}
    found = f(x=x, **given)
    alone = [f(x=x[k : k + 1], **given | {"b": [np.zeros(1), 0.5]}) for k in range(5)]
    for k, one in enumerate(alone):
        assert np.array_equal(found.delta[:, k], one.delta[:, 0], equal_nan=True)
        assert np.array_equal(found.w[:, k], one.w[:, 0], equal_nan=True)
    assert np.isnan(found.x).tolist() == [False, False, True, False, False]
    assert 0 < abs(found.delta[0, 4]) < 1e-300  # beyond the reach of exp(x) in floats
    sums = f(x=np.delete(x, 2), total=True, **given | {"b": [np.zeros(4), 0.5]})
    assert sums.x == pytest.approx(np.nansum(found.x), rel=1e-15)


@pytest.mark.numeric
@pytest.mark.parametrize("name", [g.name for g in activations() if not g.parameters])
def test_every_activation_is_within_the_stated_ulps_in_both_types(name):
    f = Chain(activation(name), depth=1, bias=False, loss=lambda a, y: a).lambdify()
    rng = np.random.default_rng(99)
    z = np.concatenate([
        rng.normal(0, 2, 100), rng.uniform(-2, 0, 60), rng.uniform(-45, 45, 80),
        rng.uniform(-800, 800, 60),
    ])  # fmt: skip
    for fmt, most in ((FLOAT64, KERNEL_ULPS), (FLOAT32, 8)):
        x = z.astype(np.float64 if fmt is FLOAT64 else np.float32)
        found = f(x=x, y=0.0, w=[1.0])
        for n, got in ((0, found.cost), (1, found.delta[0])):
            true = mp_values(
                activation(name).derivative(n)(T).doit(), [T], [x.astype(np.float64)], fmt
            )
            known = np.flatnonzero(true.known())
            assert known.size > 200
            errors = ulps(got[known].astype(np.float64), true[known], fmt)
            assert np.max(errors) <= most, (n, x[known][np.argmax(errors)])


def test_beyond_the_reach_of_the_lines_the_kernels_take_over():
    f = Chain(G["sigmoid"], depth=1).lambdify()
    found = f(x=1.0, y=-1.0, w=[1.0], b=[-731.0])
    with mpmath.workdps(400):
        s = 1 / (1 + mpmath.exp(730))
        expected = (s + 1) * s * (1 - s)
    assert found.delta[0] == pytest.approx(float(expected), rel=1e-6)
    assert found.delta[0] > 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"x": 1.0, "y": 0.0, "w": [1.0], "b": [0.0, 0.0]}, "2 layers, got 1"),
        ({"x": 1.0, "w": [1.0, 1.0], "b": [0.0, 0.0]}, "for y"),
        ({"x": 1.0, "y": 0.0, "b": [0.0, 0.0]}, "for w__1"),
        ({"x": 1.0, "y": 0.0, "w": 3.0, "b": [0.0, 0.0]}, "2 layers, got 3.0"),
        ({"x": [1.0, 2.0], "y": [1.0, 2.0, 3.0], "w": [1.0, 1.0], "b": [0, 0]}, "common shape"),
        ({"x": 1.0j, "y": 0.0, "w": [1.0, 1.0], "b": [0.0, 0.0]}, "real numbers"),
    ],
)
def test_bad_calls(values, message):
    with pytest.raises(InputError, match=message):
        Chain(G["identity"], depth=2).lambdify()(**values)
    with pytest.raises(InputError, match="without bias"):
        Chain(G["identity"], depth=1, bias=False).lambdify()(x=1.0, y=0.0, w=[1.0], b=[2.0])
