"""The ordered group of transmonomials: laws of the order, and suprema against values."""

from __future__ import annotations

import mpmath
import pytest
import sympy
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from sympy import Rational, Symbol, exp, log, sqrt

from symgrad.errors import UndecidedError
from symgrad.tails.beyond import Beyond
from symgrad.tails.constants import add, expr, mul, number, power
from symgrad.tails.expand import Expander
from symgrad.tails.field import Field
from symgrad.tails.model import Workshop
from symgrad.tails.monomial import UNIT, Monomial, Scale, iterated_log

x = Symbol("x", real=True)
SCALE = Scale(Field(), x)


def mono(e):
    """The monomial of a product of powers and exponentials."""
    model = Expander(Workshop(SCALE, 4))(e)
    ((m, c),) = model.terms
    assert model.rem is None
    assert c == 1
    return m


# From small to large as x → oo.
LADDER = [
    exp(-exp(x)), exp(-exp(x) + x**3), exp(-(x**2)), x**5 * exp(-(x**2)), exp(-(x**2) + 3 * x),
    exp(-2 * x), exp(-x), x * exp(-x), exp(-sqrt(x)), x**-2, log(x) ** 3 / x**2, 1 / x, 1 / log(x),
    sympy.Integer(1), log(log(x)), log(x), exp(sqrt(log(x))), sqrt(x), x, x * log(x), x**2,
    exp(log(x) ** 2), exp(x / 2), exp(x), x * exp(x), exp(x * log(x)), exp(x**2), exp(exp(x)),
]  # fmt: skip


def test_the_ladder_is_ordered():
    ladder = [mono(e) for e in LADDER]
    for k, a in enumerate(ladder):
        for n, b in enumerate(ladder):
            assert SCALE.compare(a, b) == (k > n) - (k < n), (LADDER[k], LADDER[n])


def test_sorting_agrees_with_comparing():
    ladder = {mono(e): fmpq(1) for e in reversed(LADDER)}
    assert [m for m, _ in SCALE.sorted_terms(ladder)] == [mono(e) for e in reversed(LADDER)]


exponents = st.fractions(min_value=-3, max_value=3, max_denominator=3)


@st.composite
def monomials(draw):
    p, q, a, b = (draw(exponents) for _ in range(4))
    return x ** Rational(p) * log(x) ** Rational(q) * exp(Rational(a) * x + Rational(b) * sqrt(x))


@given(monomials(), monomials(), monomials())
def test_group_laws(f, g, h):
    a, b, c = map(mono, (f, g, h))
    m = SCALE.mul
    assert m(a, b) == m(b, a)
    assert m(m(a, b), c) == m(a, m(b, c))
    assert m(a, SCALE.inverse(a)) == UNIT
    assert SCALE.compare(a, b) == -SCALE.compare(b, a) == SCALE.compare(m(a, c), m(b, c))


@given(monomials(), st.integers(2, 40))
def test_suprema_hold_beyond_the_point(f, start):
    m = mono(f)
    bound = Beyond(SCALE, arb(start)).sup(m)
    if not bound.is_finite():
        return
    mp = mpmath.MPContext()
    mp.prec = 200
    formula = sympy.lambdify(x, f, mp)
    for step in (0, 0.01, 0.5, 3, 50, 1000):
        assert arb(str(mp.nstr(formula(mp.mpf(start) + step), 30))) <= bound * (1 + arb(2) ** -40)


def test_a_supremum_is_proved_for_every_decreasing_example():
    beyond = Beyond(SCALE, arb(20))
    for e in LADDER[: LADDER.index(1)]:
        assert beyond.sup(mono(e)).is_finite(), e
    assert not beyond.sup(mono(x)).is_finite()


def test_a_maximum_inside_is_not_taken_for_the_value_at_the_start():
    # x^5 e^{-x} rises until x = 5.
    m = mono(x**5 * exp(-x))
    assert not Beyond(SCALE, arb(4)).sup(m).is_finite()
    assert Beyond(SCALE, arb(6)).sup(m).is_finite()


def test_an_undecided_order_names_the_comparison_and_the_remedy():
    a = Symbol("a", real=True)
    with pytest.raises(UndecidedError, match=r"order of .*exp.*against 1.*sign of a.*assume a > 0"):
        SCALE.sign(Monomial((), ((iterated_log(0), number(a)),)))


CONSTANTS = [
    sqrt(2), sqrt(6) / 3, sympy.pi**2, 1 / sympy.sqrt(sympy.pi), exp(2), exp(Rational(-1, 2)),
    1 + sympy.E, sympy.tanh(1), sympy.tanh(1) ** 2 - 1, log(3), 2 * sqrt(2) - sqrt(3), Rational(7,
    3), 1 / (1 + exp(2)), sympy.cbrt(12),
]  # fmt: skip


@pytest.mark.parametrize("a", CONSTANTS, ids=str)
@pytest.mark.parametrize("b", CONSTANTS, ids=str)
def test_constants_add_and_multiply_as_sympy_says(a, b):
    for ours, theirs in ((add, a + b), (mul, a * b)):
        found = ours(number(a), number(b))
        assert abs(sympy.N(expr(found) - theirs, 40)) < 1e-35
        assert Field().ball(found, 128).overlaps(Field().ball(number(theirs), 128))


@pytest.mark.parametrize("c", CONSTANTS, ids=str)
def test_a_power_and_its_inverse_multiply_to_one(c):
    if c.is_positive:
        for p in (-2, -1, 1, 3):
            both = mul(power(number(c), fmpq(p)), power(number(c), fmpq(-p)))
            assert Field().is_zero(add(both, fmpq(-1)))


def test_zero_is_recognised_by_algebra_not_by_size():
    field = Field()
    assert field.is_zero(number(sqrt(2) * sqrt(3) - sqrt(6)))
    assert field.is_zero(add(number(exp(2)), mul(fmpq(-1), power(number(sympy.E), fmpq(2)))))
    tiny = number(exp(-400) - 2 * exp(-401) + exp(-500))
    assert not field.is_zero(tiny)
    assert field.sign(tiny) == 1
