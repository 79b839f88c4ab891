"""What tail() returns for the plainest functions, against hand-made expansions."""

from __future__ import annotations

import pytest
from sympy import Interval, Rational, S, Symbol, atan, exp, oo, tanh

from symgrad.catalogue import identity, leaky_relu, relu, sigmoid
from symgrad.fact import Proved
from symgrad.tails import tail

x = Symbol("x", real=True)


def test_sigmoid_derivative_holds_on_the_whole_line():
    t = tail(sigmoid.d(1), terms=2)
    assert t.terms == (exp(-x), -2 * exp(-2 * x))
    assert t.remainder.coefficient == 3
    assert t.remainder.growth == exp(-3 * x)
    assert t.where == S.Reals
    assert isinstance(t.verdict, Proved)


@pytest.mark.parametrize("toward", [oo, -oo])
def test_arctan_derivative(toward):
    t = tail(atan(x).diff(x), toward, terms=2)
    assert t.terms == (x**-2, -(x**-4))
    assert t.remainder.coefficient == 1
    assert t.valid_from == 0


@pytest.mark.parametrize(
    ("f", "toward", "terms", "where"),
    [
        (relu.d(1), oo, (S.One,), Interval.open(0, oo)),
        (relu.d(1), -oo, (), Interval(-oo, 0)),
        (leaky_relu, -oo, (x / 100,), Interval(-oo, 0)),
        (identity.d(2), oo, (), S.Reals),
        (relu.d(2), oo, (), Interval.open(0, oo)),
    ],
)
def test_exact_tails(f, toward, terms, where):
    t = tail(f, toward)
    assert t.terms == terms
    assert t.remainder is None
    assert t.where == where


def test_an_enclosure_from_the_tail_contains_the_value():
    t = tail(tanh(x), terms=3)
    assert tanh(Rational(7, 2)).n(40) in t.at(Rational(7, 2))
