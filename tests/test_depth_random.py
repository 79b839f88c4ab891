"""Random weights: moments against quadrature of the density, laws against simulation."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy
from sympy import EulerGamma, Rational, exp, log, pi, sqrt

from symgrad.catalogue import arctan, erf, identity, leaky_relu, relu, sigmoid, tanh
from symgrad.depth import (
    Mean,
    compare_initialisations,
    distributed,
    initialisations,
    mean_log_slope,
    normal,
    random_law,
    sampled,
    signs,
    simulate,
    uniform,
)
from symgrad.errors import DomainError, InputError, UndecidedError
from symgrad.fact import Proved, Undecided
from symgrad.rigor import constant


@pytest.mark.parametrize("weights", [normal(1), normal(Rational(5, 2)), uniform(1), uniform(3)])
def test_moments_against_quadrature(weights):
    w = sympy.Symbol("w", positive=True)
    density = sympy.lambdify(w, weights.density(w), modules="mpmath")
    end = mpmath.inf if weights.name[0] == "N" else float(weights.scale)
    points = [0, mpmath.mpf(1) / 100, 1, end]
    with mpmath.workdps(25):

        def mean(h):
            return 2 * mpmath.quad(
                lambda t: density(t) * h(t), points if end != 1 else [0, 0.01, 1]
            )

        found = [mean(mpmath.log), mean(lambda t: mpmath.log(t) ** 2), mean(lambda t: t * t)]
        wanted = [weights.mean_log, weights.var_log + weights.mean_log**2, weights.mean_square]
        for a, b in zip(found, wanted, strict=True):
            assert (
                abs(a - mpmath.mpf(str(sympy.N(b, 25)))) < 1e-12
            )  # tanh-sinh at a log singularity


def test_critical_scale_of_the_linear_chain():
    assert (
        sympy.simplify(random_law(normal(1), identity).critical_scale - sqrt(2 * exp(EulerGamma)))
        == 0
    )
    law = random_law(normal(sqrt(2 * exp(EulerGamma))), identity)
    assert law.exponent.equals(0)


@pytest.mark.parametrize(
    ("weights", "g"),
    [
        (normal(1), identity),
        (uniform(3), identity),
        (signs(2), leaky_relu),
        (normal(2), leaky_relu),
        (normal(1), tanh),
        (uniform(1), arctan),
    ],
)
def test_law_against_simulation(weights, g):
    law = random_law(weights, g)
    assert isinstance(law.verdict, Proved)
    n, samples = 300, 4000
    logs = simulate(weights, g, n, samples, seed=1)
    lam, v = float(law.exponent), float(law.variance)
    # five standard errors, and the transient of the first layers (bounded while z settles)
    assert abs(logs.mean() - lam * n) < 5 * np.sqrt(v * n / samples) + 4
    assert logs.var() == pytest.approx(v * n, rel=0.15, abs=2)


def test_relu_chain_dies_by_fair_coins():
    law = random_law(normal(1), relu)
    assert law.alive == Rational(1, 2)
    assert isinstance(law.verdict, Proved)
    logs = simulate(normal(1), relu, 5, 40_000, seed=2)
    alive = np.isfinite(logs).mean()
    # z¹ = 1 is fixed in the simulation, so four coins are left
    assert alive == pytest.approx(2.0**-4, abs=5 * np.sqrt(2.0**-4 / 40_000))


def test_typical_and_mean_square_differ():
    law = random_law(normal(1), identity)
    assert law.mean_square == 1
    assert law.exponent == -(log(2) + EulerGamma) / 2 or law.exponent.equals(
        -(log(2) + EulerGamma) / 2
    )
    assert law.variance == pi**2 / 8


def test_above_the_critical_scale_nothing_is_claimed():
    law = random_law(normal(3), tanh)
    assert isinstance(law.verdict, Undecided)
    assert law.exponent is None
    assert law.fact.evidence.points > 0


def test_initialisations_and_bad_input():
    assert len({w.name for w in initialisations()}) == 6
    for bad in (0, -1, sympy.oo):
        with pytest.raises(InputError):
            normal(bad)


def density(expr, **settings):
    return distributed(expr, V, **settings)


V = sympy.Symbol("v", real=True)
BELL = exp(-(V**2) / 2) / sqrt(2 * pi)
OWN = [
    # density             E log|w|                  E w²
    (BELL,                -(EulerGamma + log(2)) / 2, 1),
    (exp(-sympy.Abs(V)) / 2, -EulerGamma,           2),
    (1 / (pi * (1 + V**2)), 0,                      sympy.oo),
]  # fmt: skip


@pytest.mark.parametrize(("p", "mean_log", "square"), OWN)
def test_own_density_has_proved_moments(p, mean_log, square):
    weights = density(p)
    assert weights.symmetric
    ball = weights.mean_log.enclose().ball(128)
    assert ball.overlaps(constant(sympy.S(mean_log), 128))
    assert float(ball.rad()) < 1e-15
    if square == sympy.oo:
        assert weights.mean_square == sympy.oo
    else:
        assert weights.mean_square.enclose().ball(128).overlaps(constant(sympy.S(square), 128))


def test_own_density_gives_the_law_of_the_built_in_one():
    own, built_in = (random_law(w, tanh) for w in (density(BELL), normal(1)))
    assert isinstance(own.verdict, Proved)
    assert abs(float(own.exponent) - float(built_in.exponent)) < 1e-15
    assert abs(float(own.variance) - float(built_in.variance)) < 1e-14


SLOPES = [
    # g        density of z                       E log|g'(z)|
    (sigmoid,  exp(-V) / (1 + exp(-V)) ** 2,      -2),
    (arctan,   1 / (pi * (1 + V**2)),             -2 * log(2)),
    (leaky_relu, BELL,                            -log(10)),
    (erf,      BELL,                              log(2 / sqrt(pi)) - 1),
]  # fmt: skip


@pytest.mark.parametrize(("g", "p", "truth"), SLOPES)
def test_mean_log_slope_against_closed_forms(g, p, truth):
    found = mean_log_slope(g, p, V).enclose()
    assert found.ball(128).overlaps(constant(sympy.S(truth), 128))
    assert found.rad < 1e-15


def test_means_that_are_infinite_or_not_found_are_said():
    with pytest.raises(DomainError, match="infinite"):
        mean_log_slope(relu, BELL, V).enclose()
    with pytest.raises(UndecidedError, match="integrable"):
        Mean(V**2, 1 / (pi * (1 + V**2)), V, sympy.S.Reals).enclose()


def test_a_sampler_alone_is_measured():
    law = random_law(sampled("mine", lambda rng, n: rng.standard_normal(n)), tanh)
    assert isinstance(law.verdict, Undecided)
    assert law.fact.evidence.points > 0


def test_comparison_has_the_laws_and_medians_near_them():
    found = compare_initialisations(identity, depth=200, samples=2000, seed=3)
    for law, points in zip(found.laws, found.measured, strict=True):
        n = len(points) - 1
        spread = float(sqrt(law.variance * n)) / np.log(10)
        # the median of a normal sample: standard error 1.25 σ/√samples; five of them
        room = 5 * 1.2534 * spread / np.sqrt(found.samples) + 1e-9
        assert abs(points[-1] - float(law.exponent) * n / np.log(10)) <= room
    text = str(found)
    assert all(law.weights.name.split("(")[0] in text for law in found.laws)


def test_weights_of_one_size_follow_the_law_of_equal_layers():
    law = random_law(signs(1), tanh)
    assert isinstance(law.verdict, Proved)
    assert law.exponent == 0
    assert law.equal_layers.exponent == Rational(-3, 2)
    logs = simulate(signs(1), tanh, 2000, 3, seed=4)
    predicted = float(law.equal_layers.predict(2000).log())
    assert logs == pytest.approx([predicted] * 3, abs=2e-3)  # 9/40 log n/n is 9e-4


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: density(exp(-(V**2))),
        lambda: density(V + Rational(1, 2), on=sympy.Interval(-1, 1)),
        lambda: density(BELL, on=sympy.Union(sympy.Interval(0, 1), sympy.Interval(2, 3))),
        lambda: simulate(density(BELL), tanh, 3, 3),
        lambda: simulate(normal(1), tanh, 0, 3),
    ],
)
def test_bad_laws_of_weights(wrong):
    with pytest.raises(InputError):
        wrong()
