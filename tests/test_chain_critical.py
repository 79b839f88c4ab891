"""The exact critical set: every case against the Hessian's signs and against points nearby."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy
from sympy import Eq, Rational, Symbol

from symgrad.activation import Activation
from symgrad.catalogue import activation
from symgrad.chain import Chain, Layer
from symgrad.chain.shape import Shape
from symgrad.errors import UnsupportedError

x, y = sympy.symbols("x y", real=True)
T = Symbol("t", real=True)
G = {
    n: activation(n) for n in ("sigmoid", "tanh", "identity", "relu", "silu", "leaky_relu", "gelu")
}


def kinds(net: Chain) -> list[str]:
    return [case.kind for case in net.critical_points()]


@pytest.mark.parametrize("depth", [1, 2, 3, 7])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "identity", "leaky_relu"])
def test_with_biases_a_positive_slope_leaves_only_zero_loss(name, depth):
    (case,) = Chain(G[name], depth=depth).critical_points()
    assert case.kind == "global minimum"
    assert case.condition == Eq(y, Symbol(f"a__{depth}", real=True))
    assert case.verdict


def test_targets_outside_the_range_have_no_critical_point():
    assert Chain(G["sigmoid"], depth=2, y=2).critical_points()[0].occurs == sympy.false
    assert Chain(G["tanh"], depth=2, y=Rational(1, 2)).critical_points()[0].occurs == sympy.true
    assert Chain(G["identity"], depth=2).critical_points()[0].occurs == sympy.true


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_silu_has_a_second_set_at_the_zero_of_its_slope(depth):
    _, low, high = Chain(G["silu"], depth=depth).critical_points()
    floor = -sympy.LambertW(sympy.exp(-1))
    assert low.kind == "global minimum"
    assert high.kind == "weak local maximum"
    for case, target in ((low, -1), (high, 1)):
        at = next(c.rhs for c in case.condition.args if isinstance(c, Eq))
        assert sympy.N(at + 1 - floor, 30) == pytest.approx(0, abs=1e-25)
        assert case.occurs.subs(y, float(floor) + target) == sympy.true
        assert case.occurs.subs(y, float(floor) - target) == sympy.false


@pytest.mark.parametrize("name", ["tanh", "identity"])
def test_without_biases_two_zero_weights_are_a_strict_saddle(name):
    assert kinds(Chain(G[name], depth=1, bias=False)) == ["global minimum", "flat"]
    two = Chain(G[name], depth=2, bias=False).critical_points()
    assert [c.kind for c in two] == ["global minimum", "strict saddle", "flat"]
    assert str(-x * y) in two[1].note
    three = Chain(G[name], depth=3, bias=False).critical_points()
    assert sorted(c.kind for c in three).count("strict saddle") == 3
    assert [c.kind for c in three].count("degenerate saddle") == 1


@pytest.mark.parametrize("name", ["tanh", "identity", "silu", "gelu"])
@pytest.mark.parametrize("zero", list(itertools.combinations((1, 2, 3), 2)))
def test_the_hessian_at_two_zero_weights_is_what_the_note_says(name, zero):
    net = Chain(G[name], depth=3, bias=False)
    at = {"x": 2, "y": 3, **{f"w__{l}": 0 if l in zero else Rational(5, 4) for l in (1, 2, 3)}}
    case = net.diagnose(at).case
    assert case is not None
    assert (case.kind, case.name) == ("strict saddle", f"w{zero[0]} = w{zero[1]} = 0")
    hessian = np.array([[float(v) for v in row] for row in net.hessian().at(at).dense()])
    values = np.linalg.eigvalsh(hessian)
    assert values[0] == pytest.approx(-values[-1])
    assert values[-1] > 0.01
    assert values[1] == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("name", ["tanh", "identity", "silu"])
def test_three_zero_weights_are_a_saddle_without_a_hessian(name):
    net = Chain(G[name], depth=3, bias=False)
    found = net.diagnose({"x": 1, "y": 1, "w": [0, 0, 0]})
    assert found.case is not None
    assert found.case.kind == "degenerate saddle"
    assert not any(float(v) for row in net.hessian().at(found.point).dense() for v in row)
    here = float(found.cost)
    near = [
        float(net.diagnose({"x": 1, "y": 1, "w": [Rational(s, 10) for s in signs]}).cost)
        for signs in ((1, 1, 1), (1, 1, -1))
    ]
    assert near[0] < here < near[1]


def test_sigmoid_without_biases_has_no_critical_point_but_zero_loss():
    for depth in (2, 3, 9):
        assert kinds(Chain(G["sigmoid"], depth=depth, bias=False)) == ["global minimum"]
    one = Chain(G["sigmoid"], depth=1, bias=False).critical_points()
    assert [c.kind for c in one] == ["global minimum", "flat"]
    assert Eq(x, 0) in one[1].condition.args


def test_relu_with_a_bias_is_flat_where_the_last_unit_is_dead():
    cases = Chain(G["relu"], depth=2).critical_points()
    assert [c.kind for c in cases[:2]] == ["global minimum", "flat"]
    z = Symbol("z__2", real=True)
    assert (z < 0) in cases[1].condition.args
    assert {c.kind for c in cases[2:]} == {"kink"}


@pytest.mark.parametrize("weights", [(-1, 2, 3), (1, -2, 3), (1, 2, -3), (0, -2, 3), (1, 0, -3)])
def test_relu_without_biases_is_flat_where_any_layer_is_dead(weights):
    net = Chain(G["relu"], depth=3, bias=False)
    found = net.diagnose({"x": 1, "y": 1, "w": list(weights)})
    assert found.is_critical
    assert found.case is not None
    assert found.case.kind == "flat"
    for shift in itertools.product((-1, 1), repeat=3):
        near = [Rational(w) + Rational(s, 1000) for w, s in zip(weights, shift, strict=True)]
        assert net.diagnose({"x": 1, "y": 1, "w": near}).cost == 0.5


def test_relu_two_zero_weights_are_a_weak_maximum_and_one_is_a_kink():
    net = Chain(G["relu"], depth=3, bias=False)
    two = net.diagnose({"x": 1, "y": 1, "w": [0, 0, 1]})
    one = net.diagnose({"x": 1, "y": 1, "w": [0, 1, 1]})
    assert two.case is not None
    assert one.case is not None
    assert (two.case.kind, one.case.kind) == ("weak local maximum", "kink")
    assert two.notes
    assert "kink" in two.notes[0]
    for shift in itertools.product((-1, 0, 1), repeat=3):
        at = [Rational(w) + Rational(s, 100) for w, s in zip((0, 0, 1), shift, strict=True)]
        assert net.diagnose({"x": 1, "y": 1, "w": at}).cost <= 0.5
    low = net.diagnose({"x": 1, "y": -1, "w": [0, 0, 1]})
    assert low.case is not None
    assert low.case.kind == "global minimum"


def test_leaky_relu_without_biases_has_saddles_and_no_hessian():
    net = Chain(G["leaky_relu"], depth=3, bias=False)
    assert set(kinds(net)) == {"global minimum", "saddle", "flat"}
    found = net.diagnose({"x": 1, "y": 1, "w": [0, 0, 1]})
    assert found.case is not None
    assert found.case.kind == "saddle"
    near = [
        float(net.diagnose({"x": 1, "y": 1, "w": [Rational(1, 9), Rational(s, 9), 1]}).cost)
        for s in (1, -1)
    ]
    assert near[0] < 0.5 < near[1]
    assert net.diagnose({"x": 1, "y": 1, "w": [0, 1, 1]}).case is None


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (Chain(G["sigmoid"], depth=2, bias=False), Eq(y, Rational(1, 2))),
        (
            Chain(G["tanh"], depth=3, bias=False),
            sympy.Or(Eq(y, 0), Eq(Symbol("a__2", real=True), 0)),
        ),
        (Chain(G["sigmoid"], depth=2), Eq(y, G["sigmoid"](Symbol("b__2", real=True)))),
        (Chain(G["identity"], depth=1, bias=False), sympy.Or(Eq(y, 0), Eq(x, 0))),
        (
            Chain(G["relu"], depth=2),
            sympy.Or(Eq(y, G["relu"](Symbol("b__2", real=True))), Symbol("b__2", real=True) < 0),
        ),
    ],
)
def test_when_a_zero_last_weight_is_critical(net, expected):
    assert net.zero_weight() == expected


def test_zero_weight_agrees_with_the_gradient_itself():
    net = Chain(G["tanh"], depth=3, bias=False)
    yes = net.diagnose({"x": 1, "y": 2, "w": [3, 0, 0]})
    no = net.diagnose({"x": 1, "y": 2, "w": [3, 1, 0]})
    assert (yes.is_critical, no.is_critical) == (True, False)
    with pytest.raises(UnsupportedError):
        Chain([Layer(G["tanh"], skip=True)]).zero_weight()


CUBE = Activation.from_expr("cube", T**3, T)
SHIFTED = Activation.from_expr("shifted", T**2 - 1, T)


def test_activations_of_ones_own_take_the_same_road():
    cases = Chain(CUBE, depth=2).critical_points()
    assert [c.kind for c in cases] == ["global minimum", "degenerate saddle"]
    low, high = Chain(SHIFTED, depth=1).critical_points()[1:]
    assert {low.kind, high.kind} == {"global minimum", "weak local maximum"}
    assert Shape(Layer(SHIFTED)).roots == sympy.FiniteSet(-1, 1)
    mixed = Chain([Layer(SHIFTED), Layer(G["tanh"], bias=False)]).critical_points()
    assert "strict saddle" in [c.kind for c in mixed]


def test_what_the_theorems_do_not_reach_is_undecided_and_said():
    skipped = Chain([Layer(G["tanh"], skip=True)] * 2).critical_points()
    assert [c.kind for c in skipped] == ["global minimum", "undecided"]
    assert not skipped[1].verdict
    tied = Chain(G["tanh"], depth=3, bias=False, tie_weights=True).critical_points()
    assert tied[-1].kind == "undecided"


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "identity", "silu"])
@pytest.mark.parametrize("bias", [True, False])
def test_random_points_are_not_critical_and_no_case_claims_them(name, bias):
    net = Chain(G[name], depth=3, bias=bias)
    rng = np.random.default_rng(4)
    for _ in range(5):
        at = {
            s: Rational(int(n), 64)
            for s, n in zip(net.symbols, rng.integers(1, 200, 8), strict=False)
        }
        found = net.diagnose(at)
        assert found.is_critical is False
        assert found.radius is not None
        assert found.radius > 0


def test_cases_do_not_overlap():
    cases = Chain(G["tanh"], depth=3, bias=False, x=1, y=1).critical_points()
    grid = [0, 1]
    symbols = [Symbol(f"w__{l}", real=True) for l in (1, 2, 3)]
    for values in itertools.product(grid, repeat=3):
        at = dict(zip(symbols, values, strict=True))
        holds = [c.name for c in cases[1:] if c.condition.subs(at) == sympy.true]
        assert len(holds) == (1 if values.count(0) >= 2 else 0)


@pytest.mark.parametrize(
    ("cost", "kind"),
    [
        ("cross_entropy", "global minimum"),
        ("cross_entropy_on_logits", "global minimum"),
        ("log_cosh", "global minimum"),
        ("hinge", "undecided"),
        ("absolute_error", "undecided"),
    ],
)
def test_a_minimum_is_claimed_for_costs_shown_convex_and_smooth(cost, kind):
    g = G["identity"] if cost.endswith("logits") else G["sigmoid"]
    assert kinds(Chain(g, depth=2, loss=cost)) == [kind]


def test_a_cost_that_is_not_convex_is_not_claimed():
    net = Chain(G["silu"], depth=1, loss=lambda a, y: sympy.sin(a - y))
    assert "global minimum" not in kinds(net)
