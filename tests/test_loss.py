"""Costs: their derivatives against difference quotients, their kinks, their parameters."""

from __future__ import annotations

import mpmath
import pytest
import sympy
from sympy import Rational, S, Symbol

from symgrad.errors import InputError, UnknownNameError
from symgrad.loss import A, Loss, Y, huber, loss, losses

mp = mpmath.MPContext()
mp.dps = 60
STEP = mp.mpf(10) ** -15
POINTS = [(Rational(1, 3), S.One), (Rational(4, 5), S.Zero), (Rational(1, 7), Rational(1, 2))]
FAR = [(S(3), -S.One), (S(-2), S.One), (Rational(9, 4), S.One), (S(900), S.Zero)]


def named(c):
    return c.name


def values(cost):
    """The points where the cost is what it is meant to be."""
    if cost.name == "hinge":
        return [(a, S.One if y >= 0 else -S.One) for a, y in POINTS + FAR]
    return POINTS if cost.domain.startswith("0 < a") else POINTS + FAR


@pytest.mark.parametrize("cost", losses(), ids=named)
def test_derivatives_are_difference_quotients(cost):
    c, da, daa = (
        sympy.lambdify((A, Y), e, modules=[{"sign": mpmath.sign}, "mpmath"])
        for e in (cost.formula, cost.da, cost.daa)
    )
    before, mpmath.mp.dps = mpmath.mp.dps, 60
    try:
        for a, y in values(cost):
            at, t = mpmath.mpf(a.p) / a.q, mpmath.mpf(y.p) / y.q
            slope = (c(at + STEP, t) - c(at - STEP, t)) / (2 * STEP)
            bend = (da(at + STEP, t) - da(at - STEP, t)) / (2 * STEP)
            size = 1 + abs(slope) + abs(bend)
            assert abs(da(at, t) - slope) < mp.mpf(10) ** -25 * size
            assert abs(daa(at, t) - bend) < mp.mpf(10) ** -25 * size
    finally:
        mpmath.mp.dps = before


@pytest.mark.parametrize("cost", losses(), ids=named)
def test_kinks_are_where_the_slope_jumps(cost):
    assert cost.source
    eps = Rational(1, 10**12)
    for kink in cost.kinks:
        for y in (S.One, -S.One):
            at = kink.at.subs(Y, y)
            left, right = (cost.da.subs({A: at + s * eps, Y: y}) for s in (-1, 1))
            assert left != right
            assert cost.da.subs({A: at, Y: y}) == kink.slope
            assert kink.convention
    if not cost.kinks and cost.domain == "":
        for at in (-1, 0, 1):
            gap = cost.da.subs({A: at + eps, Y: 0}) - cost.da.subs({A: at - eps, Y: 0})
            assert abs(gap.n()) < 1e-11


def test_known_slopes():
    delta = loss("cross_entropy_on_logits").da - (1 / (1 + sympy.exp(-A)) - Y)
    assert sympy.simplify(delta) == 0
    assert sympy.simplify(loss("cross_entropy").da - (A - Y) / (A * (1 - A))) == 0
    assert loss("log_cosh").da == sympy.tanh(A - Y)
    assert loss("log_cosh").daa.is_nonnegative
    assert loss("cross_entropy_on_logits").daa.is_nonnegative


def test_cross_entropies_agree_through_the_logistic_function():
    z = Symbol("z", real=True)
    first = loss("cross_entropy")(1 / (1 + sympy.exp(-z)), Rational(1, 4))
    second = loss("cross_entropy_on_logits")(z, Rational(1, 4))
    for at in (-3, Rational(1, 5), 2):
        assert abs((first - second).subs(z, at).n(40)) < 1e-35


def test_huber_with_another_threshold():
    wide = huber.bind(delta=Rational(5, 2))
    assert wide(2, 0) == 2
    assert wide(3, 0) == Rational(5, 2) * (3 - Rational(5, 4))
    assert wide.da.subs({A: -7, Y: 0}) == -Rational(5, 2)
    assert huber.parameters[0].name == "delta"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Loss("c", A * Symbol("q")), "symbols"),
        (lambda: huber.bind(delta=-1), "positive delta"),
        (lambda: huber.bind(gamma=1), "delta"),
        (lambda: loss("squared_error").bind(delta=1), "none"),
    ],
)
def test_wrong_input(act, message):
    with pytest.raises(InputError, match=message):
        act()


def test_a_users_cost():
    cost = Loss.from_callable("c", lambda a, y: sympy.Max(0, a - y) ** 2)
    assert cost.da.subs({A: 3, Y: 1}) == 4
    assert cost.da.subs({A: 0, Y: 1}) == 0
    with pytest.raises(UnknownNameError, match="huber"):
        loss("hubert")
