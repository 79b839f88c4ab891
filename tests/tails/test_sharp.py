"""Constants, starts and classes against values known by hand: neither too small nor too large."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy
from flint import arb, arb_poly, fmpq
from hypothesis import given
from hypothesis import strategies as st
from sympy import (
    Abs,
    Heaviside,
    Interval,
    LambertW,
    Max,
    Min,
    Piecewise,
    Rational,
    S,
    Symbol,
    atan,
    cos,
    erf,
    erfc,
    exp,
    log,
    oo,
    sign,
    sin,
    sinc,
    sqrt,
    tanh,
)

from symgrad.activation import univariate
from symgrad.catalogue import activation
from symgrad.errors import DomainError, InputError, LimitError, UndecidedError
from symgrad.fact import Evidence
from symgrad.rigor import precision
from symgrad.tails import compare, leading, tail
from symgrad.tails.audit import Audit, _size, audit, sample
from symgrad.tails.beyond import Beyond, nearest, outward, short_above
from symgrad.tails.constants import expr
from symgrad.tails.expand import Expander
from symgrad.tails.field import Field
from symgrad.tails.germ import germ
from symgrad.tails.model import Workshop
from symgrad.tails.monomial import Scale
from symgrad.tails.settle import far_bound
from symgrad.tails.taylor import coefficient
from symgrad.tails.walk import Quotient, _supremum

x = Symbol("x", real=True)
SCALE = Scale(Field(), x)


def model(e, size=4):
    return Expander(Workshop(SCALE, size))(e)


# K and X where |remainder|/growth is known in closed form

#: f, terms asked for, q = remainder/growth, its limit, and a point with q there
RATIOS = [
    (1 / (x - 1), 2, x / (x - 1), 1, 3),
    (1 / (1 - exp(-x)), 2, 1 / (1 - exp(-x)), 1, 1),
    (1 / (x**2 - 3), 1, 3 * x**2 / (x**2 - 3), 3, 4),
    (-log(1 - 1 / x), 1, x**2 * (-log(1 - 1 / x) - 1 / x), Rational(1, 2), 2),
    (exp(2 / x), 2, x**2 * (exp(2 / x) - 1 - 2 / x), 2, 2),
    (exp(exp(-x)), 1, (exp(exp(-x)) - 1) * exp(x), 1, 0),
]  # fmt: skip


@pytest.mark.parametrize("flip", [1, -1])
@pytest.mark.parametrize(("f", "n", "q", "limit", "at"), RATIOS, ids=lambda e: str(e))
def test_the_constant_of_a_start_and_the_start_of_a_constant(f, n, q, limit, at, flip):
    f, toward = f.subs(x, flip * x), flip * oo
    sup = q.subs(x, at)  # q falls to its limit
    from_here = tail(f, toward, n, x=x, valid_from=flip * at)
    assert from_here.valid_from == flip * at
    assert sup.n(20) <= from_here.remainder.coefficient.n(20) <= 1.011 * sup.n(20)
    cap = 1 + Rational(3, 2) * (sup - limit).n(20) / limit
    cap = Rational(str((limit * cap).n(5)))
    best = sympy.nsolve(q - cap, x, (at / 2 if at > 1 else -1, at), solver="bisect", verify=False) \
        if (q - cap).subs(x, at / 2 if at > 1 else -1).is_positive else None  # fmt: skip
    known = tail(f, toward, n, x=x, coefficient=cap)
    assert known.remainder.coefficient == cap
    if best is not None:
        assert best <= flip * known.valid_from <= best + (1 + abs(best)) / 50
    free = tail(f, toward, n, x=x)
    assert limit <= free.remainder.coefficient <= 2 * limit
    if free.valid_from.is_finite and free.valid_from != 0:
        # No further out: a little beyond its start the ratio is above 2·limit.
        beyond = flip * free.valid_from - (1 + abs(free.valid_from)) / 50
        value = q.subs(x, beyond).n(20)
        assert not value.is_real or value < 0 or value > 2 * limit * (1 - 1e-9)


def test_a_start_that_no_constant_can_have():
    with pytest.raises((LimitError, DomainError)):
        tail(1 / (x - 1), oo, 2, x=x, valid_from=1)
    with pytest.raises(InputError, match="no constant below"):
        tail(1 / (x - 1), oo, 2, x=x, coefficient=Rational(999, 1000))
    close = tail(1 / (x - 1), oo, 2, x=x, valid_from=Rational(101, 100))
    assert 101 <= close.remainder.coefficient <= 102


def test_far_bound_is_the_supremum_to_a_few_per_cent():
    for f, at, sup in (
        (1 / (x - 1), 20, Rational(20, 19)),  # all terms of one sign
        (1 / (x + 1), 20, S.One),  # alternating: exactly |c_n|
        (1 / (1 - exp(-x)), 3, 1 / (1 - exp(-3))),
        (1 / (1 + exp(-x)), 3, S.One),
        (1 / x + 1 / x**2 + 1 / x**3 + 1 / x**4, 10, Rational(11, 10)),
    ):
        found = far_bound(model(f, 8), 2, Beyond(SCALE, arb(at)))
        assert float(sup) * (1 - 1e-15) <= float(found) <= float(sup) * 1.001, f


def test_waves_and_intervals_enter_with_their_worst():
    wave = tail(1 / x + 3 * sin(x) / x**2, oo, 1, x=x).remainder.coefficient
    assert 3 <= wave <= Rational(301, 100)
    b = Symbol("b", positive=True)
    found = tail(1 / (x**2 + b * x + b), oo, 1, x=x, parameters={b: (1, 2)})
    assert 2 <= found.remainder.coefficient <= 4
    exactly = tail(1 / x + b / x**2, oo, 1, x=x, parameters={b: (1, 2)})
    assert 2 <= exactly.remainder.coefficient <= Rational(201, 100)


# suprema beyond a point


def test_values_beyond_a_point_are_sharp():
    beyond = Beyond(SCALE, arb(4))
    f = model(1 / x + 2 / x**2)
    assert float(beyond.amplitude(f)) == pytest.approx(1.5, abs=1e-15)
    assert float(beyond.supremum(f)) == pytest.approx(0.375, abs=1e-15)
    for e, value in (
        (exp(-x), np.exp(-4.0)),
        (log(x) / x**2, np.log(4) / 16),
        (x**3 * exp(-x), 64 * np.exp(-4.0)),
    ):
        ((m, _),) = model(e).terms
        assert float(beyond.sup(m)) == pytest.approx(value, rel=1e-14)
    (m, _), (n, _) = model(x**2 + x**-1).terms
    assert float(beyond.ratio(n, m)) == pytest.approx(1 / 64, rel=1e-14)
    assert not beyond.ratio(m, n).is_finite()


@pytest.mark.parametrize(("e", "turn"), [
    (x**5 * exp(-x), 5), (x**2 * exp(-(x**2)), 1), (log(x) / x, np.e),
    (log(x) ** 3 / x**2, np.exp(1.5)), (exp(x - x**2 / 8), 4),
], ids=str)  # fmt: skip
def test_a_monomial_falls_from_its_maximum_on_and_not_before(e, turn):
    ((m, _),) = model(e).terms
    assert Beyond(SCALE, arb(turn * 1.001)).sup(m).is_finite()
    assert not Beyond(SCALE, arb(turn * 0.999)).sup(m).is_finite()


def test_the_remainder_of_arithmetic_is_sharp():
    beyond = Beyond(SCALE, arb(10))
    for f, lowest in (
        (1 / (x - 1), S.One),
        (exp(1 / x), Rational(1, 120)),
        (log(1 - 1 / x), Rational(1, 6)),
        (sqrt(1 - 1 / x), Rational(7, 256)),
        (atan(1 / x), Rational(1, 11)),
        (exp(x**2) * erfc(x), Rational(945, 32) / sqrt(sympy.pi)),
        ((1 - 1 / x) ** -3, S(21)),
        (sinc(1 / x), Rational(1, 39916800)),
    ):
        found = model(f, 5)
        assert found.rem is not None
        K = float(beyond.bound(found))
        assert float(lowest) * 0.999 <= K <= 2.4 * float(lowest), (f, K)
        # The first term left out is the least that any K can be.
        longer = model(f, 6)
        if longer.terms[5:]:
            assert SCALE.compare(found.rem, longer.terms[5][0]) >= 0


# boxes


@pytest.mark.parametrize(
    ("f", "n"), [(1 / (1 + exp(-x)), 2), (atan(x), 3), (x * exp(-(x**2)) + tanh(x), 1)]
)
def test_a_box_encloses_the_quotient_narrowly(f, n):
    g = germ(univariate(f, x), oo, 6, Field())
    q = Quotient(g, n)
    for a, b in ((Rational(3), Rational(4)), (Rational(1, 2), Rational(3, 4))):
        p, rounding, whole = q.on(a, b, 200)
        assert rounding < arb(2) ** -120
        assert rounding <= whole < arb(10) ** -2
        for s in (-1, Rational(-1, 3), 0, Rational(7, 8), 1):
            at = (a + b) / 2 + s * (b - a) / 2
            true = sympy.Mul(*q.factors).subs(x, at).n(40)
            with precision(200):
                ball = p(arb(fmpq(int(S(s).p), int(S(s).q))))
                assert ball.overlaps(arb(str(true)))
                assert ball.rad() <= whole * 1.001


polynomials = st.lists(st.integers(-9, 9), min_size=2, max_size=7)


@given(polynomials)
def test_the_supremum_of_a_polynomial(c):
    grid = np.linspace(-1, 1, 2001)
    true = float(np.max(np.abs(np.polynomial.polynomial.polyval(grid, c))))
    found = float(_supremum(arb_poly(c), arb(-1), arb(1), arb(0)))
    # The grid misses at most slope·step²/8 of a maximum inside.
    assert true * (1 - 1e-12) <= found <= true * 1.002 + 1e-4
    assert float(_supremum(arb_poly(c), arb(-1), arb(1), arb(1000))) == 1000


# points


@given(st.fractions(min_value=-(10**6), max_value=10**6), st.integers(1, 4))
def test_the_least_decimal_above(q, digits):
    q = Rational(q)
    found = short_above(q, digits)
    assert found >= q
    if q:
        # One unit in the last of so many digits less is too small.
        unit = Rational(10) ** (sympy.floor(sympy.log(abs(q), 10).n(30)) + 1 - digits)
        assert (found / unit).is_integer or abs(q) >= 1
        assert found - q <= unit * (1 if abs(q) >= 1 else 10)


@pytest.mark.parametrize("edge", [Rational(1, 7), Rational(-3, 5), Rational(22, 7), S(1000) / 3])
def test_the_nearest_good_point(edge):
    found = nearest(edge - 5, edge + 7, lambda p: p >= edge)
    assert edge <= found <= edge + (1 + abs(found)) / 100
    assert found.q <= 1000
    assert nearest(edge - 5, edge + 7, lambda p: False) == edge + 7


def test_points_outward():
    for low, first in ((-oo, 2), (S.Zero, 2), (Rational(5, 2), Rational(5, 2)), (S(3), 3)):
        points = [p for p, _ in outward(SCALE, low)]
        assert points[0] == first
        assert points == sorted(set(points))
        assert points[-1] == 10**4000
        assert all(
            beyond.start == arb(str(p)) for p, beyond in outward(SCALE, low) if p < 100 and p.q == 1
        )


# leading terms, comparisons, classes


@pytest.mark.parametrize(("f", "lead", "limit", "sign_", "growth"), [
    (3 - 2 / x, 3, 3, 1, 0), (-x + log(x), -x, -oo, -1, 1), (1 / x - 2 / x**2, 1 / x, 0, 1, -1),
    (sin(x), sin(x), S.NaN, 0, 0), (sin(x) / x, sin(x) / x, 0, 0, -1), (x - x, 0, 0, 0, -1),
    (x * sin(x), x * sin(x), S.NaN, 0, 1), (exp(x) - x**9, exp(x), oo, 1, 1),
], ids=str)  # fmt: skip
def test_leading_terms(f, lead, limit, sign_, growth):
    found = leading(f, x)
    assert found.coefficient * found.monomial == lead
    assert found.limit is S.NaN if limit is S.NaN else found.limit == limit
    assert (found.sign, found.growth) == (sign_, growth)


def test_where_a_leading_term_rules_and_its_bound():
    assert leading(1 / x - 10 / x**2, x).start() == 12
    assert leading(1 / x + 1 / x**2, x).start() == 2
    assert float(leading(3 / x - 1 / x**2, x).bound(S(10))) == pytest.approx(0.31)
    assert not leading(x, x).bound(S(10)).is_finite()


@pytest.mark.parametrize(("f", "g", "holds", "smaller"), [
    (1 / x + 1 / x**2, 1 / x, 2, None), (3 / x**2, 1 / x, 0, 3), (exp(-2 * x), exp(-x), 0, 0),
    (1 / x**2 - 4 / x**3, 1 / x, 8, 1.5616), (x**2 + x, x**2, 2, None),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("flip", [1, -1])
def test_comparisons_hold_from_where_they_can(f, g, holds, smaller, flip):
    found = compare(f.subs(x, flip * x), g.subs(x, flip * x), flip * oo, x=x)
    assert holds <= flip * found.holds_from <= holds * 1.02 + 0.02
    if smaller is None:
        assert found.smaller_from is None
    else:
        assert smaller <= flip * found.smaller_from <= max(2.6 * smaller, 0.02)


def test_limits_of_ratios_and_texts():
    assert compare(-x * exp(x), x, x=x).limit == -oo
    assert compare(3 * x, x + 1, x=x).limit == 3
    assert "is of the order of" in str(compare(3 * x, x + 1, x=x))
    assert "outgrows" in str(compare(x**2, x, x=x))


CLASSES = [
    (2 + 3 * sin(x), {"kind": "oscillating", "mean": 2, "amplitude": 3, "limit": None, "power": 0}),
    (
        x * sin(x) + 2 * x * cos(2 * x),
        {"kind": "oscillating", "amplitude": 3 * x, "power": 1, "mean": None},
    ),
    (x**3 + x, {"kind": "growing", "power": 3, "rate": None, "limit": None}),
    (x * exp(2 * x), {"kind": "growing", "power": 1, "rate": -2, "degree": 1}),
    (exp(-x) / x, {"kind": "exponential", "power": -1, "rate": 1, "degree": 1, "limit": 0}),
    (exp(-exp(x)), {"kind": "double-exponential", "rate": None, "limit": 0}),
    (log(x) / x, {"kind": "algebraic", "power": -1, "limit": 0}),
    (1 / log(x), {"kind": "logarithmic", "power": 0, "limit": 0}),
    (5 + 1 / x, {"kind": "constant", "limit": 5, "power": None}),
]


@pytest.mark.parametrize(("f", "fields"), CLASSES, ids=str)
def test_every_constant_of_a_class(f, fields):
    found = tail(f, oo, 2, x=x).tail_class
    for name, value in fields.items():
        assert getattr(found, name) == value, name
    assert found.vanishes == (fields.get("limit") == 0)
    assert str(found).startswith(f"{fields['kind']}: ")


# coefficients, pieces, domains


@pytest.mark.parametrize("kind", [tanh, atan, erf, sin, sympy.asinh, sympy.sech])
def test_taylor_coefficients_against_numbers(kind):
    mp = mpmath.MPContext()
    mp.dps = 25
    f = getattr(mp, kind.__name__.lower())
    for center in (S.Zero, Rational(2, 3)):
        numbers = mp.taylor(f, mp.mpf(center.p) / center.q, 5, method="quad", radius=0.2)
        for k, number in enumerate(numbers):
            found = expr(coefficient(kind, center, k)).n(30)
            assert float(found) == pytest.approx(float(number.real), abs=1e-12)


def test_no_series_at_a_pole():
    assert [coefficient(LambertW, S.Zero, k) for k in range(4)] == [0, 1, -1, fmpq(3, 2)]
    with pytest.raises(DomainError, match="no Taylor series"):
        coefficient(sympy.atanh, S.One, 2)
    with pytest.raises(DomainError):
        coefficient(sympy.coth, S.Zero, 0)


TURN = x + erf(x) - 5  # no exact root; about 4


@pytest.mark.parametrize(
    ("f", "toward", "there"),
    [
        (Abs(TURN), oo, TURN),
        (Abs(TURN), -oo, -TURN),
        (sign(TURN), oo, S.One),
        (sign(TURN), -oo, -S.One),
        (Heaviside(TURN), oo, S.One),
        (Heaviside(TURN), -oo, S.Zero),
        (Max(TURN, 0), oo, TURN),
        (Max(TURN, 0), -oo, S.Zero),
        (Min(TURN, 0), oo, S.Zero),
        (Min(TURN, 0), -oo, TURN),
        (Piecewise((1 / x, (TURN > 0) & (x > 0)), (x, True)), oo, 1 / x),
        (Piecewise((1 / x, (TURN < 0) | (x < 0)), (x, True)), oo, x),
        (Piecewise((1 / x, ~(TURN < 0)), (x, True)), -oo, x),
    ],
    ids=str,
)
def test_the_branch_that_holds_far_out(f, toward, there):
    found = tail(f, toward, 2, x=x)
    plain = tail(there, toward, 2, x=x)
    assert found.terms == plain.terms
    at = found.valid_from
    if at.is_finite:  # the branch does hold there
        assert (TURN.subs(x, at).n() > 0) == (toward is oo)


def test_a_piecewise_without_a_last_branch():
    with pytest.raises(DomainError):
        tail(Piecewise((x, TURN < 0)), oo, 2, x=x)


@pytest.mark.parametrize(("f", "where"), [
    (log(log(x)), Interval.open(1, oo)), (log(x), Interval.open(1, oo)),
    (x ** Rational(1, 3), Interval.open(0, oo)), (1 / x**2, Interval.open(0, oo)),
    (exp(x) * x**2, S.Reals), (cos(x), S.Reals),
], ids=str)  # fmt: skip
def test_where_exact_terms_are_identities(f, where):
    found = tail(f, oo, 3, x=x).where
    assert found == where or found.is_subset(where)
    assert found.inf <= max(where.inf, 1) + 2 if where.inf.is_finite else found == where


def test_an_identity_of_hidden_logarithms_starts_where_they_are_positive():
    for depth, edge in enumerate((0, 1, sympy.E)):
        inner = x
        for _ in range(depth):
            inner = log(inner)
        found = tail(log(inner) - log(inner / 3), oo, 1, x=x)
        assert (found.terms, found.where) == ((log(3),), Interval.open(edge, oo))


def test_terms_with_logarithms_start_after_one_and_odd_ones_after_zero():
    for f, edge in (
        (log(x + 1), 1),
        (log(x**2 + 1) / x, 1),
        (x / (1 + x**2), 0),
        (sqrt(x**2 + 1), 0),
    ):
        assert tail(f, oo, 2, x=x).valid_from >= edge
        with pytest.raises((DomainError, LimitError)):
            tail(f, oo, 2, x=x, valid_from=edge - 1)
    even = tail(1 / (1 + exp(-2 * x)), oo, 2, x=x)
    assert even.where == S.Reals


def test_a_sum_that_hides_its_cancellation_is_collected():
    found = tail(activation("serf").d(1)(x).doit(), oo, 3, x=x)
    assert found.terms[0] == 1
    assert found.remainder.growth == exp(-(x**2)) / x**3
    assert found.check(12, bits=300).passed


def test_sinc_of_a_small_argument():
    found = tail(sinc(1 / x), oo, 3, x=x)
    assert found.sum == 1 - x**-2 / 6 + x**-4 / 120
    assert found.remainder.coefficient == Rational(1, 5040)
    assert found.check(20).passed


# audits


def test_the_size_of_a_ratio_keeps_its_side_of_one():
    assert _size(arb(0.5)) == 0.5
    assert _size(arb(-0.25)) == 0.25
    assert _size(arb(1)) == 1.0
    assert np.isnan(_size(arb(1, 2.0**-50)))
    assert np.isnan(_size(arb(0.5, 0.1)))
    assert _size(arb(3, 0.5)) == 3.0
    tiny = arb(2) ** -50
    assert _size(arb(1) - tiny) == 1 - 2.0**-50 < 1.0 < _size(arb(1) + tiny)
    assert _size(arb(1.5)) == 1.5


@pytest.mark.parametrize("flip", [1, -1])
def test_samples_lie_where_the_tail_holds(flip):
    for f, terms in ((1 / (flip * x - 1), 2), (exp(-flip * x) / (1 + exp(-flip * x)), 2)):
        found = tail(f, flip * oo, terms, x=x)
        at = sample(found, 200, 3, bits=400)
        assert len(at) == 200
        assert all(found.where.contains(Rational(float(p))) for p in at)
        near = np.count_nonzero(np.abs(at - float(at[np.argmin(flip * at)])) <= 8.0)
        assert near >= 100
        assert np.count_nonzero(np.abs(at - float(at[np.argmin(flip * at)])) > 2) >= 40
        far = sample(found, 20, 3, bits=4000, beyond=400)
        assert np.min(flip * far) >= np.max(flip * at) * 0.5
        assert np.array_equal(at, sample(found, 200, 3, bits=400))
        assert not np.array_equal(at, sample(found, 200, 4, bits=400))


def test_an_audit_as_evidence():
    assert Audit(9, 8, 3, 0.5, 2.0).evidence == Evidence(8, "ratio 0.5 at 2.0", "1 undecided")
    assert Audit(8, 8, 3, 0.5, 2.0).evidence.note == ""
    assert Audit(8, 8, 3, 1.0, 2.0).passed
    assert not Audit(8, 8, 3, 1.01, 2.0).passed
    assert not Audit(8, 0, 0, 0.0, 2.0).passed
    with pytest.raises(InputError, match="none of 8"):
        _ = Audit(8, 0, 0, 0.0, 2.0).evidence
    found = tail(1 / (x - 1), oo, 2, x=x).check(50)
    assert found.points == found.decided == found.seconded == 50
    assert audit(tail(1 / (x - 1), oo, 2, x=x), 20, second=0).seconded == 0
    assert audit(tail(Max(x, 0), oo, x=x), 20).seconded == 0
    assert found.worst > 0.99


def test_an_undecided_sign_is_refused():
    a = Symbol("a", real=True)
    with pytest.raises(UndecidedError, match="a > 0"):
        leading(a * x, x).limit  # noqa: B018


def test_a_logarithm_at_the_point_where_it_starts():
    """From 1 on, where log x is 0 and its growth is not finite."""
    x = Symbol("x", positive=True)
    found = tail(log(x) * exp(-1 / (2 * x**2)) / x ** Rational(5, 2), x=x, terms=1)
    assert found.verdict
    assert found.valid_from == 1
