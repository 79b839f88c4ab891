"""Balls and jets enclose what mpmath finds, and signs of constants are proved."""

from __future__ import annotations

from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy
from flint import arb
from sympy import E, Rational, S, Symbol, exp, pi, sqrt

from symgrad.activation import X
from symgrad.catalogue import activations
from symgrad.errors import UndecidedError, UnsupportedError
from symgrad.oracle import mp_values
from symgrad.rigor import Enclosure, constant, interval, precision, program, sign, union
from symgrad.rigor.constants import exact, rational_upper
from symgrad.rigor.ops import FUNCTIONS
from symgrad.rigor.sharp import sharpened

REST = {"alpha": Rational(3, 2), "beta": Rational(2, 3)}
POINTS = [Rational(k, 7) for k in (-40, -15, -4, 2, 9, 33)]


def formulas():
    for g in activations():
        free = {p.name: REST[p.name] for p, v in zip(g.parameters, g.values, strict=True) if v == p}
        yield pytest.param(g(**free) if free else g, id=g.name)


def by_mpmath(expr, at):
    before, mpmath.mp.dps = mpmath.mp.dps, 80
    try:
        value = sympy.lambdify(X, expr, modules="mpmath")(mpmath.mpf(at.p) / at.q)
        return mpmath.nstr(mpmath.mpf(value), 75)
    finally:
        mpmath.mp.dps = before


def holds(ball, value, slack=0):
    """Whether the ball contains the mpmath number, up to that number's own error."""
    with precision(260):
        number = arb(value) + arb(0, "1e-70") * (1 + abs(ball.mid()))
        return ball.overlaps(number + arb(0, slack))


@pytest.mark.parametrize("g", list(formulas()))
def test_balls_and_jets_enclose_mpmath(g):
    f = g.formula.expr
    run = program(f, X)
    for at in POINTS:
        ball = run.ball(constant(at, 200), prec=200)
        value = by_mpmath(f, at)
        assert ball.rel_accuracy_bits() > 100
        assert holds(ball, value)
        with precision(260):
            wrong = ball + (1 + abs(ball)) * arb(2) ** -100
        assert not holds(wrong, value)
        jet = run.jet(constant(at, 200), 4, prec=200)
        for n in (1, 2, 3):
            with precision(260):
                nth = jet[n] * int(sympy.factorial(n))
            assert nth.is_finite()  # a ball that is not would hold anything
            assert nth.rad() < arb(2) ** -100 * (1 + abs(nth.mid()))
            assert holds(nth, by_mpmath(g.derivative(n).expr, at))


@pytest.mark.parametrize("g", list(formulas()))
def test_wide_balls_hold_every_value(g):
    for n in (0, 1):
        f = g.derivative(n).expr
        ball = program(f, X).ball(interval(arb(-6), arb(5)), prec=64)
        for at in POINTS:
            if -6 <= at <= 5:
                assert not ball.is_finite() or holds(ball, by_mpmath(f, at))


@pytest.mark.parametrize("g", list(formulas()))
def test_sharper_words_are_the_same_function(g):
    for n in (0, 1):
        f = g.derivative(n).expr
        for at in POINTS:
            point = constant(at, 200)
            plain, sharp = (program(e, X).ball(point, prec=200) for e in (f, sharpened(f)))
            assert plain.overlaps(sharp)


def test_sharper_words_do_not_cancel():
    f = X * (1 + sympy.erf(X)) / 2
    far = constant(S(-1000), 128)
    assert program(f, X).ball(far, prec=128).rel_accuracy_bits() < 0
    assert program(sharpened(f), X).ball(far, prec=128).rel_accuracy_bits() > 90


@pytest.mark.parametrize(
    ("c", "wanted"),
    [
        (E**pi - pi**E, 1),
        (sqrt(6) - sqrt(2) * sqrt(3), 0),
        (exp(Rational(1, 10**30)) - 1 - Rational(1, 10**30), 1),
        (Rational(-3, 7), -1),
        (sympy.tanh(1) - sympy.tanh(2), -1),
    ],
)
def test_signs(c, wanted):
    assert sign(c) == wanted
    assert sign(-c) == -wanted


def test_what_is_not_decided_or_not_known_is_said():
    with pytest.raises(UndecidedError, match="depends on"):
        sign(Symbol("q") + 1)
    with pytest.raises(UnsupportedError, match="zeta"):
        program(sympy.zeta(X), X)
    assert not program(1 / X, X).ball(interval(arb(-1), arb(1))).is_finite()
    assert not program(sympy.log(X), X).ball(arb(-1)).is_finite()
    assert not program(sympy.sinc(1 / X), X).ball(arb(0)).is_finite()


def test_precision_is_put_back_also_after_an_error():
    before = flint.ctx.prec

    def fails():
        with precision(999):
            assert flint.ctx.prec == 999
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert flint.ctx.prec == before


def test_a_number_too_small_for_a_rational_is_refused_at_once():
    from symgrad.catalogue import activation
    from symgrad.errors import LimitError
    from symgrad.tails import tail

    with pytest.raises(LimitError, match="logarithm"):
        tail(activation("cloglog").d(1)).at(50)
    assert float(tail(activation("cloglog").d(1)).at(3)) > 0


@pytest.mark.parametrize("run", ["ball", "ends"])
def test_no_size_of_argument_overflows(run):
    """exp(±1e300) is a number: the exponent of a ball may be any integer."""

    def value(f, at):
        f, at = program(f, X), arb(at)
        return f.ball(at, prec=128) if run == "ball" else union(*f.ends(at, at, 128))

    for at in (1e300, -1e300):
        e = value(exp(X), at)
        assert e.is_finite()
        with precision(2000):
            two = arb(2).log()
            assert holds(value(exp(X) * exp(-X), at), "1")
            assert abs(int(e.mid().man_exp()[1]) * two / at - 1) < 1e-9
    assert holds(value(sympy.erfc(X) * exp(X**2) * X * sqrt(pi), 1e200), "1")
    assert holds(value(sympy.sech(X) * sympy.cosh(X), -1e30), "1")
    assert holds(value(sympy.csch(X) * sympy.sinh(X), -1e30), "1")


def test_a_choice_between_truths():
    f = sympy.Piecewise((1, sympy.ITE(X > 0, X < 2, X < -2)), (0, True))
    for at, wanted in ((1, 1), (3, 0), (-1, 0), (-3, 1)):
        assert program(f, X).ball(arb(at)) == wanted
    assert program(f, X).ball(interval(arb(-1), arb(1))).contains(interval(arb(0), arb(1)))


def test_ends_see_what_a_ball_does_not():
    """e/(1 + e)² far out is small on all of a long stretch."""
    e = exp(-X)
    low, high = program(e / (1 + e) ** 2, X).ends(arb(100), arb(200))
    assert 0 < low < high < 1e-43
    assert not program(e / (1 + e) ** 2, X).ball(interval(arb(100), arb(200))) > 0


def test_no_branch_is_taken_at_a_kink():
    """At an exact kink the value is known and the derivative is not; so is the value at a jump."""
    kinks = [
        (sympy.Abs(X), 0), (sympy.Max(X, 0), 0), (sympy.sign(X), 0), (sympy.Heaviside(X), "0.5"),
        (sympy.Heaviside(X, 1), 1), (sympy.Piecewise((X + 3, X >= 0), (0, True)), 3),
        (sympy.Piecewise((5, sympy.Eq(X, 0)), (X, True)), 5),
    ]  # fmt: skip
    for f, value in kinks:
        head, slope = program(f, X).jet(arb(0), 2)
        assert head == program(f, X).ball(arb(0)) == arb(value)
        assert mp_values(f, [X], [np.zeros(1)]).fraction(0) == Fraction(value)
        assert not slope.is_finite()
        assert program(f, X).jet(arb(2), 2)[1].is_finite()


def test_roots_of_any_order_from_zero_on():
    for order in (2, 3, 10**9, 10**30):
        f = program(X ** Rational(1, order), X)
        assert f.ball(arb(0)) == 0
        assert f.ball(arb(2), prec=128).overlaps((arb(2).log() / order).exp())
        low, high = f.ends(arb(0), arb(2))
        assert low == 0
        assert 1 < high < 1.5
        assert not f.ball(arb(-1)).is_finite()


def test_the_size_of_what_may_be_zero_is_not_negative():
    assert program(sympy.sqrt(sympy.Abs(X)), X).ends(arb(-4), arb(1)) == (0, 2)


KNOWN_TO_SYMPY = [f for f in FUNCTIONS if f.__module__.startswith("sympy.")]


@pytest.mark.parametrize("kind", KNOWN_TO_SYMPY, ids=lambda f: f.__name__)
def test_every_function_of_the_table_against_its_symbolic_derivatives(kind):
    """Values and Taylor coefficients by SymPy's rules and evaluation, and over boxes."""
    f = kind(X)
    decided = 0
    for at in (Rational(-13, 5), Rational(-3, 7), Rational(2, 7), Rational(11, 5)):
        true = [sympy.N(f.diff(X, n).subs(X, at), 60) / sympy.factorial(n) for n in range(4)]
        if not all(v.is_Float for v in true):  # outside the domain
            assert not program(f, X).ball(constant(at, 200), prec=200).is_finite()
            continue
        decided += 1
        for radius, prec in ((0, 200), (Rational(1, 50), 64)):
            with precision(prec):
                box = constant(at, prec) + arb(0, constant(radius, prec))
            jet = program(f, X).jet(box, 4, prec=prec)
            for ball, value in zip(jet, true, strict=True):
                assert ball.is_finite()
                with precision(260):
                    number = arb(str(value)) + arb(0, "1e-50")
                    assert ball.overlaps(number)
                    assert radius or not (ball + arb(2) ** -100).overlaps(number)
    assert decided > 0


def test_a_column_holds_the_ball_of_every_point():
    a, b = sympy.symbols("a b", real=True)
    f = exp(-a) * sympy.tanh(a * b) + pi
    points = [(constant(Rational(k, 7)), constant(Rational(3 - k, 5))) for k in range(-9, 9)]
    with precision(64):
        found = program(f, a, b).column([list(c) for c in zip(*points, strict=True)], len(points))
        assert len(found) == len(points)
        for ball, at in zip(found, points, strict=True):
            alone = program(f, a, b).ball(*at)
            assert ball.mid() == alone.mid()
            assert ball.rad() == alone.rad()
        assert len(program(pi + 0 * a, a).column([[arb(1)] * 3], 3)) == 3


def test_a_short_rational_above_is_above_and_near():
    for k in range(1, 40):
        with precision(100):
            ball = constant(pi**k / 7 ** (k // 2), 100) * (-1) ** k + arb(0, arb(2) ** (-k))
            upper = exact(ball.upper())
        found = rational_upper(ball)
        assert upper <= found <= upper + abs(upper) / 2**20
        assert found.q.bit_length() + found.p.bit_length() < 64 + k


def test_middle_and_radius_of_an_enclosure():
    found = Enclosure(Rational(-1, 3), Rational(5, 2))
    assert (found.mid, found.rad) == (Rational(13, 12), Rational(17, 12))
    assert found.mid + found.rad == found.hi
    assert found.mid - found.rad == found.lo


def test_the_series_of_an_absolute_value_has_the_slope_of_its_side():
    for at in (Rational(2, 7), Rational(-2, 7), S(5), S(-5)):
        value, slope, curvature = program(sympy.Abs(X), X).jet(constant(at), 3)
        assert value.overlaps(constant(abs(at)))
        assert (slope, curvature) == (1 if at > 0 else -1, 0)
