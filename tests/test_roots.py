"""Zeros: existence, uniqueness, multiplicity, any number of digits, and what stays undecided."""

from __future__ import annotations

import itertools
import pickle

import mpmath
import pytest
import sympy
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, S, Symbol, cos, cosh, exp, log, pi, sin, sqrt, tanh

from symgrad.errors import DomainError, LimitError, UndecidedError
from symgrad.rigor import constant, precision, program, sign
from symgrad.rigor.constants import exact
from symgrad.rigor.roots import RealRoot, isolate, isolation, newton, touch, vanishes
from symgrad.rigor.search import Budget, Leaf, Meter

x = Symbol("x", real=True)


def test_the_zeros_of_a_chebyshev_polynomial():
    n = 12
    roots = isolate(sympy.chebyshevt(n, x), x, -1, 1)
    assert len(roots) == n
    for k, root in enumerate(roots):
        at = sympy.cos(pi * Rational(2 * (n - k) - 1, 2 * n))
        assert root.multiplicity == 1
        assert constant(root.at, 100).overlaps(constant(at, 160))
        assert constant(root.at, 100).rel_accuracy_bits() >= 95


MANY = [
    # f                                 lo, hi     points (multiplicity)
    (x - tanh(x),                       -3, 3,     [(0, 3)]),
    (exp(x) - 1 - x - x**2 / 2,         -3, 3,     [(0, 3)]),
    (exp(x) - 1 - x,                    -3, 3,     [(0, 2)]),
    (x**2 * sin(x),                     -2, 4,     [(0, 3), (pi, 1)]),
    (log(x),                             1, 5,     [(1, 1)]),
    ((x - 1) * (x - 2),                  1, 2,     [(1, 1), (2, 1)]),
    (1 - cos(x),                         0, 2 * pi, [(0, 2), (2 * pi, 2)]),
    (x**2 + 1,                          -9, 9,     []),
]  # fmt: skip


@pytest.mark.parametrize(("f", "lo", "hi", "points"), MANY, ids=[str(m[0]) for m in MANY])
def test_multiplicities(f, lo, hi, points):
    roots = isolate(f, x, lo, hi)
    assert [r.multiplicity for r in roots] == [k for _, k in points]
    for root, (at, k) in zip(roots, points, strict=True):
        assert constant(root.at, 64).overlaps(constant(sympy.sympify(at), 96)) or root.at == at
        assert (root.signs[0] == root.signs[1]) == (k % 2 == 0)


def test_sixty_one_zeros_of_the_sine():
    roots = isolate(sin(x), x, -30 * pi, 30 * pi)
    assert len(roots) == 61
    assert all(r.multiplicity == 1 for r in roots)
    assert all(constant(r.at, 80).overlaps(constant(pi * k, 128)) for k, r in enumerate(roots, -30))


def test_a_thousand_digits():
    (root,) = isolate(cos(x) - x, x, 0, 1)
    with mpmath.workdps(1010):
        known = mpmath.findroot(lambda t: mpmath.cos(t) - t, 0.739)
        assert abs(mpmath.mpf(str(root.at.n(1005))) - known) < mpmath.mpf(10) ** -1000


def test_two_zeros_closer_than_the_finest_box():
    gap = Rational(1, 10**15)
    first, second = isolate((x - Rational(1, 3)) ** 2 - gap**2, x, -1, 1)
    assert constant(first.at, 120).overlaps(constant(Rational(1, 3) - gap, 200))
    assert constant(second.at, 120).overlaps(constant(Rational(1, 3) + gap, 200))
    assert isolate((x - Rational(1, 3)) ** 2 + gap**2, x, -1, 1) == ()


def test_a_cluster_with_a_zero_on_one_side_of_its_turning_point_only():
    # Two close crossings far out: the flat stretch beside a crossing is not a second one.
    p = x**2 - 10**6 * x * cos(x) + 10**6 * sin(x)
    roots = isolate(p, x, 999990, 1000000)
    signs = [s for r in roots for s in r.signs]
    assert signs[1:-1:2] == signs[2::2]
    with mpmath.workdps(40):
        g = sympy.lambdify(x, p, "mpmath")
        grid = [mpmath.sign(g(mpmath.mpf(999990) + mpmath.mpf(k) / 2000)) for k in range(20001)]
    assert len(roots) == sum(a != b for a, b in itertools.pairwise(grid))


def test_a_double_zero_needs_an_exact_point():
    f = (cos(x) - x) ** 2
    with pytest.raises(UndecidedError, match=r"\[0\.73908\d*, 0\.73908\d*\]"):
        isolate(f, x, 0, 1)
    g = (x**2 - 2) ** 2
    with pytest.raises(UndecidedError):
        isolate(sympy.expand(g), x, 0, 3)
    (root,) = isolate(sympy.expand(g), x, 0, 3, exact_points=[sqrt(2)])
    assert (root.at, root.multiplicity) == (sqrt(2), 2)
    # A point that is no zero helps nobody.
    with pytest.raises(UndecidedError):
        isolate(sympy.expand(g), x, 0, 3, exact_points=[Rational(99, 70)])


@settings(max_examples=20)
@given(st.lists(st.fractions(-5, 5, max_denominator=9), min_size=1, max_size=5, unique=True))
def test_as_many_zeros_as_sturm_counts(points):
    poly = sympy.expand(sympy.prod((x - Rational(p)) for p in points) * (x**2 + x + 1) + 0)
    counted = sympy.Poly(poly, x).count_roots(-6, 6)
    roots = isolate(poly, x, -6, 6)
    assert len(roots) == counted == len(points)
    for root, p in zip(roots, sorted(points), strict=True):
        assert constant(root.at, 70).contains(constant(Rational(p), 300).mid()) or bool(
            abs(constant(root.at, 70) - arb(p.numerator) / p.denominator) < 1e-18
        )


def test_poles_and_complex_branches_are_named():
    with pytest.raises(DomainError, match=r"pole.*\[0\.33333"):
        isolate(1 / (x - Rational(1, 3)), x, -1, 1)
    with pytest.raises(DomainError, match=r"not real, at x in \[-"):
        isolate(sqrt(x) - 1, x, -1, 2)


def test_a_budget_leaves_open_boxes_and_memory_goes_on():
    meter = Meter(Budget(boxes=9))
    part = isolation(sin(30 * x), x, -2, 2, meter=meter)
    assert part.open
    assert "9 boxes" in part.why
    whole = isolation(sin(30 * x), x, -2, 2, meter=Meter(memory=meter.memory))
    assert not whole.open
    assert len(whole.roots) == 39


def test_the_number_is_a_constant():
    (root,) = isolate(x**3 - x - 1, x, 0, 2)
    c = root.at
    assert isinstance(c, RealRoot)
    assert c.free_symbols == set()
    assert c.subs(x, 5) is c.xreplace({x: sympy.S(5)}) is c
    assert pickle.loads(pickle.dumps(c)) == c
    assert str(c) == "1.32471795724…"
    assert sign(c - Rational(13247, 10000)) == 1
    assert (c > 1, c < 0) == (True, False)
    assert constant(c**3 - c - 1, 300).contains(0)
    with mpmath.workdps(60):
        known = mpmath.polyroots([1, 0, -1, -1], maxsteps=200, extraprec=200)[0].real
        assert abs(mpmath.mpf(str((2 * c).n(55))) - 2 * known) < mpmath.mpf(10) ** -52


def test_exact_zeros_are_proved_not_guessed():
    assert vanishes(sin(x), x, pi)
    assert vanishes(x - tanh(x), x, sympy.S.Zero, 2)
    assert not vanishes(x - tanh(x), x, sympy.S.Zero, 3)
    assert not vanishes(sin(x) - Rational(1, 10**60), x, pi)


def test_boxes_are_exact_and_hold_their_zero_alone():
    roots = isolate(sin(5 * x) + x / 3, x, -4, 4)
    assert len(roots) >= 5
    for a, b in itertools.pairwise(roots):
        assert exact(a.hi) <= exact(b.lo)
        assert a.signs[1] == b.signs[0]


def test_a_zero_at_an_end_belongs_to_the_closed_interval():
    f, tiny = cos(x) - x, Rational(1, 10**60)
    (c,) = (r.at for r in isolate(f, x, 0, 1))
    assert isolate(f, x, 0, c - tiny) == ()
    assert isolate(f, x, c + tiny, 1) == ()
    assert len(isolate(f, x, c - tiny, c + tiny)) == 1
    g = x**2 - 2
    assert [r.at for r in isolate(g, x, sqrt(2), 3)] == [sqrt(2)]
    assert [r.at for r in isolate(g, x, -3, sqrt(2)) if r.at == sqrt(2)] == [sqrt(2)]
    assert isolate(g, x, sqrt(2) + tiny, 3) == isolate(g, x, 0, sqrt(2) - tiny) == ()
    assert len(isolate(g, x, -sqrt(2) - tiny, sqrt(2) + tiny)) == 2
    assert len(isolate(g, x, -sqrt(2) + tiny, sqrt(2) + tiny)) == 1


COVERED = [
    (x**2 * (x - 1) ** 3 * (x + 2), -3, 2, [S.One]), ((1 - cos(x)) * (x - 7), -1, 8, [2 * pi]),
    (x - sin(x), -2, 2, []), (tanh(x) ** 4 - x / 9, -1, 9, []), (exp(x) - 1 - x, -1, 1, []),
    (x**7 * (x - 3), -4, 4, []), ((x**2 - 2) ** 2 * (x - 1), -2, 2, [sqrt(2), -sqrt(2)]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "lo", "hi", "points"), COVERED, ids=[str(c[0]) for c in COVERED])
def test_boxes_and_touching_points_cover_the_interval_with_the_signs_they_claim(f, lo, hi, points):
    found = isolation(f, x, lo, hi, exact_points=points)
    assert (found.open, found.why, found.unfinished) == ((), "", False)
    assert found.leaves[0].lo <= lo
    assert found.leaves[-1].hi >= hi
    with mpmath.workdps(60):
        g = sympy.lambdify(x, f, "mpmath")
        for leaf, after in itertools.zip_longest(found.leaves, found.leaves[1:]):
            assert after is None or leaf.lo < after.lo <= leaf.hi < after.hi
            a, b = (mpmath.mpf(e.p) / e.q for e in (exact(leaf.lo), exact(leaf.hi)))
            signs = [int(mpmath.sign(g(a + (b - a) * k / 8))) for k in range(9)]
            if isinstance(leaf, Leaf) and leaf.kind != "crossing":
                assert set(signs) == {leaf.sign}
                continue
            if isinstance(leaf, Leaf):
                left, right = leaf.sign, -leaf.sign
            else:
                (left, right), c = leaf.signs, constant(leaf.at, 200)
                assert leaf.lo < c < leaf.hi
                assert (left == right) == (leaf.multiplicity % 2 == 0)
                assert all(vanishes(f, x, leaf.at, k) for k in range(leaf.multiplicity))
                assert not vanishes(f, x, leaf.at, leaf.multiplicity)
            assert (signs[0], signs[-1]) == (left, right)
            assert sum(p * q < 0 for p, q in itertools.pairwise(s for s in signs if s)) == (
                left != right
            )
    assert sum(r.multiplicity for r in found.roots) >= 1
    assert all(r.signs[1] == s.signs[0] for r, s in itertools.pairwise(found.roots))


def test_digits_at_every_precision_by_newtons_method():
    for f, lo, hi in (
        (x**3 - x - 1, 0, 2), (exp(x) + 10 * x, -3, 1), (tanh(x) - exp(-(x**2)), 0, 2),
        (x**5 + x**3 - Rational(1, 10**9), -1, 2), (log(x) - 40, 1, 10**18),
    ):  # fmt: skip
        (root,) = isolate(f, x, lo, hi)
        with mpmath.workdps(700):
            start = mpmath.mpf(str(root.at.n(30)))
            true = mpmath.findroot(sympy.lambdify(x, f, "mpmath"), start)
            digits = mpmath.nstr(true, 690)
        for bits in (20, 64, 200, 2000):
            found = constant(root.at, bits)
            assert found.rel_accuracy_bits() >= bits - 1
            with precision(2300):
                assert found.overlaps(arb(digits) * (1 + arb(0, arb(2) ** -2200)))
        assert (root.at.is_positive, root.at.is_negative) == (true > 0, true < 0)


def test_newton_gives_up_where_nothing_shows_the_zero():
    flat = sympy.Piecewise((x, x < Rational(-1, 3)), (x, x > Rational(1, 3)), (0, True))
    with pytest.raises(LimitError, match="not enclosed to 64 bits"):
        newton(program(flat, x), arb(-1), arb(1), 64)


def test_what_is_no_exact_zero():
    assert not vanishes(x * log(x), x, sympy.S.Zero)
    assert not vanishes(sqrt(x), x, sympy.S.Zero, 1)
    assert vanishes(log(x), x, sympy.S.One)
    assert not vanishes(log(x), x, sympy.S.One, 1)
    assert vanishes((x - pi) ** 3, x, pi, 2)
    assert not vanishes((x - pi) ** 3, x, pi, 3)
    # 10^-3000 is neither shown to be zero nor told from it at 8,192 bits
    assert not vanishes(exp(x) - 1, x, log(1 + Rational(1, 10**3000)))
    assert touch(x + 1, x, sympy.S.Zero) is None
    assert touch(x * log(x), x, sympy.S.Zero) is None
    assert touch(x**9, x, sympy.S.Zero) is None  # an order beyond what is tried
    assert touch(x**7 * (1 + x), x, sympy.S.Zero).multiplicity == 7
    near = touch(x**2 * (x - Rational(1, 1000)), x, sympy.S.Zero)
    assert -1 < near.lo < 0 < near.hi < arb(1) / 1000
    assert near.signs == (-1, -1)


def test_what_stays_open_is_put_together_and_named():
    found = isolation((x**2 - 2) ** 2 * (x**2 - 3) ** 2, x, 0, 3)
    assert len(found.open) == 2
    assert "higher multiplicity" in found.why
    assert not found.unfinished
    for (lo, hi), c in zip(found.open, (sqrt(2), sqrt(3)), strict=True):
        assert lo < constant(c, 200) < hi
        assert hi - lo < arb(2) ** -50


def test_a_minimum_above_zero_is_told_from_a_double_zero():
    for height, open_ in ((Rational(1, 10**36), False), (Rational(1, 10**46), True)):
        found = isolation((x - Rational(1, 3)) ** 2 + height, x, -1, 1)
        assert (len(found.open), found.roots) == (int(open_), ())


def test_newton_ends_at_zero_itself():
    for f in (sin(x), x + x**3, exp(x) - 1, x * cosh(x)):
        found = newton(program(f, x), arb(-1), arb(2), 64)
        assert found.contains(0)
        assert found.rad() < arb(2) ** -256
