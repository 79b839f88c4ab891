"""Sup, inf, zeros, Lipschitz constants and saturation, against mpmath and closed forms."""

from __future__ import annotations

import itertools
import statistics
import time

import mpmath
import pytest
import sympy
from flint import arb
from sympy import (
    E,
    FiniteSet,
    Interval,
    LambertW,
    Rational,
    Reals,
    S,
    Symbol,
    acosh,
    cos,
    erf,
    exp,
    log,
    oo,
    pi,
    sin,
    sqrt,
)  # fmt: skip

from symgrad.activation import Activation, univariate
from symgrad.bounds import extrema, lipschitz, monotone, saturation, signs, zeros
from symgrad.bounds.breaks import pieces_on
from symgrad.bounds.closed import exact_zeros, factors, identically_zero, neat
from symgrad.bounds.numbers import compare, value_at
from symgrad.bounds.waves import CellZero, cells, period_of
from symgrad.catalogue import activation, activations
from symgrad.errors import DomainError, InputError
from symgrad.fact import Proved, Undecided
from symgrad.rigor import constant
from symgrad.rigor.search import Budget, Meter, Search

x = Symbol("x", real=True)


def bound(g: Activation) -> Activation:
    """The activation with the number 3/2 for each parameter that has no usual value."""
    return g.bind(**{s.name: Rational(3, 2) for s in g.free_symbols})


USUAL = "sigmoid tanh softplus silu mish gelu elu relu hard_swish softsign sinc snake".split()


def sweep(*extra: list) -> list:
    """One case per activation of the catalogue; those that are not usual are long sweeps."""
    cases = []
    for g in activations():
        for more in extra[0]:
            usual = g.name in USUAL
            marks = () if usual else (pytest.mark.numeric,)
            cases.append(pytest.param(bound(g), more, id=f"{g.name}-{more}", marks=marks))
    return cases


ORDERS = sweep([0, 1, 2])
ALL = [case.values for case in ORDERS]


def smooth_values(g: Activation, n: int, points: list[mpmath.mpf]) -> list[mpmath.mpf]:
    """g⁽ⁿ⁾ by mpmath's numeric differentiation of the formula: another road than our algebra."""
    f = sympy.lambdify(x, g.formula(x), "mpmath")
    kinks = [mpmath.mpf(str(k.at.n(20))) for k in g.kinks]
    away = [p for p in points if all(abs(p - k) > 0.01 for k in kinks) and abs(p) > 0.01]
    return [mpmath.diff(f, p, n, h=mpmath.mpf("1e-12")) if n else f(p) for p in away]


@pytest.mark.parametrize("g", [bound(g) for g in activations()], ids=lambda g: g.name)
def test_every_slope_has_proved_extrema_and_zeros(g):
    assert isinstance(extrema(g.d(1)).verdict, Proved)
    assert isinstance(zeros(g.d(1)).verdict, Proved)


@pytest.mark.parametrize(("g", "n"), ORDERS)
def test_extrema_bound_what_mpmath_sees(g, n):
    found = extrema(g.d(n))
    assert isinstance(found.verdict, Proved)
    with mpmath.workdps(50):
        points = [mpmath.mpf(k) / 7 for k in range(-56, 57, 4)]
        values = smooth_values(g, n, points)
        assert len(values) >= 20
        slack = mpmath.mpf("1e-9")
        for value, side in ((found.sup.value, 1), (found.inf.value, -1)):
            if value.is_finite:
                limit = mpmath.mpf(str(sympy.N(value, 45)))
                assert all(side * (limit - v) >= -slack for v in values), max(values)


@pytest.mark.parametrize(("g", "n"), ORDERS)
def test_extrema_are_reached_or_approached(g, n):
    """Narrowness: at the points named, or near the ends named, the function comes to the value."""
    found = extrema(g.d(n))
    f = sympy.lambdify(x, g.derivative(n)(x), "mpmath")
    for bound_ in (found.sup, found.inf):
        if bound_.value.is_infinite:
            assert bound_.toward
            continue
        near = _near(bound_.where) or [
            e if e.is_finite else sympy.sign(e) * 4000 for e in bound_.toward
        ]
        assert near
        with mpmath.workdps(60):
            limit = mpmath.mpf(str(sympy.N(bound_.value, 50)))
            gaps = [
                abs(f(mpmath.mpf(str(sympy.N(p, 50))) + side * mpmath.mpf("1e-25")) - limit)
                for p in near
                for side in (-1, 1)
            ]
        assert min(gaps) < 1e-3


def _near(where: sympy.Set) -> list[sympy.Expr]:
    if isinstance(where, FiniteSet):
        return list(where.args)
    if isinstance(where, sympy.ImageSet):
        return [where.lamda(3)]
    if isinstance(where, Interval):
        lo, hi = where.inf, where.sup
        return [(hi - 1) if lo.is_infinite and hi.is_finite else lo + 1 if lo.is_finite else S.One]
    return [p for part in where.args for p in _near(part)] if where.is_Union else []


def test_thirty_digits_of_every_finite_bound():
    count = 0
    for name, n in [("sigmoid", 2), ("silu", 2), ("mish", 1), ("gelu", 1), ("sinc", 0)]:
        g = activation(name)
        found = extrema(g.d(n))
        for side in (found.sup, found.inf):
            if side.value.is_finite:
                inside = side.enclosure(30)
                assert inside.lo == inside.hi or inside.digits >= 30 or side.value == 0
                count += 1
    assert count == 10


CLOSED = [
    # f               sup                               where                       inf, where
    ("sigmoid", 1,    Rational(1, 4),                   FiniteSet(0),               0, S.EmptySet),
    ("sigmoid", 2,    sqrt(3) / 18,                     FiniteSet(log(2 - sqrt(3))),
                      -sqrt(3) / 18,                    FiniteSet(log(2 + sqrt(3)))),
    ("tanh", 2,       4 * sqrt(3) / 9,                  FiniteSet(log(2 - sqrt(3)) / 2),
                      -4 * sqrt(3) / 9,                 FiniteSet(log(2 + sqrt(3)) / 2)),
    ("sigmoid", 0,    1,                                S.EmptySet,                 0, S.EmptySet),
    ("softplus", 2,   Rational(1, 4),                   FiniteSet(0),               0, S.EmptySet),
    ("silu", 0,       oo,                               S.EmptySet,
                      -LambertW(exp(-1)),               FiniteSet(-1 - LambertW(exp(-1)))),
    ("gelu", 1,       exp(-1) / sqrt(pi) + erf(1) / 2 + Rational(1, 2), FiniteSet(sqrt(2)),
                      -exp(-1) / sqrt(pi) - erf(1) / 2 + Rational(1, 2), FiniteSet(-sqrt(2))),
    ("gelu", 2,       sqrt(2) / sqrt(pi),               FiniteSet(0),
                      -sqrt(2) * exp(-2) / sqrt(pi),    FiniteSet(-2, 2)),
    ("arctan", 2,     3 * sqrt(3) / 8,                  FiniteSet(-sqrt(3) / 3),
                      -3 * sqrt(3) / 8,                 FiniteSet(sqrt(3) / 3)),
    ("isru", 2,       48 * sqrt(5) / 125,               FiniteSet(-Rational(1, 2)),
                      -48 * sqrt(5) / 125,              FiniteSet(Rational(1, 2))),
    ("gudermannian", 2, Rational(1, 2),                 FiniteSet(log(sqrt(2) - 1)),
                      -Rational(1, 2),                  FiniteSet(log(sqrt(2) + 1))),
    ("gaussian", 2,   4 * exp(-Rational(3, 2)),         FiniteSet(-sqrt(6) / 2, sqrt(6) / 2),
                      -2,                               FiniteSet(0)),
    ("hard_swish", 0, oo,                               S.EmptySet,
                      -Rational(3, 8),                  FiniteSet(-Rational(3, 2))),
    ("relu", 1,       1,                                Interval.open(0, oo),
                      0,                                Interval.open(-oo, 0)),
    ("softsign", 2,   2,                                S.EmptySet,                 -2, S.EmptySet),
    ("sinc", 2,       None,                             None,
                      -Rational(1, 3),                  FiniteSet(0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "n", "sup", "at", "inf", "low"), CLOSED, ids=[f"{c[0]}.d{c[1]}" for c in CLOSED]
)
def test_closed_forms(name, n, sup, at, inf, low):
    found = extrema(activation(name).d(n))
    if sup is not None:
        assert sympy.expand(found.sup.value - sup) == 0 or found.sup.value == sup
        assert found.sup.where == at
    assert found.inf.value == inf or sympy.expand(found.inf.value - inf) == 0
    assert found.inf.where == low
    assert found.inf.attained == (low is not S.EmptySet)


def test_a_supremum_at_infinity_is_exact_and_not_attained():
    top = extrema(activation("sigmoid")).sup
    assert (top.value, top.attained, top.toward) == (1, False, (oo,))
    assert "not attained" in str(top)


def is_passed(f: sympy.Expr, level: sympy.Expr, side: int) -> bool:
    """Whether on [1, 9] no value of f is beyond level + tiny, and some are beyond level - tiny."""
    tiny = Rational(side, 10**12)
    found = []
    for gap in (f - level - tiny, f - level + tiny):
        search = Search(gap, x, (arb(1), arb(9)))
        assert search.run(Meter()) == ""
        kinds = {leaf.kind for leaf in search.leaves}
        assert "open" not in kinds
        found.append("crossing" in kinds or {leaf.sign for leaf in search.leaves} != {-side})
    return found == [False, True]


@pytest.mark.parametrize("name", ["mish", "gelu", "silu", "smish", "sinc"])
def test_against_branch_and_bound(name):
    g = activation(name).d(1)
    found = extrema(g, Interval(1, 9))
    assert is_passed(g(x).doit(), found.sup.value, 1)
    assert is_passed(g(x).doit(), found.inf.value, -1)


def test_an_interval_of_ones_own():
    assert extrema(activation("tanh"), Interval(-1, 2)).sup.value == sympy.tanh(2)
    half_open = extrema(activation("tanh"), Interval.open(-1, 2)).sup
    assert (half_open.attained, half_open.toward) == (False, (2,))
    found = extrema(x * log(x), Interval.open(0, 1), x=x)
    assert (found.inf.value, found.inf.where) == (-exp(-1), FiniteSet(exp(-1)))
    assert (found.sup.value, found.sup.toward) == (0, (0, 1))


def test_a_users_own_activation_takes_the_same_road():
    mine = Activation.from_expr("mine", x / (1 + exp(-x)), x)
    theirs = extrema(activation("silu").d(2))
    ours = extrema(mine.d(2))
    assert ours.sup.value == theirs.sup.value == Rational(1, 2)
    assert ours.inf.value.n(40) == theirs.inf.value.n(40)
    assert [p.n(40) for p in sorted(ours.inf.where)] == [p.n(40) for p in sorted(theirs.inf.where)]


def test_waves():
    snake = extrema(activation("snake").d(1))
    assert (snake.sup.value, snake.inf.value) == (2, 0)
    assert {snake.sup.where.lamda(k).subs(x, 0) for k in (0, 1)} == {pi / 4, 5 * pi / 4}
    free = extrema(x * cos(x), x=x)
    assert (free.sup.value, free.inf.value) == (oo, -oo)
    damped = extrema(exp(-x) * cos(x), Interval(0, oo), x=x)
    assert (damped.sup.value, damped.inf.value) == (1, -sqrt(2) * exp(-3 * pi / 4) / 2)
    assert isinstance(extrema(cos(x) + cos(sqrt(2) * x), x=x).verdict, Undecided)


# zeros


@pytest.mark.parametrize(("g", "n"), ORDERS)
def test_every_zero_set_is_proved(g, n):
    found = zeros(g.d(n))
    assert isinstance(found.verdict, Proved)
    f = sympy.lambdify(x, g.derivative(n)(x), "mpmath")
    with mpmath.workdps(60):
        for point in found.points:
            at = mpmath.mpf(str(point.n(50)))
            if at != 0:
                assert abs(f(at)) < mpmath.mpf(10) ** -40
        # No sign change between the zeros: off the set, grid signs agree.
        marks = [mpmath.mpf(-9), *(mpmath.mpf(str(p.n(30))) for p in found.points), mpmath.mpf(9)]
        if found.set.is_FiniteSet or found.set is S.EmptySet:
            kinks = len(pieces_on(univariate(g.d(n)), Reals)) > 1
            for a, b in itertools.pairwise(marks):
                grid = [a + (b - a) * k / 23 for k in range(1, 23)]
                values = {int(mpmath.sign(f(p))) for p in grid if abs(p) > 1e-9}
                assert 0 not in values
                assert len(values) == 1 or kinks, (a, b, values)


ZEROS = [
    ("relu", 0, Interval(-oo, 0)),
    ("relu", 1, Interval.open(-oo, 0)),
    ("softshrink", 0, Interval(-Rational(1, 2), Rational(1, 2))),
    ("hard_swish", 1, sympy.Union(Interval.open(-oo, -3), FiniteSet(-Rational(3, 2)))),
    ("gelu", 2, FiniteSet(-sqrt(2), sqrt(2))),
    ("silu", 1, FiniteSet(-1 - LambertW(exp(-1)))),
    ("sigmoid", 1, S.EmptySet),
    ("snake", 0, FiniteSet(0)),
]


@pytest.mark.parametrize(("name", "n", "expected"), ZEROS, ids=[f"{z[0]}.d{z[1]}" for z in ZEROS])
def test_zero_sets(name, n, expected):
    assert zeros(activation(name).d(n)).set == expected


def test_periodic_families():
    sine = zeros(activation("sine")).set
    assert [sine.lamda(k) for k in (-1, 0, 2)] == [-pi, 0, 2 * pi]
    assert sine.base_set == S.Integers
    sinc = zeros(activation("sinc")).set
    assert (sinc.contains(3 * pi), sinc.contains(0)) == (True, False)
    assert zeros(2 + sin(x), x=x).set is S.EmptySet
    half = zeros(sin(x), Interval.open(0, oo), x=x).set
    assert (half.contains(0), half.contains(5 * pi), half.contains(-pi)) == (False, True, False)


def test_one_zero_in_each_cell():
    found = zeros(activation("sinc").d(1))
    assert found.points == (0,)
    right, left = sorted(found.families, key=lambda c: c.toward == -oo)
    for k in (1, 2, 7, 40):
        with mpmath.workdps(40):
            near = (k + mpmath.mpf("0.5")) * mpmath.pi
            known = mpmath.findroot(lambda t: mpmath.sin(t) - t * mpmath.cos(t), near - 1 / near)
            assert abs(mpmath.mpf(str(right.zero(k).n(38))) - known) < mpmath.mpf(10) ** -33
            assert abs(mpmath.mpf(str(left.zero(-k).n(38))) + known) < mpmath.mpf(10) ** -33
    member = found.families[0].set.lamda(Symbol("k", integer=True))
    assert isinstance(member, CellZero)
    assert member.free_symbols == {Symbol("k", integer=True)}


@pytest.mark.parametrize(
    "p", [x * cos(x) - sin(x), cos(x) - x * sin(x), x**2 * sin(2 * x) + 5 * cos(2 * x)]
)
def test_cells_hold_one_sign_change(p):
    family = cells(p, x, oo)
    f = sympy.lambdify(x, p, "math")
    start = float(family.start)
    for k in range(family.first, family.first + 30):
        lo, hi = (float(e) for e in family.cell(k))
        grid = [f(lo + (hi - lo) * j / 400) for j in range(401)]
        assert sum((a > 0) != (b > 0) for a, b in itertools.pairwise(grid)) == 1
        assert lo >= start - 1e-12


def test_periods():
    assert period_of(1 + sin(2 * x), x) == pi
    assert period_of(sin(3 * x) * cos(2 * x) + 1, x) == 2 * pi
    assert period_of(x * sin(x), x) is None
    assert period_of(cos(x) + cos(sqrt(2) * x), x) is None


def test_sign_and_monotone_intervals():
    rows = signs(activation("silu").d(2)).rows
    assert [s for _, s in rows] == [-1, 1, -1]
    rows = monotone(activation("softsign")).rows
    assert [s for _, s in rows] == [1, 1]
    table = str(monotone(activation("relu")))
    assert "constant" in table
    assert "increasing" in table


# Lipschitz constants and saturation


@pytest.mark.parametrize(
    ("name", "value"),
    [("sigmoid", Rational(1, 4)), ("tanh", 1), ("relu", 1), ("hardshrink", oo), ("threshold", oo),
     ("hard_swish", Rational(3, 2)), ("softplus", 1), ("sine", 1), ("snake", 2),
     ("gelu", exp(-1) / sqrt(pi) + erf(1) / 2 + Rational(1, 2)),
     ("gaussian", sqrt(2) * exp(-Rational(1, 2)))],
)  # fmt: skip
def test_lipschitz_constants(name, value):
    found = lipschitz(activation(name))
    assert found.value == value
    assert isinstance(found.verdict, Proved)


def test_lipschitz_constants_on_an_interval_and_of_expressions():
    assert lipschitz(x**2, Interval(-1, 3), x=x).value == 6
    assert lipschitz(sqrt(x), Interval(0, 1), x=x).value == oo
    assert lipschitz(sympy.Heaviside(x), x=x).value == oo
    assert lipschitz(activation("hardshrink"), Interval(1, 2)).value == 1


@pytest.mark.parametrize("eps", [Rational(1, 5), Rational(1, 10**6), Rational(1, 10**60), 0.1])
def test_the_saturation_of_the_logistic_function_in_closed_form(eps):
    exact = sympy.Rational(eps)
    found = saturation(activation("sigmoid"), eps)
    assert found.closed
    assert constant(found.value, 200).overlaps(constant(2 * acosh(1 / (2 * sqrt(exact))), 200))
    left = saturation(activation("sigmoid"), eps, -oo)
    assert constant(found.value + left.value, 200).contains(0)


@pytest.mark.parametrize(("g", "toward"), sweep([oo, -oo]))
def test_saturation_is_right_and_the_least(g, toward):
    eps = Rational(1, 1000)
    found = saturation(g, eps, toward)
    assert isinstance(found.verdict, Proved)
    f = sympy.lambdify(x, g.derivative(1)(x), "mpmath")
    side = 1 if toward == oo else -1
    with mpmath.workdps(40):
        if found.value is None:
            far = [mpmath.mpf(10**5) * side + k for k in range(4)]
            assert max(abs(f(p)) for p in far) > 1e-3
            return
        at = mpmath.mpf(str(sympy.N(found.value, 35)))
        beyond = [at + side * mpmath.mpf(2) ** k / 1000 for k in range(-20, 24)]
        assert all(abs(f(p)) <= mpmath.mpf("0.001") * (1 + mpmath.mpf("1e-25")) for p in beyond)
        assert abs(f(at - side * mpmath.mpf("1e-8"))) > mpmath.mpf("0.001")


def test_a_far_threshold_costs_no_more_than_a_near_one():
    """σ₊'(x) = (1 + x/√(x² + 4))/2 = ε at x = −(1 − 2ε)/√(ε(1 − ε)), far out and cancelling."""
    for eps in (Rational(1, 10**12), Rational(1, 10**30)):
        found = saturation(activation("squareplus"), eps, -oo, budget=Budget(boxes=2000))
        exact = -(1 - 2 * eps) / sqrt(eps * (1 - eps))
        assert isinstance(found.verdict, Proved)
        assert constant(found.value, 200).overlaps(constant(exact, 200))


def test_saturation_where_every_point_will_do_or_none():
    assert saturation(activation("sigmoid"), 1).value == -oo
    assert saturation(activation("sigmoid"), 1, -oo).value == oo
    assert saturation(activation("relu"), Rational(1, 2)).value is None
    assert saturation(activation("relu"), Rational(1, 2), -oo).value == 0
    assert saturation(activation("sine"), Rational(1, 2)).value is None
    assert saturation(activation("sine"), 2).value == -oo
    with pytest.raises(InputError, match="eps > 0"):
        saturation(activation("sigmoid"), 0)
    with pytest.raises(InputError, match="no finite threshold"):
        saturation(activation("relu"), Rational(1, 2)).enclosure()


LAWS = [
    # g         toward  the law with c and the power that its tail has
    ("sigmoid",  oo,    lambda e: log(1 / e)),
    ("tanh",     oo,    lambda e: log(1 / e) / 2),
    ("erf",     -oo,    lambda e: -sqrt(log(1 / e))),
    ("gelu",    -oo,    lambda e: -sqrt(2 * log(1 / e))),
    ("arctan",   oo,    lambda e: 1 / sqrt(e)),
    ("isru",     oo,    lambda e: e ** -Rational(1, 3)),
    ("cloglog",  oo,    lambda e: log(log(1 / e))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "toward", "law"), LAWS, ids=[r[0] for r in LAWS])
def test_the_law_of_saturation(name, toward, law):
    g, epsilon = activation(name), Symbol("epsilon", positive=True)
    found = [saturation(g, Rational(1, 10**k), toward) for k in (3, 30)]
    assert sympy.expand_log(found[0].law - law(epsilon), force=True) == 0
    gaps = [abs(float((r.value / r.law.subs(epsilon, r.eps)).n(30)) - 1) for r in found]
    assert gaps[1] < gaps[0] < 0.6
    assert gaps[1] < 0.08


# bad input, budgets, shapes


def test_bad_input_is_one_error_that_says_where():
    with pytest.raises(DomainError, match="pole at x = 0"):
        extrema(1 / x, x=x)
    with pytest.raises(DomainError, match="not real"):
        extrema(sqrt(x), Interval(-1, 1), x=x)
    with pytest.raises(DomainError, match="pole"):
        zeros(1 / (x - sqrt(2)) + 1, Interval(0, 3), x=x)
    with pytest.raises(InputError, match="beta"):
        extrema(activation("swish").d(1))
    with pytest.raises(InputError, match="interval"):
        extrema(activation("tanh"), FiniteSet(1, 2))


def test_a_domain_is_not_cancelled_or_taken_for_positive_by_shape():
    # sec² = 1 + tan² looks positive by its shape, and its poles are the poles of tan.
    with pytest.raises(DomainError, match=r"\[1\.5707"):
        extrema(sympy.tan(x), Interval(0, 3), x=x)
    with pytest.raises(DomainError, match="not real"):
        extrema(log(x) ** 2 + 1, x=x)
    gone = (log(x) ** 2 - 1) / (log(x) - 1) - log(x)
    with pytest.raises(DomainError, match="not real"):
        zeros(gone, x=x)
    assert zeros(gone, Interval.open(0, oo), x=x).set is S.EmptySet


def test_an_infimum_before_a_wave_that_grows_away():
    found = extrema(x + 2 + sin(3 * x), Interval(1, oo), x=x)
    assert is_passed(x + 2 + sin(3 * x), found.inf.value, -1)
    assert found.sup.value == oo


def test_a_small_budget_is_undecided_with_what_is_open():
    found = extrema(activation("mish").d(2), budget=Budget(boxes=5))
    assert isinstance(found.verdict, Undecided)
    assert "5 boxes" in found.verdict.why
    assert "is open on [" in found.verdict.why
    assert found.sup.value is S.NaN


def test_derivations_and_documents():
    found = extrema(activation("sigmoid").d(1))
    assert found.fact.id == "sigmoid.d1.extrema"
    assert len(found.derivation) == 2
    text = str(found)
    assert "1/4" in text
    assert "Proved" in text
    for result in (found, zeros(activation("gelu").d(2)), lipschitz(activation("relu"))):
        assert result._repr_html_()
        assert result._repr_latex_()


# closed forms


def test_factors_multiply_to_the_expression():
    cases = [activation(s).derivative(n)(x) for s in USUAL[:6] for n in (0, 1, 2)]
    assert len(cases) == 18
    for f in cases:
        product = sympy.Mul(*(p**k for p, k in factors(f, x)))
        for at in (Rational(-17, 10), Rational(3, 10), Rational(22, 10)):
            a, b = constant(f.subs(x, at), 200), constant(product.subs(x, at), 200)
            assert a.overlaps(b)
            assert b.rel_accuracy_bits() > 100 or b.contains(0)


def test_exact_zeros_are_zeros():
    cases = [1 + exp(-x) + x * exp(-x), exp(2 * x) - 3 * exp(x) + 1, x**4 - 3 * x**2 + 1,
             exp(x) - 5, 2 - 3 * exp(-x**2), 2 * exp(3 * x) + x - 4]  # fmt: skip
    for p in cases:
        found = exact_zeros(p, x)
        assert found
        assert all(constant(p.subs(x, c), 400).contains(0) for c in found)
        assert all(constant(p.subs(x, c), 400).rad() < 1e-80 for c in found)


def test_identities_and_comparisons():
    assert identically_zero(1 / (1 + exp(-x)) + 1 / (1 + exp(x)) - 1, x)
    assert not identically_zero(1 / (1 + exp(-x)) + 1 / (1 + exp(x)) - 1 + Rational(1, 10**50), x)
    assert compare(sqrt(2) + sqrt(3), sqrt(5 + 2 * sqrt(6))) == 0
    assert compare(E**pi, pi**E) == 1
    assert neat((1 + sqrt(3)) ** 3 / (2 - sqrt(3))) == 2 * (19 + 11 * sqrt(3))
    assert value_at(sin(x) / x, x, S.Zero) == 1


def test_pieces_are_cut_to_the_interval():
    parts = pieces_on(univariate(activation("relu6")), Interval(-1, 3))
    assert [p.on for p in parts] == [Interval(-1, 0), Interval.Lopen(0, 3)] or len(parts) == 2
    assert pieces_on(univariate(activation("tanh")), Reals)[0].hi == oo


@pytest.mark.numeric
def test_the_median_is_below_a_second():
    times = []
    for g, n in ALL:
        before = time.perf_counter()
        found = extrema(g.d(n))
        for side in (found.sup, found.inf):
            if side.value.is_finite:
                side.enclosure(30)
        zeros(g.d(n))
        times.append(time.perf_counter() - before)
    assert statistics.median(times) < 1
