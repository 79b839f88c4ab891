"""A bent expression is the same function after it has been cut into pieces."""

from __future__ import annotations

import itertools

import pytest
import sympy
from sympy import (
    Abs,
    Eq,
    Heaviside,
    Interval,
    Max,
    Min,
    Ne,
    Piecewise,
    Rational,
    S,
    Symbol,
    exp,
    sign,
    tanh,
)

from symgrad.errors import UndecidedError, UnsupportedError
from symgrad.pieces import branches, folded, roots

x = Symbol("x", real=True)
lam = Symbol("lambda", positive=True)
third = Rational(1, 3)

CASES = [
    Max(x, 0),
    Abs(x),
    x / (1 + Abs(x)),
    sign(x) * sympy.log(1 + Abs(x)),
    Heaviside(x) + Heaviside(x - 2, 0),
    Max(-1, Min(1, x)),
    x * Min(Max(x + 3, 0), 6) / 6,
    Max(x, x**2, 1 - x, Abs(x - third)),
    Max(x / 2, Min(3, x), Min(4, x**2)),
    Max(exp(x) - 2, 0),
    Max(0, exp(2 * x) - 3 * exp(-x)),
    Max(0, tanh(x) - Rational(1, 2)),
    Max(0, x**3 - 2),
    Max(Abs(Abs(Abs(x) - 1) - 2) - 3, Abs(x) - Rational(7, 2)),
    Piecewise((x, (x > 0) & (x < 1)), (2, Eq(x, 1)), (0, True)),
    Piecewise((sympy.sin(x) / x, Ne(x, 0)), (1, True)),
    Piecewise((1, Max(x, -x) < 2), (0, True)),
]


def sample(expr):
    """Every break point, and rational points around and between."""
    ends = {p for domain, _ in branches(expr, x) for p in (domain.inf, domain.sup)}
    breaks = sorted(p for p in ends if p.is_finite)
    near = [b + s * Rational(1, 10**9) for b in breaks for s in (-1, 0, 1)]
    return [*near, *(Rational(k, 7) for k in range(-70, 71, 3)), S(1000), S(-1000)]


@pytest.mark.parametrize("expr", CASES, ids=str)
def test_pieces_are_the_same_function(expr):
    whole, parts = folded(expr, x), branches(expr, x)
    for at in sample(expr):
        wanted = expr.subs(x, at)
        assert (whole.subs(x, at) - wanted).equals(0), at
        holding = [formula for domain, formula in parts if domain.contains(at) == S.true]
        assert len(holding) == 1, at
        assert (holding[0].subs(x, at) - wanted).equals(0), at


@pytest.mark.parametrize("expr", CASES, ids=str)
def test_pieces_cover_the_line_once_in_order_and_are_smooth(expr):
    parts = branches(expr, x)
    assert sympy.Union(*(domain for domain, _ in parts)) == S.Reals
    for (left, _), (right, _) in itertools.pairwise(parts):
        assert left.sup == right.inf
    for domain, formula in parts:
        assert not formula.has(Piecewise, Abs, Max, Min, sign, Heaviside)
        assert domain.measure > 0 or len(domain.args) == 1


def test_parameters_are_ordered_by_their_assumptions():
    soft = Piecewise((x - lam, x > lam), (x + lam, x < -lam), (0, True))
    assert branches(soft, x) == (
        (Interval.open(-sympy.oo, -lam), x + lam),
        (Interval.Ropen(-lam, lam), S.Zero),
        (Interval(lam, sympy.oo), x - lam),
    )


def test_what_cannot_be_ordered_or_solved_is_said():
    a = Symbol("a", positive=True)
    with pytest.raises(UndecidedError, match="1 - a"):
        branches(Max(x, a * x), x)
    with pytest.raises(UnsupportedError, match="sin"):
        branches(Abs(sympy.sin(x)), x)


def test_nests_of_max_and_min_do_not_explode():
    nest = x
    for k in range(1, 9):
        nest = Max(Min(nest, Rational(k) - x / k), x / (k + 1) - k, evaluate=False)
    assert len(branches(nest, x)) <= 4 * 8


def test_a_pole_is_a_place_where_a_condition_may_change():
    assert roots(1 / x - 1, x) == (0, 1)
    assert roots(exp(2 * x) - 2 * exp(-x), x) == (sympy.log(2) / 3,)
    with pytest.raises(UnsupportedError, match="exp"):
        roots(x * exp(8 / (1 + exp(-x))) + x + 8, x)
    pairs = {str(d): f for d, f in branches(Max(0, 1 / x), x)}
    assert pairs == {"Interval.open(-oo, 0)": 0, "Interval.open(0, oo)": 1 / x}
