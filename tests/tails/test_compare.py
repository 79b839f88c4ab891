"""Comparisons of tails: the ratio, and that it holds where it is said to."""

from __future__ import annotations

import mpmath
import pytest
import sympy
from sympy import Abs, S, Symbol, exp, oo, sin

from symgrad.catalogue import activation
from symgrad.errors import InputError, UnsupportedError
from symgrad.fact import Proved
from symgrad.tails import compare

x = Symbol("x", real=True)

PAIRS = [
    ("tanh", "sigmoid", oo, 4 * exp(-x), S.Zero),
    ("sigmoid", "tanh", oo, exp(x) / 4, oo),
    ("arctan", "sigmoid", oo, exp(x) / x**2, oo),
    ("gelu", "silu", oo, S.One, S.One),
    ("softsign", "arctan", -oo, S.One, S.One),
    ("relu", "sigmoid", -oo, S.Zero, S.Zero),
]


@pytest.mark.parametrize(("f", "g", "toward", "ratio", "limit"), PAIRS)
def test_the_ratio_and_its_start(f, g, toward, ratio, limit):
    f, g = activation(f).d(1), activation(g).d(1)
    found = compare(f, g, toward)
    assert sympy.simplify(found.ratio - ratio) == 0
    assert found.limit == limit
    assert isinstance(found.verdict, Proved)
    mp = mpmath.MPContext()
    mp.dps = 120
    above, below = (h.activation.derivative(1).expr for h in (f, g))
    value = sympy.lambdify(Symbol("x", real=True), above / below, mp)
    out = 1 if toward is oo else -1
    for step in (0.01, 0.5, 2, 10, 40):
        at = mp.mpf(float(found.holds_from)) + out * step
        if ratio == 0:
            assert value(at) == 0
            continue
        lead = sympy.lambdify(x, ratio, mp)(at)
        assert abs(value(at) / lead - 1) <= 0.5
        if found.smaller_from is not None:
            assert abs(value(mp.mpf(float(found.smaller_from)) + out * step)) < 1


def test_the_smaller_one_is_found_only_where_it_is_smaller():
    assert compare(activation("tanh").d(1), activation("sigmoid").d(1)).smaller_from is not None
    assert compare(activation("sigmoid").d(1), activation("tanh").d(1)).smaller_from is None


def test_text_says_which_vanishes_faster():
    said = " ".join(str(compare(activation("tanh").d(1), activation("sigmoid").d(1))).split())
    assert "tanh'(x) vanishes faster than sigmoid'(x)" in said
    assert f"{Abs(activation('tanh').d(1)(x), evaluate=False)} <" in said


def test_no_ratio_to_zero_or_to_a_wave():
    with pytest.raises(InputError, match="exactly zero"):
        compare(activation("sigmoid").d(1), activation("relu").d(1), -oo)
    with pytest.raises(UnsupportedError, match="oscillates"):
        compare(exp(-x), sin(x), x=x)
