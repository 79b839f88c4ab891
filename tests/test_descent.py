"""Descent: closed forms against iteration, theorems that can fail, tails against quadrature."""

from __future__ import annotations

from itertools import pairwise

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Function, Matrix, Rational, exp, oo, symbols

from symgrad.catalogue import sigmoid
from symgrad.chain import Chain
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
from symgrad.fact import Proved, Refuted

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
    inside = [sum(c**2 for c in law.at(k, (1, 3))) <= tolerance**2 for k in range(n + 3)]
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


@pytest.mark.parametrize(
    ("method", "A", "holds"),
    [
        (GradientDescent(1), [[3, -4], [4, 3]], True),
        (GradientDescent(1), [[1, 0], [0, 2]], False),
        (Newton(), [[1, 2], [3, 4]], True),
        (Adagrad(1), [[2, 0], [0, -3]], True),
        (Adagrad(1), [[1, -1], [1, 1]], False),
    ],
)
def test_invariance_under_a_matrix_against_two_steps(method, A, holds):
    """The first step on f(A x) and on f, with numbers: the same exactly where the fact says so."""
    fact = invariance(method, A)
    assert isinstance(fact.verdict, Proved if holds else Refuted)
    M, f = Matrix(A), u**4 + u * v + 3 * v**2 + u
    eta, at = Rational(1, 100), Matrix([Rational(1, 2), Rational(1, 3)])
    bent = f.subs(dict(zip((u, v), M * Matrix([u, v]), strict=True)), simultaneous=True)
    make = (lambda: Newton()) if isinstance(method, Newton) else (lambda: type(method)(eta))
    step = lambda h, x: (
        Matrix(trajectory(h, {u: x[0], v: x[1]}, 1, make(), digits=None).points[1]) - x
    )
    here, there = M * step(bent, at), step(f, M * at)
    rates = {
        GradientDescent: sympy.eye(2) * (M * M.T)[0, 0],
        Newton: sympy.eye(2),
        Adagrad: sympy.diag(*(abs(k) for k in M.diagonal())),
    }[type(method)]
    assert (here - rates * there).applyfunc(sympy.nsimplify).is_zero_matrix == holds


def test_invariance_of_newton_stops_at_changes_that_are_not_affine():
    """On u² Newton is there in one step; with u = v³ it takes the factor 4/5 of v for ever."""
    assert trajectory(u**2, {u: 1}, 1, Newton(), digits=None).points[1] == (0,)
    assert trajectory(v**6, {v: 1}, 1, Newton(), digits=None).points[1] == (Rational(4, 5),)


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
    assert GradientDescent(1).step(g, Matrix, (0,))[0] != Matrix([-Function("f'")(z)])


SLANTED = [
    u**2 + u * v + v**2 + u,
    3 * u**2 - 2 * u * v + v**2 / 7 - v,
    u**2 - v**2 + u * v,
    u**2 + v**2 + z**2 + (u * v + v * z) / 2 + u,
    u**2 + 2 * v**2 + 3 * z**2 + u * v / 3 + v * z / 5 + u * z,
]


@pytest.mark.parametrize("f", SLANTED)
def test_any_symmetric_hessian_has_its_closed_form(f):
    names = tuple(sorted(f.free_symbols, key=str))
    law = quadratic_law(f, names, Rational(1, 10))
    assert isinstance(law.verdict, Proved)
    start = (2, -1, Rational(1, 3))[: len(names)]
    path = trajectory(f, dict(zip(names, start, strict=True)), 5, GradientDescent(Rational(1, 10)),
                      digits=None)  # fmt: skip
    for n, point in enumerate(path.points):
        assert all(sympy.expand(a - b) == 0 for a, b in zip(law.at(n, start), point, strict=True))
    if law.projectors:
        n = sympy.Symbol("n", integer=True, nonnegative=True)
        closed = [e.subs(n, 4).n(30) for e in law.at(n, start)]
        assert max(abs(a - b) for a, b in zip(closed, path.points[4], strict=True)) < 1e-25
    wanted = np.linalg.eigvalsh(np.array(sympy.hessian(f, names).tolist(), dtype=float))
    assert [float(c.n(20)) for c in law.curvatures] == pytest.approx(wanted, abs=1e-12)


def test_an_indefinite_quadratic_has_no_stable_rate():
    law = quadratic_law(u**2 - v**2 + u * v, (u, v), Rational(1, 4))
    assert law.stable_below == 0
    assert law.steps_to(1, (2, 3)) is None
    with pytest.raises(DomainError, match="positive curvatures"):
        _ = law.condition_number


def test_steps_on_a_slanted_quadratic_by_counting():
    law = quadratic_law(SLANTED[0], (u, v), Rational(1, 4))
    n = law.steps_to(Rational(1, 1000), (2, -1))
    gaps = [
        sum((a - c) ** 2 for a, c in zip(law.at(k, (2, -1)), law.optimum, strict=True))
        for k in (n - 1, n)
    ]
    assert gaps[0] > Rational(1, 10**6) >= gaps[1]


def small_chain(**settings):
    return Chain(sigmoid, depth=2, x=1, y=Rational(9, 10), **settings)


START = {"w__1": Rational(1, 2), "w__2": 1, "b__1": -1, "b__2": -3}


@pytest.mark.parametrize("method", [GradientDescent(2), Adagrad(Rational(1, 5)), Newton()])
def test_the_maps_on_a_chain_are_the_maps_on_its_cost(method):
    net = small_chain()
    cost = (sigmoid(net.w(2) * sigmoid(net.w(1) + net.b(1)) + net.b(2)).doit()
            - Rational(9, 10)).doit() ** 2 / 2  # fmt: skip
    names = {v: START[v.name] for v in net.parameters}
    if isinstance(method, Newton):  # the chain's Hessian is singular; one weight moves it alone
        net = Chain(sigmoid, depth=1, x=1, y=Rational(9, 10), bias=False)
        cost, names = (sigmoid(net.w(1)).doit() - Rational(9, 10)) ** 2 / 2, {net.w(1): -10}
    on_chain = trajectory(net, names, 4, method, digits=30)
    on_formula = trajectory(cost, names, 4, method, digits=40)
    for a, b in zip(on_chain.points, on_formula.points, strict=True):
        assert max(abs(p - q) for p, q in zip(a, b, strict=True)) < Rational(1, 10**25)
    for a, b in zip(on_chain.values, on_formula.values, strict=True):
        assert abs(a - b) < Rational(1, 10**25)


def test_two_samples_are_their_mean_and_said_to_leave_the_theorems():
    samples = [(1, Rational(9, 10)), (2, 0)]
    both = trajectory(small_chain(), START, 1, GradientDescent(1), samples=samples)
    each = [
        trajectory(Chain(sigmoid, depth=2, x=x, y=y), START, 0, GradientDescent(1)).values[0]
        for x, y in samples
    ]
    assert abs(both.values[0] - sum(each) / 2) < Rational(1, 10**25)
    assert "theorems on critical points are about one" in str(both)


def test_an_interrupt_gives_back_the_points_so_far():
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    path = trajectory(BOWL, {u: 1, v: 1}, 50, GradientDescent(1), progress=stop)
    assert path.interrupted
    assert len(path.points) == len(path.values) == len(path.gradients) == 3
    assert "Interrupted after 2 steps" in str(path)


def test_heights_of_the_gradients():
    path = trajectory(small_chain(), START, 2, GradientDescent(1))
    heights = path.gradient_heights()
    assert list(map(str, heights)) == ["w__1", "w__2"]
    for v, found in heights.items():
        k = path.variables.index(v)
        wanted = [float(sympy.log(abs(g[k]), 10)) for g in path.gradients]
        assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: invariance(Newton(), [[1, 1], [1, 1]]),
        lambda: invariance(Newton(), [[1, 1]]),
        lambda: GradientDescent(0),
        lambda: GradientDescent(-1),
        lambda: GradientDescent(oo),
        lambda: GradientDescent("1"),
        lambda: Adagrad(sympy.I),
        lambda: trajectory(u**2, {u: sympy.I}, 3, Newton()),
        lambda: trajectory(u**2, {u: oo}, 3, Newton()),
        lambda: trajectory(u**2, {u: 1}, -3, Newton()),
        lambda: trajectory(u**2, {u: 1}, 3, None),
        lambda: trajectory(u**2, {u: 1}, 3, Newton(), samples=[(1, 1)]),
        lambda: trajectory(small_chain(), {"w__1": 1}, 3, GradientDescent(1)),
        lambda: trajectory(small_chain(), START, 3, GradientDescent(1), digits=None),
        lambda: quadratic_law(BOWL, (u, v), 1).steps_to(0, (1, 1)),
        lambda: quadratic_law(BOWL, (u, v), 1).steps_to(1, (1,)),
        lambda: quadratic_law(BOWL, (u, v), 0),
    ],
)
def test_what_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()


def test_bad_input():
    with pytest.raises(InputError):
        trajectory(u * v, {u: 1}, 3, Newton())
    with pytest.raises(UnsupportedError):
        quadratic_law(u**3, (u,), 1)
    with pytest.raises(DomainError, match="singular"):
        quadratic_law(u**2 + v, (u, v), 1)
    with pytest.raises(DomainError):
        trajectory(z**3 * 0 + u * 0 + z, {z: 1, u: 1}, 1, Newton())
    with pytest.raises(DomainError, match="not a real number"):
        trajectory(sympy.log(u), {u: -1}, 1, GradientDescent(1))
