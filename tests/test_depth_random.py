"""Random weights: moments against quadrature of the density, laws against simulation."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy
from sympy import EulerGamma, Rational, exp, log, pi, sqrt

from symgrad.catalogue import arctan, identity, leaky_relu, relu, tanh
from symgrad.depth import initialisations, normal, random_law, signs, simulate, uniform
from symgrad.errors import InputError
from symgrad.fact import Proved, Undecided


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
