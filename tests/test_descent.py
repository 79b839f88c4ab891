"""Descent: closed forms against iteration, theorems that can fail, tails against quadrature."""

from __future__ import annotations

from itertools import pairwise

import mpmath
import pytest
import sympy
from sympy import Function, Matrix, Rational, exp, oo, symbols

from symgrad.descent import (
    Adagrad,
    GradientDescent,
    Newton,
    escape_time,
    invariance,
    newton_step,
    quadratic_law,
    trajectory,
)
from symgrad.errors import DomainError, InputError, UnsupportedError
from symgrad.fact import Proved

u, v, z = symbols("u v z", real=True)
BOWL = u**2 / 1000 + v**2
SIGMOID = 1 / (1 + exp(-z))
PLATEAU = (SIGMOID - Rational(9, 10)) ** 2 / 2


def test_closed_form_is_the_iteration():
    law = quadratic_law(BOWL + u, (u, v), Rational(1, 3))
    assert isinstance(law.verdict, Proved)
    path = trajectory(BOWL + u, {u: 2, v: -1}, 12, GradientDescent(Rational(1, 3)), digits=None)
    for n, point in enumerate(path.points):
        assert point == law.at(n, (2, -1))


@pytest.mark.parametrize("tolerance", [Rational(1, 10), Rational(1, 1000), Rational(999, 1000)])
def test_steps_to_a_tolerance_by_counting(tolerance):
    law = quadratic_law(u**2 / 20 + v**2, (u, v), Rational(3, 5))
    n = law.steps_to(tolerance, (1, 3))
    inside = [all(abs(c) <= tolerance for c in law.at(k, (1, 3))) for k in range(n + 3)]
    assert inside == [False] * n + [True] * 3


def test_the_source_example_is_not_at_its_minimum_after_1000_iterations():
    law = quadratic_law(BOWL, (u, v), Rational(1, 2))
    assert law.at(1000, (1, 1))[0] == Rational(999, 1000) ** 1000
    assert Rational(36, 100) < law.at(1000, (1, 1))[0] < Rational(37, 100)
    assert law.steps_to(Rational(1, 1000), (1, 1)) == 6905
    assert law.steps_to(Rational(1, 1000), (1000, 1)) is not None


def test_stability_is_sharp():
    law = quadratic_law(BOWL, (u, v), Rational(1, 2))
    assert law.stable_below == 1
    for rate, grows in ((Rational(101, 100), True), (Rational(99, 100), False)):
        factor = max(abs(q) for q in quadratic_law(BOWL, (u, v), rate).factors)
        assert (factor > 1) == grows
    assert quadratic_law(BOWL, (u, v), 1).steps_to(Rational(1, 100), (1, 1)) is None
    k = law.condition_number
    best = quadratic_law(BOWL, (u, v), law.best_rate)
    assert max(abs(q) for q in best.factors) == (k - 1) / (k + 1)


@pytest.mark.parametrize("method", [GradientDescent(1), Newton(), Adagrad(1)])
def test_invariance_holds_on_a_real_function(method):
    """The stated relation against two steps on a concrete f, numbers in."""
    assert isinstance(invariance(method).verdict, Proved)
    c, k, o, start = Rational(3), Rational(5, 2), Rational(1, 7), Rational(1, 3)
    f = sympy.cosh(z) + z**4
    bent = c * f.subs(z, o + k * (z - o))
    eta = Rational(1, 100)
    factor = {"GradientDescent": c * k**2, "Newton": 1, "Adagrad": k}[type(method).__name__]
    here = type(method)() if isinstance(method, Newton) else type(method)(eta)
    there = type(method)() if isinstance(method, Newton) else type(method)(eta * factor)
    one = trajectory(bent, {z: start}, 3, here, digits=40).points
    two = trajectory(f, {z: o + k * (start - o)}, 3, there, digits=40).points
    for (a,), (b,) in zip(one, two, strict=True):
        assert abs(o + k * (a - o) - b) < Rational(1, 10**35)


def test_newton_walks_away_on_a_plateau():
    step = newton_step(PLATEAU, z, -oo, 2)
    assert step.terms[0] == -1
    assert isinstance(step.verdict, Proved)
    points = [p[0] for p in trajectory(PLATEAU, {z: -10}, 5, Newton()).points]
    assert all(b - a < Rational(-99, 100) for a, b in pairwise(points))


@pytest.mark.parametrize(
    ("slope", "toward", "start"),
    [
        (PLATEAU.diff(z), -oo, -25),
        (z * exp(-(z**2)), oo, 9),
        (1 / (1 + z**2), oo, 400),
    ],
)
def test_escape_time_against_quadrature(slope, toward, start):
    law = escape_time(slope, z, toward)
    with mpmath.workdps(30):
        h = sympy.lambdify(z, 1 / slope, modules="mpmath")
        near = mpmath.sign(start)
        middle = [start * mpmath.mpf(j) / 20 for j in range(1, 20)]
        middle = [m for m in middle if abs(m) > 1]
        time = abs(mpmath.quad(h, [near, *middle, start]))
        assert abs(float(law.subs(z, start)) / float(time) - 1) < 0.02  # leading order only


def test_no_escape_from_an_exact_zero():
    assert escape_time(sympy.Piecewise((z, z > 0), (0, True)), z, -oo) == oo


def test_adagrad_first_steps_do_not_see_the_scale_of_the_gradient():
    path = trajectory(BOWL, {u: 1, v: 1}, 1, Adagrad(Rational(1, 10)), digits=None).points[1]
    assert path == (Rational(9, 10), Rational(9, 10))


def test_a_wrong_law_would_be_refuted():
    c, k = symbols("c k", positive=True)
    g = Matrix([c * k * Function("f'")(z)])
    assert GradientDescent(1).step(g, Matrix(), (0,))[0] != Matrix([-Function("f'")(z)])


def test_bad_input():
    with pytest.raises(InputError):
        trajectory(u * v, {u: 1}, 3, Newton())
    with pytest.raises(UnsupportedError):
        quadratic_law(u * v + u**2 + v**2, (u, v), 1)
    with pytest.raises(DomainError):
        quadratic_law(u**2 - v**2, (u, v), 1)
    with pytest.raises(DomainError):
        trajectory(z**3 * 0 + u * 0 + z, {z: 1, u: 1}, 1, Newton())
