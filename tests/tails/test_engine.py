"""The engine outside the catalogue: compositions, Gruntz's examples, parameters, waves, wishes."""

from __future__ import annotations

import pickle
from dataclasses import replace

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    E,
    Interval,
    Max,
    Piecewise,
    Rational,
    S,
    Symbol,
    atan,
    cos,
    erf,
    exp,
    log,
    oo,
    pi,
    sin,
    sqrt,
    symbols,
    tanh,
)  # fmt: skip

from symgrad.activation import Activation, Derived
from symgrad.catalogue import activation
from symgrad.errors import (
    DomainError,
    InputError,
    LimitError,
    UndecidedError,
    UnsupportedError,
)  # fmt: skip
from symgrad.fact import Proved, Undecided
from symgrad.tails import BTerm, compare, tail
from symgrad.tails.audit import audit

x = Symbol("x", real=True)
t = Symbol("x", positive=True)
w1, w2 = symbols("w1 w2", positive=True)
sigmoid, mish, d_erf = (activation(n) for n in ("sigmoid", "mish", "erf"))
softplus, arctan, th = (activation(n) for n in ("softplus", "arctan", "tanh"))


def assert_right(found, points=12, bits=600):
    assert isinstance(found.verdict, Proved)
    seen = audit(found, points, bits=bits)
    assert seen.decided >= points // 2
    assert seen.passed
    return seen


# compositions and chains

COMPOSED = [
    sigmoid.d(1)(2 * sigmoid(3 * x)) * sigmoid.d(1)(3 * x),
    sigmoid.d(1)(-sigmoid(x / 2)) * sigmoid.d(1)(x / 2),
    d_erf.d(1)(softplus(x)),
    mish.d(1)(mish(x)),
    mish.d(1)(mish(x)) * mish.d(1)(x),
    sigmoid.d(1)(x) * th.d(1)(2 * x) * arctan.d(1)(x),
    th.d(1)(th(x)) * th.d(1)(x),
    activation("gelu").d(1)(activation("gelu")(x)) * activation("gelu").d(1)(x),
    activation("relu").d(1)(2 * sigmoid(x) - 1) * sigmoid.d(1)(x),
    activation("leaky_relu").d(1)(x) * sigmoid.d(1)(3 - x),
    atan(atan(x)),
    exp(-sqrt(1 + x**2)),
    Abs(tanh(x) - x / 3 + erf(x)),
    x * exp(-x) * cos(x),
    log(1 + exp(x)) ** Rational(3, 2),
    tanh(x + sin(x)),
    1 / (x + sin(x)),
]


@pytest.mark.parametrize("toward", [oo, -oo])
@pytest.mark.parametrize("f", COMPOSED, ids=str)
def test_compositions(f, toward):
    assert_right(tail(f, toward, x=x))


def test_the_leading_factor_of_a_chain_is_exact():
    f = sigmoid.d(1)(w2 * sigmoid(w1 * x)) * sigmoid.d(1)(w1 * x)
    lead = tail(f, oo, 1, x=x).terms[0]
    slope = sigmoid.d(1)(w2).doit()
    assert sympy.simplify(lead - slope * exp(-w1 * x)) == 0
    assert tail(f, -oo, 1, x=x).terms[0] == exp(w1 * x) / 4


# exp-log examples in the manner of Gruntz's thesis (1996), section 8

GRUNTZ = [
    (exp(t) * (exp(1 / t - exp(-t)) - exp(1 / t)), -1),
    (exp(t) * (exp(1 / t + exp(-t) + exp(-(t**2))) - exp(1 / t - exp(-exp(t)))), 1),
    ((3**t + 5**t) ** (1 / t), 5),
    (exp(exp(t)) / exp(exp(t - exp(-exp(exp(t))))), 1),
    ((exp(4 * t * exp(-t) / (1 / exp(t) + 1 / exp(2 * t**2 / (t + 1)))) - exp(t)) / exp(t) ** 4, 1),
    (exp(t * exp(-t) / (exp(-t) + exp(-2 * t**2 / (t + 1)))) / exp(t), 1),
    ((t * log(t) * log(t * exp(t) - t**2) ** 2) / log(log(t**2 + 2 * exp(exp(3 * t**3 * log(t))))),
     Rational(1, 3)),
    (sqrt(t + sqrt(t + sqrt(t))) - sqrt(t), Rational(1, 2)),
    ((t + 1) ** (1 / log(t + 1)), E),
    (t * (log(t + 1) - log(t)), 1),
    ((1 + 1 / t) ** t, E),
    (t ** (1 / t), 1),
    (exp(t) * (sin(1 / t + exp(-t)) - sin(1 / t + exp(-t**2))), 1),
    (log(t) * (log(log(t) + log(log(t))) - log(log(t))) / log(log(t) + log(log(log(t)))), 1),
    (exp(log(log(t + exp(log(t) * log(log(t))))) / log(log(log(exp(t) + t + log(t))))), E),
]  # fmt: skip
#: Their exponents are endless sums of large terms: no transmonomial exp(S), S finite, holds them.
OUTSIDE = [
    exp(exp(exp(t) / (1 - 1 / t))) - exp(exp(exp(t) / (1 - 1 / t - log(t) ** -log(t)))),
    exp(exp(2 * log(t**5 + t) * log(log(t)))) / exp(exp(10 * log(t) * log(log(t)))),
]


@pytest.mark.parametrize("f", OUTSIDE, ids=str)
def test_an_endless_exponent_is_said_to_lie_outside(f):
    with pytest.raises(LimitError, match="endless"):
        tail(f, oo, 1, x=t)


@pytest.mark.parametrize(("f", "limit"), GRUNTZ, ids=[str(f) for f, _ in GRUNTZ])
def test_limits_of_exp_log_functions(f, limit):
    found = tail(f, oo, 2, x=t)
    assert sympy.simplify(found.tail_class.limit - limit) == 0
    assert isinstance(found.verdict, Proved)
    # A second road: mpmath far out, at a precision that holds the cancellation.
    mp, start = mpmath.MPContext(), found.valid_from
    mp.dps = 4000
    if start > 10**9:
        return  # beyond what mpmath can hold
    at = mp.mpf(3) if start < 3 else mp.mpf(int(start) + 1)
    value = sympy.lambdify(t, f, mp)(at)
    if limit == Rational(1, 3):
        assert value == 0  # exp(exp(3·27·log 3)) is beyond mpmath's exponents: no second road here
        return
    lower, upper = (sympy.lambdify(t, e, mp)(at) for e in found.two_sided())
    assert lower <= value <= upper


@pytest.mark.parametrize(
    ("f", "kind", "checks"),
    [
        (exp(-exp(x)) * x, "double-exponential", {}),
        (x**3 * exp(-2 * x**2 + x), "exponential", {"rate": 2, "degree": 2, "power": 3}),
        (exp(-sqrt(x)) / (1 + x), "exponential", {"rate": 1, "degree": S.Half, "power": -1}),
        (1 / (1 + x**4), "algebraic", {"power": -4}),
        (1 / log(2 + x), "logarithmic", {"limit": 0}),
        (2 + tanh(x), "constant", {"limit": 3}),
        (x + sin(x), "growing", {}),
        (3 * sin(x) - 4 * cos(x), "oscillating", {"amplitude": 5}),
        (sin(x) / x, "oscillating", {"amplitude": 1 / x, "limit": 0}),
        (Max(0, 1 - x), "zero", {"limit": 0}),
    ],
    ids=str,
)
def test_tail_classes(f, kind, checks):
    found = tail(f, oo, x=x).tail_class
    assert found.kind == kind
    for name, value in checks.items():
        assert sympy.simplify(getattr(found, name) - value) == 0


# random functions: the bound holds at random points, and is narrow

pieces = st.sampled_from([x, exp(-x), 1 / (1 + x**2), tanh(x), sqrt(1 + x**2), erf(x), atan(x)])


@st.composite
def functions(draw):
    a, b, c = (draw(pieces) for _ in range(3))
    k, n = draw(st.integers(-3, 3)), draw(st.integers(1, 3))
    return (a + k * b) * c**n


@settings(max_examples=25)
@given(functions(), st.sampled_from([oo, -oo]))
def test_random_functions(f, toward):
    try:
        found = tail(f, toward, x=x)
    except LimitError:
        return
    if found.remainder is not None:
        seen = assert_right(found, 8, 300)
        assert seen.worst > 0.05


def test_shrinking_a_constant_is_seen():
    for name in ("sigmoid", "tanh", "mish", "arctan", "softsign"):
        good = tail(activation(name).d(1), oo, 4)
        assert audit(good, 40, bits=400).passed
        shrunk = replace(
            good,
            remainder=replace(
                good.remainder, coefficient=good.remainder.coefficient * Rational(4, 5)
            ),
        )
        assert not audit(shrunk, 40, bits=400).passed, name


# parameters


def test_an_interval_of_a_parameter_gives_one_constant_for_all_of_it():
    beta = Symbol("beta", positive=True)
    f = (x / (1 + exp(-beta * x))).diff(x)
    found = tail(f, oo, 2, x=x, parameters={beta: (S.Half, 2)})
    assert isinstance(found.verdict, Proved)
    rng = np.random.default_rng(5)
    start = float(found.valid_from)
    mp = mpmath.MPContext()
    mp.dps = 60
    gap = sympy.lambdify((x, beta), Abs(f - found.sum) / found.error, mp)
    ratios = [
        gap(mp.mpf(start + 30 * u**2), mp.mpf(0.5 + 1.5 * v)) for u, v in rng.random((200, 2))
    ]
    assert 0.1 < max(ratios) <= 1


def test_symbols_that_only_stretch_are_proved_for_every_value():
    lam = Symbol("lam", positive=True)
    found = tail(1 / (1 + lam * x**2), oo, 2, x=x)
    assert found.terms == (1 / (lam * x**2), -1 / (lam**2 * x**4))
    assert found.remainder.coefficient * found.remainder.growth == 1 / (lam**3 * x**6)
    assert found.valid_from == 0
    assert isinstance(found.verdict, Proved)


@pytest.mark.parametrize("toward", [oo, -oo])
@pytest.mark.parametrize(
    "f",
    [
        activation("swish").d(3),
        activation("squareplus")(b=Symbol("b", positive=True)).d(1),
        activation("isrlu")(alpha=Symbol("alpha", positive=True)).d(2),
        sigmoid(w1 * x).diff(x) * w2,
    ],
    ids=str,
)
def test_a_stretched_tail_holds_with_numbers_put_in(f, toward):
    found = tail(f, toward, 2, x=None if isinstance(f, Derived) else x)
    assert isinstance(found.verdict, Proved)
    if found.remainder is None:
        return
    for value in (Rational(1, 7), 1, Rational(31, 5)):
        numbers = dict.fromkeys(found.formula.free_symbols - {found.x}, value)
        put = found.sum.subs(numbers), found.error.subs(numbers), found.formula.subs(numbers)
        edge, out = found.valid_from.subs(numbers), 1 if toward is oo else -1
        for step in (Rational(1, 50), 2, 30):
            at = {found.x: (edge if edge.is_finite else 0) + out * step}
            gap = Abs(put[2] - put[0]).subs(at).n(400)
            assert 0 < gap <= put[1].subs(at).n(400)


def test_what_needs_numbers_says_so():
    swish = activation("swish").d(1)
    beta = Symbol("beta", positive=True)
    with pytest.raises(InputError, match=r"a check at points needs numbers.*beta"):
        tail(swish).check(10)
    with pytest.raises(InputError, match="an enclosure needs numbers"):
        tail(swish).at(3)
    with pytest.raises(UndecidedError, match="multiple of 1/beta"):
        tail(swish, -oo, valid_from=-1)
    with pytest.raises(UndecidedError, match=r"the ratio is .* to leading order"):
        compare(swish, exp(beta * x), -oo, x=x)
    assert tail(swish, -oo, 2, valid_from=-2 / beta).valid_from == -2 / beta
    assert tail(swish, -oo, 2, parameters={beta: 2}).check(20).passed


def test_over_an_interval_the_worst_start_and_constant_are_taken():
    beta = Symbol("beta", positive=True)
    f = (mish(beta * x)).doit().diff(x) / beta
    least = tail(f, oo, 2, x=x, parameters={beta: 1}).valid_from
    assert least > 0
    wide = tail(f, oo, 2, x=x, parameters={beta: (S.Half, 2)})
    assert 2 * least <= wide.valid_from <= 2 * least * Rational(101, 100)
    with pytest.raises(LimitError, match="no finite maximum"):
        tail(f, oo, 2, x=x, parameters={beta: (0, 2)})
    found = tail(w1 / (1 + beta * x**2), oo, 2, x=x, parameters={beta: (1, 2)})
    assert found.error == w1 / (beta**3 * x**6)


def test_a_negative_symbol_and_a_real_factor_stretch_too():
    rate, factor = Symbol("n", negative=True), Symbol("r", real=True)
    found = tail(1 / (1 + exp(-rate * x)), oo, 2, x=x)
    assert found.terms == (exp(rate * x), -exp(2 * rate * x))
    assert found.error == exp(3 * rate * x)
    assert tail(factor * tanh(x), oo, 1, x=x).error == 2 * Abs(factor) * exp(-2 * x)


@pytest.mark.parametrize("value", [-2, oo, sympy.I, x, (-1, 1), (2, 1), (1, 2, 3)], ids=str)
def test_a_value_against_the_assumptions_is_refused(value):
    lam = Symbol("lam", positive=True)
    with pytest.raises(InputError):
        tail(sqrt(lam**2) / (1 + x**2), oo, 2, x=x, parameters={lam: value})


def test_a_piece_beyond_the_other_end_is_not_passed_over():
    turn = x + 20 + erf(x) + atan(x)  # no exact root; negative below −17.4
    f = Piecewise((1 / (1 + exp(x)), turn > 0), (exp(-5 * x), True))
    found = tail(f, oo, 1, x=x)
    assert turn.subs(x, found.valid_from).n() > 0
    assert_right(found)


def test_a_coefficient_that_hides_a_zero_is_not_taken_for_a_leading_one():
    hidden = tanh(log(3 + 2 * sqrt(2)) - 2 * log(1 + sqrt(2)))
    with pytest.raises(UndecidedError, match="not decided"):
        tail(hidden * x + 1, oo, x=x)


def test_symbols_that_do_more_leave_the_expansion_formal():
    lam = Symbol("lam", positive=True)
    found = tail(1 / (1 + lam * x + x**2), oo, 2, x=x)
    assert found.terms == (x**-2, -lam / x**3)
    assert found.remainder.coefficient is None
    assert isinstance(found.verdict, Undecided)
    with pytest.raises(DomainError, match="formal"):
        found.two_sided()


def test_an_exact_tail_with_parameters_is_proved():
    lam = Symbol("lam", positive=True)
    found = tail(Piecewise((x - lam, x > lam), (x + lam, x < -lam), (0, True)), oo, x=x)
    assert found.terms == (x, -lam)
    assert found.valid_from == lam
    assert isinstance(found.verdict, Proved)


@pytest.mark.parametrize(
    "f", [exp(Symbol("a", real=True) * x) + x, tanh(Symbol("a", real=True) * x)]
)
def test_an_undecided_sign_is_named(f):
    with pytest.raises(UndecidedError, match="a > 0"):
        tail(f, oo, x=x)


# wishes


def test_valid_from_and_coefficient_can_be_asked_for():
    f = sigmoid.d(1)
    assert tail(f, oo, 3, valid_from=-3).remainder.coefficient == 4
    assert tail(f, oo, 3, valid_from=50).valid_from == 50
    far = tail(activation("mish").d(1), oo, 2, valid_from=5)
    near = tail(activation("mish").d(1), oo, 2, valid_from=1)
    assert far.remainder.coefficient < near.remainder.coefficient
    wide = tail(activation("mish").d(1), oo, 2, coefficient=40)
    assert wide.remainder.coefficient == 40
    assert wide.valid_from < tail(activation("mish").d(1), oo, 2).valid_from
    for found in (far, near, wide):
        assert_right(found)


def test_impossible_wishes_are_refused():
    with pytest.raises(InputError, match="no constant below"):
        tail(sigmoid.d(1), oo, 2, coefficient=2)
    with pytest.raises(InputError, match="not both"):
        tail(sigmoid.d(1), oo, 2, coefficient=9, valid_from=0)
    with pytest.raises(DomainError, match="not defined down to"):
        tail(arctan.d(1), oo, 2, valid_from=-1)
    with pytest.raises(InputError, match="at least one term"):
        tail(sigmoid, oo, 0)
    with pytest.raises(InputError, match="toward oo or -oo"):
        tail(sigmoid, 0)


def test_the_start_respects_limsup():
    """K ≤ 2·limsup|r|/growth where the engine chooses, and no far smaller K is true there."""
    for name in ("mish", "silu", "gelu", "softsign"):
        for toward in (oo, -oo):
            found = tail(activation(name).d(1), toward, 3)
            longer = tail(activation(name).d(1), toward, 4)
            limsup = Abs(sympy.cancel(longer.terms[3] / found.remainder.growth))
            assert found.remainder.coefficient <= 2 * limsup * Rational(101, 100)


# no germ


def test_waves_are_said_to_have_no_limit():
    found = tail(activation("sine").d(1), oo)
    assert found.is_exact
    assert found.tail_class.kind == "oscillating"
    assert found.tail_class.limit is None
    assert found.tail_class.amplitude == 1
    with pytest.raises(UnsupportedError, match="oscillates"):
        tail(sin(x) / (2 + sin(x)), oo)
    with pytest.raises(UnsupportedError, match="infinity"):
        tail(sympy.tan(x), oo)


def test_a_domain_without_the_end_is_refused():
    with pytest.raises(DomainError):
        tail(log(x), -oo)
    with pytest.raises(DomainError):
        tail(sqrt(1 - x**2), oo)


# exactness and break points


@pytest.mark.parametrize(
    ("f", "toward", "where"),
    [
        (sqrt(log(x)) ** 2, oo, Interval.open(1, oo)),
        (sqrt(x) ** 3, oo, Interval.open(0, oo)),
        (Max(exp(x), 2), -oo, Interval(-oo, log(2))),
        (sin(x) / x, -oo, Interval.open(-oo, 0)),
        (activation("relu").d(1), oo, Interval.open(0, oo)),
        (activation("hardshrink"), oo, Interval.open(S.Half, oo)),
        (activation("elu").d(2), -oo, Interval.open(-oo, 0)),
        (activation("celu").d(1), -oo, Interval(-oo, 0)),
    ],
    ids=str,
)
def test_exact_tails_start_where_they_are_identities(f, toward, where):
    found = tail(f, toward) if isinstance(f, Activation) or not f.has(x) else tail(f, toward, x=x)
    assert found.remainder is None
    assert found.where == where


def test_a_break_point_that_is_irrational_is_kept_exactly():
    for edge in (sqrt(2), sqrt(10)):
        found = tail(Piecewise((atan(x), x > edge), (x, True)), oo, 2)
        assert found.valid_from == edge
        assert_right(found)


# what a tail gives


def test_two_sided_and_at_contain_the_function():
    found = tail(mish.d(1), oo, 3)
    f = mish.derivative(1).expr.xreplace({Symbol("x", real=True): x})
    lower, upper = found.two_sided()
    for at in (Rational(5, 2), Rational(7), Rational(40)):
        value = sympy.N(f.subs(x, at), 60)
        assert lower.subs(x, at).n(60) <= value <= upper.subs(x, at).n(60)
        assert value in found.at(at)
    with pytest.raises(DomainError, match="holds on"):
        found.at(-10)


def test_text_latex_and_pickle():
    found = tail(sigmoid.d(1), oo, 2)
    assert (
        str(found).split() == "sigmoid'(x) = exp(-x) - 2*exp(-2*x) + B(3*exp(-3*x), x in R)".split()
    )
    assert r"\sigma'\left(x \right)" in found._repr_latex_().replace(
        r"\left(x\right)", r"\left(x \right)"
    )
    assert r"B\left(3 e^{- 3 x},\ x \in \mathbb{R}\right)" in found._repr_latex_()
    half = tail(arctan.d(1), -oo, 1)
    assert "x < 0" in str(half)
    assert pickle.loads(pickle.dumps(found)) == found
    b = BTerm(3 * exp(-3 * x), x, Interval(0, oo))
    assert str(b) == "B(3*exp(-3*x), x >= 0)"
    assert pickle.loads(pickle.dumps(b)) == b


def test_the_derivation_rests_on_proved_steps():
    found = tail(mish.d(1), oo, 2)
    assert len(found.derivation) >= 3
    assert all(isinstance(step.verdict, Proved) for step in found.derivation)
    assert found.derivation.steps[-1].claim == found.fact.statement
    assert found.fact.id == "mish.d1.tail+"


def test_more_terms_make_a_longer_expansion_of_the_same_start():
    short, long = tail(sigmoid.d(2), -oo, 2), tail(sigmoid.d(2), -oo, 9)
    assert long.terms[:2] == short.terms
    assert len(long.terms) == 9
    assert_right(long)


def test_a_users_function_has_all_of_it():
    mine = Activation.from_expr("mine", x / (1 + exp(-x)) + atan(x) / pi, x)
    for n in range(3):
        for toward in (oo, -oo):
            assert_right(tail(mine.d(n), toward))
