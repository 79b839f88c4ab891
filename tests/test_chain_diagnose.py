"""The diagnosis of a point: decades that add up, exact zeros, certified distances."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Rational, Symbol

from symgrad.catalogue import activation
from symgrad.chain import Chain, Layer, a_, w_, z_
from symgrad.errors import DomainError, InputError

G = {n: activation(n) for n in ("sigmoid", "tanh", "relu", "identity", "silu")}


def test_decades_are_the_logarithms_of_the_factors_and_add_up():
    net = Chain(
        [Layer(G["sigmoid"]), Layer(G["tanh"], skip=True), Layer(G["silu"]), Layer(G["tanh"])]
    )
    at = {"x": Rational(1, 3), "y": 2, "w": [1, -2, 3, Rational(1, 7)], "b": [0, 1, -1, 5]}
    found = net.diagnose(at)
    for row in found.layers:
        shares = found.shares(row.layer)
        assert row.decades == pytest.approx(-math.log10(abs(float(row.weight_gradient))), rel=1e-12)
        assert sum(d for _, d in shares) == pytest.approx(row.decades, rel=1e-12)
        assert shares[0] == (row.largest, row.largest_share)
    assert sum(found.decades.values()) == pytest.approx(found.layers[0].decades)


def test_the_saturated_unit_is_named():
    net = Chain(G["sigmoid"], depth=4)
    found = net.diagnose({"x": 1, "y": 1, "w": [1, 1, 1, 1], "b": [0, 0, 40, 0]})
    for row in found.layers[:3]:
        assert row.largest == G["sigmoid"].d(1)(z_(3))
        assert row.largest_share == pytest.approx(float((40 + 0.66) / math.log(10)), abs=0.1)
    assert "decades come from sigmoid'(z__3)" in found.layers[0].sentence()
    assert found.is_critical is False


def test_digits_are_right_far_below_the_least_float():
    net = Chain(G["tanh"], depth=2)
    found = net.diagnose({"x": 1, "y": 0, "w": [1, 1], "b": [2000, 0]}, digits=30)
    with mpmath.workdps(2000):
        a1 = mpmath.tanh(2001)
        a2 = mpmath.tanh(a1)
        true = a2 * (1 - a2**2) * (1 - a1**2)
        text = mpmath.nstr(true, 25)
    mantissa, exponent = str(found.layers[0].delta.str(25, radius=False)).split("e")
    assert exponent == text.split("e")[1]
    assert mantissa[:24] == text.split("e")[0][:24]


def test_an_exact_minimum_is_recognized_also_without_a_rational_output():
    net = Chain(G["tanh"], depth=2)
    inner = G["tanh"](Rational(1, 2)).doit()
    found = net.diagnose({"x": 1, "y": sympy.tanh(inner), "w": [Rational(1, 2), 1], "b": [0, 0]})
    assert found.is_critical is True
    assert found.case is not None
    assert found.case.kind == "global minimum"
    target = sympy.tanh(inner) + Rational(1, 10**60)
    near = net.diagnose({"x": 1, "y": target, "w": [Rational(1, 2), 1], "b": [0, 0]})
    assert near.is_critical is False


def test_what_cannot_be_decided_is_undecided():
    # a^L - y is zero, but through a depth at which no algebra is tried.
    net = Chain(G["identity"], depth=7, bias=False)
    found = net.diagnose({"x": sympy.sqrt(2), "y": sympy.root(4, 4), "w": [1] * 7})
    assert found.is_critical in (None, True)
    if found.is_critical is None:
        assert not found.verdict
        assert "Not decided" in found.why


def test_the_radius_has_no_critical_point_in_it():
    net = Chain(G["identity"], depth=1)  # the critical points are w x + b = y
    found = net.diagnose({"x": 1, "y": 1, "w": [0], "b": [0]})
    assert found.radius is not None
    assert 0 < found.radius <= Rational(1, 2)  # the nearest has w = b = 1/2
    assert found.radius >= Rational(1, 4)
    dead = Chain(G["tanh"], depth=2).diagnose({"x": 1, "y": 5, "w": [1, 1], "b": [0, 0]})
    assert dead.radius is not None
    assert not dead.radius.is_finite()  # no target beyond 1 is ever reached
    assert "no critical point at all" in str(dead)
    low = Chain(G["relu"], depth=1).diagnose({"x": 1, "y": -1, "w": [1], "b": [1]})
    assert low.radius is not None
    assert 0 < low.radius <= 1  # w = b = 0 is on the kink, beyond it all is flat


def test_the_loss_still_to_gain_is_above_the_infimum():
    inside = Chain(G["tanh"], depth=2).diagnose({"x": 1, "y": 0.5, "w": [1, 1], "b": [1, 1]})
    assert inside.to_gain is not None
    assert float(inside.to_gain) == float(inside.cost)
    outside = Chain(G["tanh"], depth=2).diagnose({"x": 1, "y": 3, "w": [1, 1], "b": [1, 1]})
    assert outside.to_gain is not None
    assert float(outside.cost) - float(outside.to_gain) == pytest.approx(2.0)  # (3 - 1)²/2


@pytest.mark.parametrize(
    ("g", "loss", "y", "infimum"),
    [
        ("sigmoid", "cross_entropy", 1, 0),
        ("sigmoid", "cross_entropy", Rational(1, 4), None),  # the entropy of 1/4
        ("tanh", "hinge", 1, 0),
        ("tanh", "log_cosh", 3, math.log(math.cosh(2))),
        ("tanh", "huber", 3, 1.5),
        ("tanh", "absolute_error", -2, 1),
        ("silu", "squared_error", -1, (1 - 0.2784645427610738) ** 2 / 2),
        ("identity", "cross_entropy_on_logits", 0, 0),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_the_infimum_of_every_cost(g, loss, y, infimum, bias):
    """What is left to gain, against a search over outputs far into both tails."""
    net = Chain(G[g], depth=2, loss=loss, bias=bias)
    at = {"x": 1, "y": y, "w": [1, 1], **({"b": [0, 0]} if bias else {})}
    found = net.diagnose(at)
    assert found.to_gain is not None
    least = float(found.cost) - float(found.to_gain)
    if infimum is not None:
        assert least == pytest.approx(infimum, abs=1e-9)
    cost = sympy.lambdify(Symbol("a", real=True), net.loss(Symbol("a", real=True), y), "mpmath")
    with mpmath.workdps(40):
        out = sympy.lambdify(Symbol("x", real=True), net.layers[0].formula(), "mpmath")
        seen = [cost(out(mpmath.mpf(k) / 8)) for k in range(-320, 321)]
    assert min(seen) >= least - 1e-12
    assert float(min(seen)) == pytest.approx(least, abs=2e-3)


def test_the_residual_chain_and_tied_weights():
    net = Chain([Layer(G["tanh"], skip=True)] * 2)
    skip = net.diagnose({"x": 1, "y": 9, "w": [1, 1], "b": [0, 0]})
    assert skip.to_gain is not None
    assert float(skip.cost - skip.to_gain) == pytest.approx((9 - 3) ** 2 / 2)  # |aᴸ − x| < 2
    tied = Chain(G["tanh"], depth=2, bias=False, tie_weights=True)
    assert tied.diagnose({"x": 1, "y": 1, "w": 2}).to_gain is None


def test_a_kink_is_said_with_its_convention():
    net = Chain([G["relu"], G["identity"]])
    found = net.diagnose({"x": 1, "y": 3, "w": [1, 1], "b": [-1, 0]})
    assert len(found.notes) == 1
    assert "kink z = 0" in found.notes[0]
    assert "slope 0" in found.notes[0] or "taken as 0" in found.notes[0]
    assert found.layers[0].vanishing == (G["relu"].d(1)(z_(1)),)
    assert found.layers[0].sentence().startswith("∂C/∂w1 = 0 exactly")


def test_zero_factors_are_listed():
    net = Chain(G["tanh"], depth=3, bias=False)
    found = net.diagnose({"x": 2, "y": 1, "w": [0, 1, 0]})
    assert w_(3) in found.layers[0].vanishing
    assert set(found.layers[1].vanishing) == {w_(3), a_(1)}
    assert found.layers[2].vanishing == (a_(2),)
    assert found.layers[0].relative_update is None
    assert found.is_critical is True


def test_points_are_read_by_name_by_symbol_and_from_arrays():
    net = Chain(G["sigmoid"], depth=2)
    by_name = net.diagnose({"x": 1, "y": 0, "w": np.array([0.5, 0.25]), "b": (1, 2)})
    by_symbol = net.diagnose({
        net.input: 1, Symbol("y", real=True): 0,
        net.w(1): 0.5, net.w(2): 0.25, net.b(1): 1, net.b(2): 2,
    })  # fmt: skip
    assert float(by_name.layers[0].delta) == float(by_symbol.layers[0].delta)
    with pytest.raises(InputError, match="none was given for y"):
        net.diagnose({"x": 1, "w": [1, 1], "b": [0, 0]})
    with pytest.raises(InputError, match="must be a number"):
        net.diagnose({"x": Symbol("t"), "y": 0, "w": [1, 1], "b": [0, 0]})
    with pytest.raises(InputError, match="finite"):
        net.diagnose({"x": math.nan, "y": 0, "w": [1, 1], "b": [0, 0]})


def test_a_cost_that_is_not_defined_there_is_one_error():
    net = Chain([G["identity"]], loss="cross_entropy")
    with pytest.raises(DomainError, match="the cost"):
        net.diagnose({"x": 1, "y": 1, "w": [-2], "b": [0]})


def test_the_text_answers_the_question():
    at = {"x": 1, "y": Rational(1, 2), "w": [1] * 3, "b": [9] * 3}
    text = str(Chain(G["sigmoid"], depth=3).diagnose(at))
    assert text.startswith("Not a critical point")
    assert "it can still fall by" in text
    assert "No critical point has every parameter within" in text
    assert all(len(line) <= 80 for line in text.splitlines())
