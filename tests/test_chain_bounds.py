"""Bounds on error terms: they hold at every point drawn, and they are narrow."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Abs, Rational, Symbol

from symgrad.activation import Activation
from symgrad.catalogue import activation
from symgrad.chain import Chain, Layer, delta_, w_, z_
from symgrad.errors import InputError
from symgrad.fact import Undecided

G = {
    n: activation(n)
    for n in ("sigmoid", "tanh", "arctan", "relu", "leaky_relu", "silu", "softsign", "softplus")
}


def product(net: Chain, at: dict, l: int) -> float:
    """|δˡ/δᴸ| by mpmath from the elementary formulas."""
    a, total = sympy.N(at["x"], 40), sympy.Float(1, 40)
    for k in range(1, net.depth):
        z = at["w"][k - 1] * a + at["b"][k - 1]
        if k >= l:
            total *= at["w"][k] * net.layers[k - 1].formula(1).subs(Symbol("x", real=True), z)
        a = sympy.N(net.layers[k - 1].formula().subs(Symbol("x", real=True), z), 40)
    return abs(float(total))


@pytest.mark.parametrize(("name", "sup"), [("sigmoid", Rational(1, 4)), ("tanh", 1), ("relu", 1)])
def test_the_bound_is_the_product_of_the_suprema(name, sup):
    net = Chain(G[name], depth=4)
    found = net.bound(2)
    assert found.verdict
    assert found.upper == sup**2 * Abs(w_(3)) * Abs(w_(4)) * Abs(delta_(4))
    assert found.lower == 0
    assert found.value == Abs(delta_(2))


def test_it_holds_at_random_points_and_is_attained():
    net = Chain(G["silu"], depth=3)
    rng = np.random.default_rng(5)
    table = {delta_(3): 1}
    for _ in range(40):
        at = {
            "x": float(rng.normal()),
            "w": list(rng.normal(size=3) * 2),
            "b": list(rng.normal(size=3) * 3),
        }
        weights = {w_(k): at["w"][k - 1] for k in (2, 3)}
        assert product(net, at, 1) <= float(net.bound(1).upper.subs({**table, **weights}))
    tight = Chain(G["sigmoid"], depth=3)
    centre = {"x": 0.0, "w": [1.0, 1.0, 1.0], "b": [0.0, -0.5, 0.0]}
    assert product(tight, centre, 1) == float(
        tight.bound(1).upper.subs({**table, w_(2): 1, w_(3): 1})
    )


def test_a_slope_away_from_zero_gives_a_lower_bound():
    found = Chain(G["leaky_relu"], depth=3).bound(1)
    assert found.lower == Abs(w_(2)) * Abs(w_(3)) * Abs(delta_(3)) / 10_000
    assert found.verdict


def test_skips_and_the_last_layer():
    net = Chain([Layer(G["tanh"], skip=True)] * 3)
    one = {s: Rational(1, 3) for s in net.bound(1).upper.free_symbols}
    assert net.bound(1).upper.subs(one) == Rational(4, 3) ** 2 / 3
    assert net.bound(1).verdict
    last = Chain(G["sigmoid"], depth=2).bound(2)
    assert last.upper.subs({Symbol("a__2", real=True): 1, Symbol("y", real=True): 0}) == Rational(
        1, 4
    )


def test_beyond_a_distance_the_tail_bounds():
    net = Chain(G["tanh"], depth=3)
    found = net.bound(1, beyond=3)
    factor = found.upper.subs({w_(2): 1, w_(3): 1, delta_(3): 1})
    assert float(factor) == pytest.approx(float(mpmath.sech(3) ** 4), rel=1e-12)
    assert found.fact.under == (sympy.Ge(Abs(z_(1)), 3), sympy.Ge(Abs(z_(2)), 3))
    assert found.verdict
    with pytest.raises(InputError, match="not negative"):
        net.bound(1, beyond=-1)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "silu", "softplus", "leaky_relu"])
def test_the_distance_may_be_a_symbol(name):
    """A formula in Z: the bound of the number Z, wherever Z >= valid_from."""
    z = Symbol("Z", positive=True)
    net = Chain(G[name], depth=3)
    found = net.bound(1, beyond=z)
    assert found.verdict
    unit = {w_(2): 1, w_(3): 1, delta_(3): 1}
    start = found.valid_from
    assert sympy.Ge(z, start, evaluate=False) in found.fact.under or start == 0
    for more in (0, Rational(1, 3), 5):
        far = start + more
        exact = net.bound(1, beyond=far)
        for formula, number in ((found.upper, exact.upper), (found.lower, exact.lower)):
            one, two = (e.subs(unit).subs(z, far).doit() for e in (formula, number))
            assert float(one) == pytest.approx(float(two), rel=1e-12)
    with pytest.raises(InputError, match="positive=True"):
        net.bound(1, beyond=Symbol("Z", real=True))


def test_a_signal_bound_for_an_activation_of_ones_own():
    t = Symbol("t", real=True)
    mine = Activation.from_expr("mine", sympy.asinh(t) + sympy.tanh(t), t)
    assert Chain(mine, depth=4, bias=False).signal_bound().verdict
    bump = Activation.from_expr("bump", t + t**3, t)
    assert not Chain(bump, depth=4, bias=False).signal_bound().verdict


@pytest.mark.parametrize("name", ["sigmoid", "silu", "relu"])
def test_a_box_encloses_all_points_and_not_much_more(name):
    net = Chain(G[name], depth=3)
    box = {"w": (1, 2), "b": (Rational(-1, 2), 0), "x": (0, 1), "y": 1}
    found = net.box_bound(box)
    assert found.verdict
    seen = []
    for w1, w2, w3, b1, b2, b3, x in itertools.product((0, 1), repeat=7):
        at = {"x": x, "y": 1, "w": [1 + w1, 1 + w2, 1 + w3]}
        at["b"] = [Rational(-b, 2) for b in (b1, b2, b3)]
        seen.append(net.program.only("delta__1").evaluate(net.point(at))["delta__1"])
    assert all(found.lower <= float(v) <= found.upper for v in seen)
    width = float(found.upper - found.lower)
    assert width < 6 * float(max(map(float, seen)) - min(map(float, seen)))
    for of in ("w__2", "b__3", "x", "C"):
        assert net.box_bound(box, of).verdict


def test_boxes_that_make_no_sense():
    net = Chain(G["tanh"], depth=1)
    with pytest.raises(InputError, match="number, got"):
        net.box_bound({"w": (1, 2, 3), "b": 0, "x": 0, "y": 0})
    with pytest.raises(InputError, match="exchanged"):
        net.box_bound({"w": (2, 1), "b": 0, "x": 0, "y": 0})
    with pytest.raises(InputError, match="no 'v'"):
        net.box_bound({"v": (2, 1)})
    with pytest.raises(InputError, match="none was given"):
        net.box_bound({"w": (1, 2)})
    with pytest.raises(InputError, match="delta__l"):
        net.box_bound({"w": 1, "b": 0, "x": 0, "y": 0}, "delta")


@pytest.mark.parametrize("name", ["tanh", "arctan", "softsign"])
def test_without_biases_the_gradient_grows_no_faster_than_the_signal(name):
    net = Chain(G[name], depth=5, bias=False)
    assert net.signal_bound().verdict
    rng = np.random.default_rng(9)
    for _ in range(40):
        w = rng.normal(size=5) * 2
        a, z, total = 0.7, [], 1.0
        for k in range(5):
            z.append(float(w[k] * a))
            a = float(G[name].formula(z[-1]))
            if k < 4:
                total *= w[k + 1] * float(G[name].derivative(1)(z[-1]))
        assert abs(total) <= abs(z[4] / z[0]) * (1 + 1e-12)


def test_the_signal_bound_is_refused_where_it_fails():
    found = Chain(G["silu"], depth=3, bias=False).signal_bound()
    assert isinstance(found.verdict, Undecided)
    cube = Activation.from_expr("cube", Symbol("t") ** 3, Symbol("t"))
    assert not Chain(cube, depth=3, bias=False).signal_bound().verdict
    with pytest.raises(InputError, match="without biases"):
        Chain(G["tanh"], depth=3).signal_bound()


def test_thresholds_in_depth_and_in_distance():
    net = Chain(G["sigmoid"], depth=4)
    found = net.threshold(Rational(1, 10**6), 2)
    assert found.depth == 21  # (2/4)^(L-1) <= 1e-6 first at L = 21
    assert Rational(1, 2) ** (found.depth - 1) <= found.eps < Rational(1, 2) ** (found.depth - 2)
    assert found.distance is not None
    z = float(found.distance)
    slope = float(G["sigmoid"].derivative(1)(sympy.Float(z, 30)))
    assert (2 * slope) ** 3 == pytest.approx(1e-6, rel=1e-9)
    power, deep, far = sorted(found.fact.statement.args, key=lambda c: len(c.atoms(Symbol)))
    if power.has(sympy.Implies):
        power, deep = deep, power
    assert found.fact.statement.atoms(sympy.Implies) == {deep, far}
    assert {c.args[0].args[1] for c in (deep, far)} == {sympy.Integer(21), found.distance}
    assert all(c.args[1].args[1] == found.eps for c in (deep, far))
    assert found.verdict
    far = Chain(G["sigmoid"], depth=3).threshold(Rational(1, 1000)).distance  # its root is √10/100
    square = G["sigmoid"].derivative(1)(far.n(40)) ** 2
    assert Rational(1, 1000) * (1 - Rational(1, 10**8)) < square < Rational(1, 1000)
    for name, edge in (("hard_tanh", 1), ("relu6", 6)):  # the stated slope at the edge is 0
        assert Chain(activation(name), depth=3).threshold(Rational(1, 10)).distance == edge
    one = Chain(G["sigmoid"], depth=1).threshold(Rational(1, 100), Rational(1, 2))
    assert (one.depth, one.distance) == (4, None)  # (1/8)³ ≤ 1/100 < (1/8)²
    assert net.threshold(Rational(1, 10), 5).depth is None
    assert Chain(G["relu"], depth=3).threshold(Rational(1, 10), 1).distance is None
    with pytest.raises(InputError, match="0 < eps < 1"):
        net.threshold(2)
