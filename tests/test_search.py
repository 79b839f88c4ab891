"""Branch and bound: signs on a box, ranges, budgets, and what a non-finite ball may not do."""

from __future__ import annotations

import mpmath
import pytest
import sympy
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from sympy import Rational, Symbol, atan, cos, exp, sin, sqrt, tanh

from symgrad.errors import DomainError
from symgrad.rigor.constants import exact
from symgrad.rigor.search import Budget, Meter, Search

x = Symbol("x", real=True)

RANGES = [
    # f                     lo   hi   inf                    sup
    (x * sin(x),            0,   3,   0,                     "1.8197057411596530"),
    (x / (1 + x**2),       -3,   5,   "-0.5",                "0.5"),
    (x / sqrt(1 + x**2),  -50,  50,   "-0.99980005998000700", "0.99980005998000700"),
    ((1 + x**2) ** Rational(-3, 2), -40, 40, "1.561036299825301e-5", "1"),
    (tanh(x) - x,          -1,   2,   "-1.0359724199241831", "0.23840584404423511"),
    (cos(7 * x) * exp(-x),  0,   4,   "-0.6449198094362324",   "1"),
]  # fmt: skip


def signs_over(f, *interval):
    search = Search(f, x, tuple(map(arb, interval)))
    assert search.run(Meter()) == ""
    assert "open" not in {leaf.kind for leaf in search.leaves}
    crossed = any(leaf.kind == "crossing" for leaf in search.leaves)
    return {-1, 1} if crossed else {leaf.sign for leaf in search.leaves}


@pytest.mark.parametrize(("f", "lo", "hi", "least", "most"), RANGES)
def test_a_level_is_passed_exactly_within_the_range(f, lo, hi, least, most):
    tiny = Rational(1, 10**12)
    for level, inward in ((Rational(least), 1), (Rational(most), -1)):
        assert signs_over(f - level + inward * tiny, lo, hi) == {inward}
        assert signs_over(f - level - inward * tiny, lo, hi) == {-1, 1}


def test_a_ball_that_is_not_finite_decides_nothing():
    # 1 + x² over a wide ball contains 0: the value is not finite, which must never certify.
    f = 1 / (1 + x**2) - Rational(1, 2)
    assert signs_over(f, -(2**20), 2**20) == {-1, 1}
    with pytest.raises(DomainError, match="pole"):
        signs_over(1 / x, -1, 1)


def test_leaves_cover_the_interval_and_agree_with_mpmath():
    f = sin(3 * x) * exp(-x / 2) - Rational(1, 7)
    search = Search(f, x, (arb(-2), arb(5)))
    assert search.run(Meter()) == ""
    leaves = sorted(search.leaves, key=lambda leaf: leaf.lo.mid())
    assert leaves[0].lo == -2
    assert leaves[-1].hi == 5
    g = sympy.lambdify(x, f, "mpmath")
    checked = 0
    for leaf, following in zip(leaves, [*leaves[1:], None], strict=True):
        assert following is None or leaf.hi == following.lo
        lo, hi = (mpmath.mpf(str(exact(e).n(40))) for e in (leaf.lo, leaf.hi))
        if leaf.kind == "crossing":
            assert mpmath.sign(g(lo)) == leaf.sign == -mpmath.sign(g(hi))
        else:
            assert all(mpmath.sign(g(lo + (hi - lo) * k / 5)) == leaf.sign for k in range(6))
        checked += 1
    assert checked >= 10


@given(st.fractions(-3, 3, max_denominator=50), st.fractions(-3, 3, max_denominator=50))
def test_the_sign_of_a_parabola(a, b):
    p = (x - Rational(a)) * (x - Rational(b)) + 1 + Rational(a - b) ** 2 / 4
    search = Search(sympy.expand(p), x, (arb(-4), arb(4)))
    assert search.run(Meter()) == ""
    assert {leaf.sign for leaf in search.leaves} == {1}


def test_a_budget_stops_and_a_second_one_goes_on():
    search = Search(sin(40 * x), x, (arb(-1), arb("1.1")))
    why = search.run(Meter(Budget(boxes=7)))
    assert "7 boxes" in why
    assert search.open
    kept = list(search.leaves)
    assert search.run(Meter()) == ""
    assert search.leaves[: len(kept)] == kept
    whole = Search(sin(40 * x), x, (arb(-1), arb("1.1")))
    whole.run(Meter())
    key = lambda leaf: (exact(leaf.lo), leaf.kind)
    assert sorted(map(key, search.leaves)) == sorted(map(key, whole.leaves))


def test_an_interruption_keeps_the_open_boxes():
    calls = []

    def stop(done: int, waiting: int) -> None:
        calls.append((done, waiting))
        if len(calls) == 1:
            raise KeyboardInterrupt

    search = Search(sin(60 * x) * atan(x - 9), x, (arb(-1), arb("1.1")))
    assert search.run(Meter(Budget(progress=stop))) == "interrupted"
    assert search.open
    assert search.run(Meter()) == ""
    assert sum(leaf.kind == "crossing" for leaf in search.leaves) == 41


def test_where_the_function_is_not_real_is_said():
    with pytest.raises(DomainError, match=r"not real, at x in \[-\d"):
        Search(sqrt(x) - 2, x, (arb(-3), arb(5))).run(Meter())
