"""Random expressions on random boxes: what balls, ends and series say holds for mpmath's values."""

from __future__ import annotations

import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from flint import arb, fmpq
from sympy import Piecewise, Rational

from symgrad.activation import X
from symgrad.oracle import Kind, mp_values
from symgrad.rigor import interval, precision, program
from symgrad.rigor.ops import FUNCTIONS

KNOWN = [f for f in FUNCTIONS if f.__module__.startswith("sympy")]
UNARY = [
    *KNOWN, sympy.Abs, sympy.sign, lambda u: sympy.Heaviside(u, 1), sympy.sqrt,
    lambda u: u ** Rational(-2, 3), lambda u: u**3, lambda u: u**-2, lambda u: 1 / u,
]  # fmt: skip
BINARY = [
    sympy.Add, sympy.Mul, sympy.Max, sympy.Min, lambda u, v: u / v, lambda u, v: u - v,
    lambda u, v: Piecewise((u, v > 1), (v, u <= X), (u - v, True)),
    lambda u, v: Piecewise((u, sympy.And(u < v, sympy.Not(X > 2))), (v, sympy.Ne(X, 0)), (7, True)),
    lambda u, v: (1 + u**2) ** v,
]  # fmt: skip


def expression(rng, depth):
    if depth == 0:
        return rng.choice([X, X, X, sympy.pi, Rational(rng.randint(-9, 9), rng.randint(1, 4))])
    if rng.random() < 0.5:
        return rng.choice(UNARY)(expression(rng, depth - 1))
    return rng.choice(BINARY)(expression(rng, depth - 1), expression(rng, depth - 1))


def expressions(rng, count):
    while count:
        try:
            f = expression(rng, rng.randint(1, 3))
        except (TypeError, ValueError):  # sympy compares no zoo and no complex number
            continue
        if f.has(X) and f.is_real is not False and not f.has(
            sympy.oo, sympy.zoo, sympy.nan, sympy.I, sympy.re, sympy.im, sympy.arg
        ):  # fmt: skip
            count -= 1
            yield f


def box(rng):
    at = rng.choice([0.0, 1.0, -1.0, 2.0, rng.uniform(-3, 3), rng.uniform(-40, 40), 1e3, -1e18])
    width = rng.choice([0.0, 2.0**-40, 2.0**-9, 0.25, 1.0, 8.0, 1e5])
    return at, at + width


def exact(values, place):
    q = Fraction(values.fraction(place))
    return arb(fmpq(q.numerator, q.denominator)) * (1 + arb(0, 2.0**-70))


@pytest.mark.parametrize("count", [30, pytest.param(2000, marks=pytest.mark.numeric)])
def test_every_value_inside_a_box_is_enclosed(count):
    rng = random.Random(20)
    narrow = undefined = judged = 0
    for f in expressions(rng, count):
        run = program(f, X)
        for _ in range(50):
            low, high = box(rng)
            at = np.unique([low, high, *(rng.uniform(low, high) for _ in range(2))])
            found = run.ball(interval(arb(low), arb(high)))
            ends = run.ends(arb(low), arb(high))
            truth = mp_values(f, [X], [at], max_bits=700)
            for k in range(len(at)):
                said = f, low, high, float(at[k]), truth.show(k)
                with precision(2000):
                    if truth.kind[k] == Kind.UNDEFINED and f.has(Piecewise):
                        continue  # where a condition is undefined, balls hold either branch
                    if truth.kind[k] == Kind.UNDEFINED:
                        undefined += 1
                        assert not found.is_finite(), said
                        assert not ends[0].is_finite() or not ends[1].is_finite(), said
                    elif truth.kind[k] <= Kind.FINITE and abs(truth.exp[k]) < 1500:
                        value = exact(truth, k)
                        judged += 1
                        narrow += found.rel_accuracy_bits() > 5
                        assert not found.is_finite() or found.overlaps(value), (said, found)
                        assert not value < ends[0], (said, ends)
                        assert not value > ends[1], (said, ends)
    assert min(judged / 20, narrow / 10, undefined) > count


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.numeric)])
def test_series_are_the_taylor_coefficients(count):
    """mpmath differentiates numerically, from values alone."""
    rng, compared = random.Random(21), 0
    for f in expressions(rng, count):
        value = sympy.lambdify(X, f, modules="mpmath")
        with mpmath.workdps(60):
            for _ in range(3):
                at = rng.choice([rng.uniform(-3, 3), rng.uniform(0, 1), 2.0**-20])
                jet = program(f, X).jet(interval(arb(at), arb(at + 2.0**-300)), 4, prec=300)
                if not all(c.is_finite() for c in jet):
                    continue
                try:
                    wanted = mpmath.taylor(value, mpmath.mpf(at), 3)
                except (ValueError, ZeroDivisionError, TypeError, NameError):
                    continue
                for got, true in zip(jet, wanted, strict=True):
                    if isinstance(true, mpmath.mpf) and mpmath.isfinite(true):
                        compared += 1
                        with precision(400):
                            slack = arb(0, 1e-9) * (1 + abs(got))
                            assert (got + slack).overlaps(arb(str(true))), (f, at, got, true)
    assert compared > 2 * count
