"""The exact critical set: every case against the Hessian's signs and against points nearby."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Eq, Rational, Symbol

from symgrad.activation import Activation, Head
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
    slopes = tuple(G["relu"].d(1)(Symbol(f"z__{l}", real=True)) for l in (1, 2, 3))
    assert found.case.vanishing == slopes
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


@pytest.mark.parametrize(("name", "floor", "ceiling"), [("relu6", 0, 6), ("hard_tanh", -1, 1)])
def test_each_plateau_has_its_value_at_a_point_of_it(name, floor, ceiling):
    flat = [s for s in Shape(Layer(activation(name))).spots if not s.signs]
    assert {s.value for s in flat} == {floor, ceiling}
    for spot in flat:
        assert spot.at in spot.on.interior
        assert activation(name)(spot.at).doit() == spot.value


def test_what_the_theorems_do_not_reach_is_undecided_and_said():
    mixed = Chain([Layer(G["tanh"]), Layer(G["tanh"], bias=False)], tie_weights=True)
    assert kinds(mixed) == ["global minimum", "undecided"]
    open_case = mixed.critical_points()[1]
    assert not open_case.verdict
    d1, d2, a1, e2 = sympy.symbols("delta__1 delta__2 a__1 e__2", real=True)
    assert open_case.condition == sympy.And(sympy.Ne(e2, 0), Eq(d1 * x, 0), Eq(d2 * a1, 0))
    deep = Chain(G["sigmoid"], depth=5, bias=False, tie_weights=True, x=1).critical_points()
    assert (deep[-1].kind, bool(deep[-1].verdict)) == ("undecided", False)
    assert "w alone" in deep[-1].verdict.why


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
        ("hinge", "global minimum"),
        ("absolute_error", "global minimum"),
        ("huber", "global minimum"),
    ],
)
def test_a_minimum_is_claimed_for_costs_shown_convex(cost, kind):
    g = G["identity"] if cost.endswith("logits") else G["sigmoid"]
    assert kinds(Chain(g, depth=2, loss=cost)) == [kind]


def test_a_residual_is_solved_for_the_target_only_by_a_number():
    net = Chain(G["identity"], depth=1, loss=lambda a, y: y * a**2 / 2)
    a = Symbol("a__1", real=True)
    assert net.critical_points()[0].condition == Eq(a * y, 0)  # a = 0 as well


def test_a_cost_that_is_not_convex_is_not_claimed():
    pole = Chain(G["silu"], depth=1, loss=lambda a, y: 1 / (a - y) ** 2 + a)
    assert "global minimum" not in kinds(pole)
    net = Chain(G["silu"], depth=1, loss=lambda a, y: sympy.sin(a - y))
    assert "global minimum" not in kinds(net)
    for concave in (lambda a, y: -abs(a - y), lambda a, y: sympy.Min(a - y, 2 * (a - y))):
        assert "global minimum" not in kinds(Chain(G["silu"], depth=1, loss=concave))


# --- every type against the losses at points nearby, and the Hessian of mpmath --------------------

SQUARE = Activation.from_expr("square", T**2, T)
ROOT = -1 - sympy.LambertW(sympy.exp(-1))  # the zero of the slope of SiLU
POINTS = [  # layers (name, bias, skip), x, y, weights, biases, the type
    *[([(g, True, False)] * n, 1, sympy.Rational(1, 2), [0] * n, [0] * n, "global minimum")
      for g, n in itertools.product(["sigmoid"], (1, 2, 3))],
    *[([(g, True, False)] * n, 1, 0, [1] * n, [-1] + [0] * (n - 1), "global minimum")
      for g, n in itertools.product(["tanh", "identity", "silu"], (1, 2, 3))],
    *[([("silu", True, False)] * n, 1, -1, [1] * (n - 1) + [0], [0] * (n - 1) + [ROOT],
       "global minimum") for n in (1, 2, 3)],
    *[([("silu", True, False)] * n, 1, 1, [1] * (n - 1) + [0], [0] * (n - 1) + [ROOT],
       "weak local maximum") for n in (1, 2, 3)],
    *[([("relu", True, False)] * n, 1, 1, [1] * n, [0] * (n - 1) + [-5], "flat")
      for n in (1, 2, 3)],
    ([("relu", True, False)] * 2, 1, 1, [1, 1], [0, -1], "kink: weak local maximum"),
    ([("relu", True, False)] * 2, 1, -1, [1, 1], [0, -1], "kink: global minimum"),
    *[([(g, False, False)] * 2, 2, 3, [0, 0], [], "strict saddle")
      for g in ("tanh", "identity", "silu")],
    *[([(g, False, False)] * 3, 2, 3, [0, 1, 0], [], "strict saddle")
      for g in ("tanh", "identity", "silu")],
    *[([(g, False, False)] * 3, 2, 3, [0, 0, 0], [], "degenerate saddle")
      for g in ("tanh", "identity", "silu")],
    ([("relu", False, False)] * 3, 1, 1, [0, 0, 1], [], "weak local maximum"),
    ([("relu", False, False)] * 3, 1, -1, [0, 0, 1], [], "global minimum"),
    ([("relu", False, False)] * 3, 1, 1, [0, 2, 1], [], "kink: weak local maximum"),
    ([("relu", False, False)] * 3, 1, 1, [1, -2, 0], [], "flat"),
    ([("leaky_relu", False, False)] * 2, 1, 1, [0, 0], [], "saddle"),
    # one-sided layers among others, no biases
    ([("relu", False, False), ("tanh", False, False)], 1, 1, [0, 0], [], "saddle"),
    ([("relu", False, False)] * 2 + [("tanh", False, False)], 1, 1, [0, 0, 2], [],
     "weak local maximum"),
    ([("relu", False, False)] * 2 + [("tanh", False, False)], 1, 1, [0, 0, -2], [],
     "weak local minimum"),
    ([("relu", False, False), ("tanh", False, False)], 1, 1, [0, -2], [],
     "kink: weak local minimum"),
    ([("tanh", False, False), ("relu", False, False)], 1, 1, [-1, 2], [], "flat"),
    ([("relu6", False, False)] * 2, 1, 1, [1, 7], [], "flat"),
    ([("relu6", False, False)] * 2, 1, 1, [2, 3], [], "kink: weak local maximum"),
    ([("relu6", False, False)] * 2, 1, 7, [2, 3], [], "kink: global minimum"),
    # biases below, none at the last layer
    ([("tanh", True, False), ("tanh", False, False)], 1, 1, [1, 0], [-1], "strict saddle"),
    ([("square", True, False), ("tanh", False, False)], 1, 1, [1, 0], [-1], "degenerate saddle"),
    ([("square", True, False), ("tanh", False, False)], 1, 1, [1, 2], [-1], "weak local maximum"),
    ([("square", True, False), ("tanh", False, False)], 1, 1, [1, -2], [-1], "weak local minimum"),
    ([("relu", True, False), ("tanh", False, False)], 1, 1, [1, 0], [-1], "saddle"),
    ([("relu", True, False), ("tanh", False, False)], 1, 1, [1, 0], [-2], "flat"),
    ([("relu", True, False), ("tanh", False, False)], 1, 1, [1, 1], [-1],
     "kink: weak local maximum"),
    ([("cube", False, False)] * 2, 1, 1, [0, 1], [], "degenerate saddle"),
    ([("square", False, False)] * 2, 1, -1, [0, 1], [], "global minimum"),
    # skip connections
    ([("square", True, True)] * 2, 1, 0, [1, 1], [-1, -1], "global minimum"),
    ([("square", True, True)] * 2, 1, 2, [1, 1], [-1, -1], "weak local maximum"),
    ([("square", True, True), ("gaussian", True, True)], 1, 5, [1, 1], [-1, -1], "strict saddle"),
    ([("cube", True, True), ("square", True, True)], 1, 5, [1, 1], [-1, -1], "strict saddle"),
    ([("cube", True, True), ("square", True, True)], 1, -5, [1, 1], [-1, -1], "degenerate saddle"),
    ([("relu", True, True)] * 2, 1, 5, [1, 1], [-3, -3], "flat"),
    ([("relu", True, True)] * 2, 1, 5, [1, 1], [-1, -3], "kink: weak local maximum"),
    ([("tanh", False, True)] * 2, 1, 1, [0, -1], [], None),
    ([("sigmoid", False, True)] * 2, 0, 2, [0, 0], [], None),
    # a layer with a skip connection and g' = 0 below layers that have z = 0
    ([("dip", False, True)] * 2, 1, 2, [1, 0], [], "weak local maximum"),
    ([("dip", True, True), ("dip", False, True), ("tanh", False, False)], 1, 2, [1, 0, -1], [0],
     "weak local minimum"),
    ([("dip", True, False), ("hill", True, True), ("tanh", False, False)], 1, 1, [1, 1, 1],
     [0, 1], "strict saddle"),
    # ... and g' = 0 above and below a layer that has z = 0: the sign of its weight decides
    ([("square", True, False), ("tanh", False, False), ("square", True, True)], 1, 5, [1, 1, 1],
     [-1, 0], "weak local maximum"),
    ([("square", True, False), ("tanh", False, False), ("square", True, True)], 1, 5, [1, -1, 1],
     [-1, 0], "strict saddle"),
    ([("tanh", False, False), ("square", True, True)], 0, 5, [1, 1], [0], "weak local maximum"),
    ([("tanh", False, False), ("square", True, True)], 0, 5, [0, 1], [0], "weak local maximum"),
    ([("tanh", False, False), ("square", True, True)], 1, 5, [0, 1], [0], None),
    # a kink at z = 0 in a layer without a bias: w = 0 takes the kink away
    ([("tanh", True, False), ("relu", False, False)], 1, 1, [1, 0], [-1], "weak local maximum"),
    ([("tanh", True, False), ("relu", False, False)], 1, -1, [1, 0], [-1], "global minimum"),
    ([("tanh", True, False), ("relu", False, False)], 1, 1, [1, 2], [-1],
     "kink: weak local maximum"),
    # x = 0: a layer with a bias, or with g(0) ≠ 0, still feeds the ones above
    ([("tanh", True, False), ("tanh", False, False)], 0, 1, [1, 0], [0], "strict saddle"),
    ([("sigmoid", False, False)], 0, 1, [1], [], "flat"),
    ([("sigmoid", False, False), ("tanh", False, False)], 0, 0, [1, 0], [], "global minimum"),
    ([("sigmoid", False, False), ("tanh", False, False)], 0, 1, [1, 0], [], None),
    # zeros of a rational function of weights that are no floats
    ([("dip", False, False)] * 2 + [("tanh", False, False)], 1, 1,
     [sympy.Rational(1, 3), sympy.Rational(-18, 5), 0], [], "strict saddle"),
    ([("wave", True, False), ("wave", False, True)], 1, 9, [1, sympy.Rational(1, 3)], [-1],
     "strict saddle"),
    ([("tanh", True, False), ("tanh", False, True)], 1, 1, [1, -1], [-1], "strict saddle"),
]  # fmt: skip
MINE = {**G, "square": SQUARE, "cube": CUBE} | {n: activation(n) for n in ("gaussian", "relu6")}
MINE |= {
    name: Activation.from_expr(name, T**n + formula, T)
    for name, n, formula in (("dip", 2, -2 * T), ("hill", 2, 1 - 2 * T**2), ("wave", 3, -3 * T))
}
SIGNS = {"minimum": {1}, "maximum": {-1}, "saddle": {1, -1}, "flat": set()}


def _row(row):
    layers, x0, y0, weights, biases, kind = row
    net = Chain([Layer(MINE[g], bias=None if b else False, skip=s) for g, b, s in layers])
    below = iter(biases)
    at = {f"w__{l}": w for l, w in enumerate(weights, 1)} | {"x": x0, "y": y0}
    at |= {f"b__{l}": next(below) for l, (_, b, _) in enumerate(layers, 1) if b}
    return net, at, kind


def _cost(net: Chain, at: dict, context):
    """The cost as a function of the parameters, by mpmath from the formulas of the layers."""
    fs = [sympy.lambdify(Symbol("x", real=True), l.formula(), [context]) for l in net.layers]

    def value(*point):
        table = dict(zip([s.name for s in net.parameters], point, strict=True))
        a = context.mpf(at["x"])
        for l, (f, layer) in enumerate(zip(fs, net.layers, strict=True), 1):
            out = f(table[f"w__{l}"] * a + table.get(f"b__{l}", 0))
            a = out + a if layer.skip else out
        return (a - context.mpf(sympy.Rational(at["y"]).p) / sympy.Rational(at["y"]).q) ** 2 / 2

    return value


@pytest.mark.parametrize("row", POINTS, ids=lambda r: "-".join(g for g, *_ in r[0]) + f"-{r[5]}")
def test_the_type_is_that_of_the_losses_nearby(row):
    net, at, kind = _row(row)
    context = mpmath.mp.clone()
    context.dps = 60
    found = net.diagnose(at)
    if kind is None:
        assert found.is_critical is False
        return
    assert found.is_critical is True
    assert found.case is not None
    said = found.case.kind
    if said == "kink":
        said = f"kink: {found.case.note.split('; a ')[1]}"
    assert said == kind
    assert found.case.verdict
    known = found.state.factors(net)
    factors = found.case.vanishing
    assert all(f in known for f in factors if isinstance(f, Head))
    assert not factors or any(known[f].is_zero() for f in factors if f in known)
    cost = _cost(net, at, context)
    start = [context.mpf(str(sympy.N(at[s.name], 65))) for s in net.parameters]
    here, rng, seen = cost(*start), np.random.default_rng(2), set()
    for scale in (1e-3, 1e-4):
        for _ in range(40):
            moves = rng.normal(size=len(start)) * rng.choice([1, 1, 1e-3, 0], size=len(start))
            near = [v + context.mpf(m) * scale for v, m in zip(start, moves, strict=True)]
            gap = cost(*near) - here
            seen.add(0 if abs(gap) < context.mpf(10) ** -45 else int(context.sign(gap)))
    assert seen - {0} == SIGNS[kind.split()[-1]]
    if kind in ("strict saddle", "degenerate saddle"):
        n = len(start)
        hessian = context.matrix(n, n)
        for i, j in itertools.combinations_with_replacement(range(n), 2):
            order = tuple(int(k == i) + int(k == j) for k in range(n))
            hessian[i, j] = hessian[j, i] = context.diff(cost, tuple(start), order)
        least = min(context.eigsy(hessian, eigvals_only=True))
        assert (least < -1e-12) is (kind == "strict saddle")


@pytest.mark.parametrize(
    ("name", "depth"), [("sigmoid", 2), ("sigmoid", 3), ("silu", 2), ("tanh", 3), ("identity", 2)]
)
def test_one_weight_for_all_layers(name, depth):
    """Every sign change of dC/dw on a grid lies in a listed case, with the type of the change."""
    net = Chain(G[name], depth=depth, bias=False, tie_weights=True, x=1, y=3)
    cases = net.critical_points()[1:]
    assert all(c.verdict for c in cases)
    w = Symbol("w", real=True)
    listed = {}
    for case in cases:
        for eq in case.condition.atoms(Eq):
            if eq.lhs == w and case.condition.subs(w, eq.rhs) == sympy.true:
                listed[float(eq.rhs)] = case.kind
    out = net.layers[0].formula()
    value = sympy.Integer(1)
    for _ in range(depth):
        value = out.subs(Symbol("x", real=True), w * value)
    slope = sympy.lambdify(w, ((value - 3) ** 2 / 2).diff(w), "mpmath")
    grid = [(2 * k + 1) / 16 for k in range(-48, 48)]
    signs = [slope(u) > 0 for u in grid]
    turns = {(u + 1 / 16): after for u, before, after in zip(grid, signs, signs[1:], strict=False)
             if before != after}  # fmt: skip
    turning = {v: k for v, k in listed.items() if "saddle" not in k and abs(v) < 6}
    residual_zero = [u for u in turns if all(abs(u - v) > 1 / 8 for v in turning)]
    output = sympy.lambdify(w, value, "mpmath")
    for u in residual_zero:  # the others have a = y
        assert (output(u - 1 / 8) - 3) * (output(u + 1 / 8) - 3) < 0
    for v, k in turning.items():
        (after,) = [up for u, up in turns.items() if abs(u - v) <= 1 / 8]
        assert ("minimum" in k) is after


def test_the_critical_set_prints_as_a_numbered_list():
    found = Chain(G["tanh"], depth=2, bias=False).critical_points()
    shown = str(found)
    assert shown.startswith("∇C = 0 exactly where one of these holds:\n(1)")
    assert all(f"({k})  {case.kind}" in shown for k, case in enumerate(found, 1))
    assert len(found) == 3 == shown.count("\n(")
