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
from symgrad.rigor import program
from symgrad.rigor.constants import exact
from symgrad.rigor.search import Budget, Meter, Search, point_sign

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


def test_a_sign_at_a_point_takes_the_bits_it_needs():
    for n, wanted in ((20, 1), (200, 1), (350, None)):
        gap = sqrt(2 + Rational(1, 10**n)) - sqrt(2)
        assert point_sign(program(gap + 0 * x, x), arb(0)) == wanted
        assert point_sign(program(-gap + 0 * x, x), arb(0)) == (wanted and -wanted)
    assert point_sign(program(x**3, x), arb(0)) == 0
    assert point_sign(program(1 / x, x), arb(0)) is None


def test_a_meter_counts_boxes_reports_and_ends_in_time():
    seen = []
    meter = Meter(Budget(boxes=200, progress=lambda done, waiting: seen.append((done, waiting))))
    search = Search(sin(400 * x), x, (arb(-1), arb("1.1")))
    assert search.run(meter) == "the limit of 200 boxes is reached"
    assert meter.boxes == 201
    assert [done for done, _ in seen] == [64, 128, 192]
    assert all(waiting > 1 for _, waiting in seen)
    assert len(search.leaves) <= 200
    assert "limit of 0 s" in search.run(Meter(Budget(seconds=0)))


EFFORT = [
    # f                                              lo   hi   boxes
    (sin(40 * x) + Rational(1, 3),                  -1,   1,   105),
    (exp(-(x**2)) - x / 7,                          -3,   3,   20),
    (1 + x**2 + sin(9 * x),                         -2,   2,   40),
    ((x - Rational(1, 3)) ** 2 + Rational(1, 10**9), -1,  1,   80),
    (x - sin(x) - Rational(1, 10**9),               -1,   1,   80),
    (exp(x) - 1 - x - x**2 / 2 - Rational(1, 10**24), -1, 1,   230),
]  # fmt: skip


@pytest.mark.parametrize(("f", "lo", "hi", "most"), EFFORT, ids=[str(e[0]) for e in EFFORT])
def test_each_test_decides_what_it_should_in_few_boxes(f, lo, hi, most):
    meter = Meter()
    search = Search(f, x, (arb(lo), arb(hi)))
    assert search.run(meter) == ""
    assert meter.boxes <= most


def test_every_kind_of_test_is_of_use():
    kinds = set()
    for f, lo, hi, _ in EFFORT:
        search = Search(f, x, (arb(lo), arb(hi)))
        search.run(Meter())
        kinds |= {leaf.kind for leaf in search.leaves}
    assert kinds == {"ball", "taylor", "monotone", "crossing"}


def test_what_cancels_is_looked_at_with_more_bits_not_in_smaller_boxes():
    f = (1 + sympy.erf(x)) * exp(x**2) - Rational(1, 1000)
    meter = Meter()
    search = Search(f, x, (arb(-12), arb(-8)))
    assert search.run(meter) == ""
    assert meter.boxes < 400
    assert {leaf.sign for leaf in search.leaves} == {1}


def test_a_budget_of_one_box_is_one_box():
    assert Search(exp(x), x, (arb(0), arb(1))).run(Meter(Budget(boxes=1))) == ""
    assert "limit of 0 boxes" in Search(exp(x), x, (arb(0), arb(1))).run(Meter(Budget(boxes=0)))
