"""Depth laws against plain iteration of the layer map with mpmath, a road of its own."""

from __future__ import annotations

import re

import mpmath
import pytest
import sympy
from sympy import LambertW, Rational, exp, sqrt

from symgrad.activation import X
from symgrad.catalogue import (
    arctan,
    elu,
    gelu,
    identity,
    leaky_relu,
    relu,
    sigmoid,
    silu,
    softplus,
    softsign,
    tanh,
)
from symgrad.depth import KINDS, LayerMap, boundaries, depth_law, phase
from symgrad.errors import InputError, UndecidedError
from symgrad.fact import Proved, Undecided
from symgrad.rigor import Enclosure, precision

W = LambertW(exp(-1))


def iterated(g, w, b, start, depths, digits=40):
    """P_n at the given n, by the product of the slopes along the orbit."""
    T = LayerMap.of(g, w, b)
    with mpmath.workdps(digits):
        value = sympy.lambdify(T.z, T.expr, modules="mpmath", cse=True)
        slope = sympy.lambdify(T.z, T.slope, modules="mpmath", cse=True)
        z, product, found = mpmath.mpf(start.p) / start.q, mpmath.mpf(1), {}
        for n in range(1, max(depths) + 1):
            product *= slope(z)
            z = value(z)
            if n in depths:
                found[n] = product
    return found


def middle(value) -> mpmath.mpf:
    with mpmath.workdps(50):
        return mpmath.mpf(str(sympy.N(value.mid if isinstance(value, Enclosure) else value, 40)))


GEOMETRIC = [
    # g       w                b             z¹  period
    (sigmoid, 1,               0,            1,  1),
    (sigmoid, -8,              0,            1,  2),
    (sigmoid, 4,               0,            -3, 1),
    (tanh,    Rational(1, 2),  0,            1,  1),
    (tanh,    3,               0,            2,  1),
    (tanh,    -2,              0,            1,  2),
    (tanh,    2,               Rational(1, 4), -1, 1),
    (silu,    3,               0,            -2, 1),
    (arctan,  Rational(-3, 4), Rational(1, 3), 1, 1),
    (relu,    Rational(1, 2),  0,            1,  1),
    (leaky_relu, -1,           0,            1,  2),
    (leaky_relu, -1,           0,            -1, 2),  # from the flat side: other constants
    (-X**2,   Rational(44, 25), 1,           1,  3),
]  # fmt: skip


@pytest.mark.parametrize(("g", "w", "b", "start", "period"), GEOMETRIC)
def test_geometric_law_against_iteration(g, w, b, start, period):
    law = depth_law(g, w, b, at=start)
    assert law.kind == "geometric"
    assert isinstance(law.verdict, Proved)
    assert law.period == period
    n = 24 * period
    for r in range(period):
        true = iterated(g, w, b, sympy.Integer(start), [n + r], digits=60)[n + r]
        predicted = middle(Enclosure.of_ball(law.predict(n + r, 256)))
        m = abs(float(middle(law.multiplier)))
        # the law's own next term bounds the gap; with room of 4 for the terms after it
        room = 4 * (abs(float(middle(law.next_term))) + 1) * m ** (n // period) + 1e-19
        assert abs(true / predicted - 1) <= room


def test_geometric_next_term_is_the_next_term():
    law = depth_law(sigmoid, 1, 0, at=1)
    for n in (8, 12):
        true = iterated(sigmoid, 1, 0, sympy.Integer(1), [n], digits=60)[n]
        gap = true / middle(Enclosure.of_ball(law.predict(n, 256))) - 1
        m = middle(law.multiplier)
        assert abs(gap / m**n / middle(law.next_term) - 1) < 10 * m**n


ALGEBRAIC = [
    # g       w     b   z¹  exponent          coefficient of log(n)/n
    (tanh,    1,    0,  1,  Rational(-3, 2),  Rational(-9, 40)),
    (arctan,  1,    0,  2,  Rational(-3, 2),  Rational(9, 40)),
    (sympy.sin, 1,  0,  1,  Rational(-3, 2),  Rational(-9, 10)),
    (sympy.asinh, 1, 0, 1,  Rational(-3, 2),  Rational(9, 10)),
    (elu,     1,    0,  -1, Rational(-2),     Rational(-2, 3)),
    (sigmoid, 4,    -2, 1,  Rational(-3, 2),  Rational(-9, 40)),
    (sympy.sin, 1,  0,  2,  Rational(-3, 2),  Rational(-9, 10)),  # the first slope is negative
]  # fmt: skip


@pytest.mark.parametrize(("g", "w", "b", "start", "exponent", "log_term"), ALGEBRAIC)
def test_algebraic_law_against_iteration(g, w, b, start, exponent, log_term):
    law = depth_law(g, w, b, at=start)
    assert law.kind == "algebraic"
    assert isinstance(law.verdict, Proved)
    assert law.exponent == exponent
    assert law.next_term == log_term
    n = 4000
    found = iterated(g, w, b, sympy.Integer(start), [n, 2 * n], digits=25)
    scaled = [
        p * mpmath.mpf(k) ** (-exponent) / (1 + float(log_term) * mpmath.log(k) / k)
        for k, p in sorted(found.items())
    ]
    limit = 2 * scaled[1] - scaled[0]  # removes the 1/n term; log²(n)/n² is left
    width = float(law.constant.rad / law.constant.mid)
    assert width < 1e-3
    assert abs(limit / middle(law.constant) - 1) < width + 40 * mpmath.log(n) ** 2 / n**2


def test_flipped_orbit_has_the_constant_of_the_unflipped_one():
    """tanh is odd, so w = −1 gives the same sizes as w = 1."""
    flipped, plain = depth_law(tanh, -1, at=1), depth_law(tanh, 1, at=1)
    assert flipped.kind == "algebraic"
    assert flipped.exponent == plain.exponent
    assert abs(float(flipped.constant) - float(plain.constant)) < 2e-5
    assert float(flipped.constants[1]) < 0


def test_a_neutral_kink_has_the_slopes_of_both_sides():
    """T' is −2 right of 0 and −1/2 left of it, so the odd layers differ by the factor −2."""
    g = sympy.Piecewise((-2 * X / (1 + X), X > 0), (-X / 2, True))
    law = depth_law(g, 1, at=Rational(1, 2))
    found = iterated(g, 1, 0, Rational(1, 2), [4000, 4001])
    for n, p in found.items():
        assert abs(p / middle(Enclosure.of_ball(law.predict(n))) - 1) < 0.01


def test_exact_laws():
    n = sympy.Symbol("n", positive=True, integer=True)
    assert depth_law(softsign, 1, at=2).exact == (2 * n + 1) ** -2
    isru = X / sqrt(1 + X**2)
    assert depth_law(isru, 1, at=1).exact == (1 + n) ** Rational(-3, 2)
    assert depth_law(identity, Rational(2, 3)).exact == Rational(2, 3) ** n
    assert depth_law(tanh, 2, at=0).exact == 2**n
    assert depth_law(relu, 1, at=1).exact == 1


@pytest.mark.parametrize(
    ("g", "w", "b", "start", "kind"),
    [
        (relu, 1, -2, 1, "zero"),
        (relu, 1, 0, -1, "zero"),
        (relu, 1, 0, 1, "constant"),
        (identity, 1, 0, 1, "constant"),
        (identity, -3, 0, 1, "exploding"),
        (relu, 2, 0, 1, "exploding"),
        (softplus, 2, 0, 1, "exploding"),
        (tanh, 2, 0, 0, "exploding"),
        (exp(-(X**2)), 1, -1, Rational(1, 4), "superattracting"),
    ],
)
def test_kinds(g, w, b, start, kind):
    law = depth_law(g, w, b, at=start)
    assert law.kind == kind
    assert law.kind in KINDS
    assert isinstance(law.verdict, Proved)
    assert str(law)


def test_sigmoid_threshold_of_the_notes():
    """The multiplier of the sigmoid chain without bias is largest at w = (1 + W)², W = W(1/e)."""
    peak = (1 + W) ** 2
    law = depth_law(sigmoid, peak)
    assert float(W) == pytest.approx(float(law.multiplier), abs=1e-15)
    for w in (peak - Rational(1, 8), peak + Rational(1, 8)):
        assert float(depth_law(sigmoid, w).multiplier) < float(W)


def test_undecided_is_said():
    law = depth_law(4 * X * (1 - X), 1, 0, at=Rational(1, 3))  # chaotic
    assert law.kind == "undecided"
    assert isinstance(law.verdict, Undecided)
    assert "no attracting cycle" in law.verdict.why
    with pytest.raises(UndecidedError):
        law.predict(10)


def test_laws_print_fifteen_digits():
    shown = str(depth_law(sigmoid, 1)).split("Contains")[0]
    assert "0.22470434812414" in shown
    assert max(map(len, re.findall(r"\d+", shown))) <= 18


@pytest.mark.parametrize(
    "arguments",
    [
        {"w": sympy.Symbol("w")},
        {"w": sympy.oo},
        {"w": 1, "at": sympy.I},
        {"w": 1, "digits": 0},
        {"w": 1, "fixed_point": 1},
    ],
)
def test_bad_input(arguments):
    with pytest.raises(InputError):
        depth_law(sigmoid, **arguments)


@pytest.mark.numeric
@pytest.mark.parametrize(("g", "w", "b", "start", "exponent", "log_term"), ALGEBRAIC)
def test_algebraic_law_at_great_depth(g, w, b, start, exponent, log_term):
    """The error falls as the next term says, to n = 10⁵."""
    law = depth_law(g, w, b, at=start)
    found = iterated(g, w, b, sympy.Integer(start), [10**4, 10**5], digits=25)
    gaps = [
        abs(p * mpmath.mpf(k) ** (-exponent) / middle(law.constant) - 1)
        for k, p in sorted(found.items())
    ]
    width = float(law.constant.rad / law.constant.mid)
    assert gaps[1] <= width + 0.2 * gaps[0]


@pytest.mark.numeric
@pytest.mark.parametrize(("g", "w", "b", "start", "period"), GEOMETRIC)
def test_geometric_law_at_great_depth(g, w, b, start, period):
    """log|P_n| at n = 10⁵: every further term has died out, the digits of the law are left."""
    law = depth_law(g, w, b, at=start)
    depths = [10**5 + r for r in range(period)]
    for n, true in iterated(g, w, b, sympy.Integer(start), depths, digits=60).items():
        with mpmath.workdps(60), precision(256):
            ball = abs(law.predict(n, 256)).log()
            predicted = mpmath.mpf(ball.mid().str(50, radius=False))
            # the law has 20 digits of its constant; a rounding of 1e-60 a layer is nothing to that
            assert float(ball.rad()) < 1e-15
            assert abs(mpmath.log(abs(true)) - predicted) < 1e-15


PHASES = [
    # g        w    b   period  kinds            exceptional multipliers larger than 1
    (sigmoid,  3,   0,  1,      {"geometric"},   0),
    (sigmoid,  8,   -4, 1,      {"geometric"},   1),
    (sigmoid,  -8,  0,  2,      {"geometric"},   1),
    (sigmoid,  -4,  0,  2,      {"geometric"},   0),
    (tanh,     2,   0,  1,      {"geometric"},   1),
    (tanh,     -2,  0,  2,      {"geometric"},   1),
    (tanh,     1,   0,  1,      {"algebraic"},   0),
    (softplus, 2,   0,  1,      {"exploding"},   0),
    (relu,     2,   0,  1,      {"zero", "exploding"}, 0),
    (identity, 1,   1,  1,      {"constant"},    0),
]  # fmt: skip


@pytest.mark.parametrize(("g", "w", "b", "period", "kinds", "repelling"), PHASES)
def test_phase_against_laws_from_many_starts(g, w, b, period, kinds, repelling):
    found = phase(g, w, b)
    assert isinstance(found.verdict, Proved)
    assert (found.period, found.kinds) == (period, kinds)
    assert sum(abs(float(m)) > 1 for _, m in found.exceptional) == repelling
    seen = set()
    for start in (-5, -2, Rational(-1, 3), Rational(1, 7), 3):
        basin = next(q for q in found.basins if start in q.starts)
        law = depth_law(g, w, b, at=start)
        assert law.kind in {basin.kind, "zero" if basin.kind == "exploding" else basin.kind}
        seen.add(law.kind)
    assert seen


def test_phase_boundaries_are_where_the_multiplier_is_one():
    for name, wanted in (("fold", 1), ("flip", -1)):
        w, b = boundaries(sigmoid)[name]
        for z in (-2, Rational(1, 3), 4):
            at = {X: z}
            T = LayerMap.of(sigmoid, w.subs(at), b.subs(at))
            assert abs(T.expr.subs(X, z).n(30) - z) < 1e-25
            assert abs(T.slope.subs(X, z).n(30) - wanted) < 1e-25


NOT_MONOTONE = [
    # g    w   b   layers until T is monotone   kinds
    (silu, 1,  0,  1, {"geometric"}),
    (silu, 3,  0,  1, {"geometric", "exploding"}),
    (silu, -2, 0,  2, {"algebraic"}),
    (gelu, -1, Rational(1, 2), 2, {"geometric"}),
]  # fmt: skip


@pytest.mark.parametrize(("g", "w", "b", "entered", "kinds"), NOT_MONOTONE)
def test_phase_on_the_images_of_a_map_that_is_not_monotone(g, w, b, entered, kinds):
    found = phase(g, w, b)
    assert isinstance(found.verdict, Proved)
    assert (found.entered, found.kinds) == (entered, kinds)
    with mpmath.workdps(20):
        value = sympy.lambdify(X, LayerMap.of(g, w, b).expr, modules="mpmath")
        for start in (-7, -0.7, 0.31, 2):
            z = mpmath.mpf(start)
            for _ in range(entered):
                z = value(z)
            basin = next(q for q in found.basins if sympy.Float(z) in q.starts)
            for _ in range(300):
                z = value(z) if abs(z) < 1e30 else z
            if basin.limit.is_finite:
                # a neutral point is reached like n^(-1/2), the others geometrically
                near = 0.1 if basin.kind == "algebraic" else 1e-9
                assert abs(z - float(basin.limit)) < near
            else:
                assert z > 1e20


def test_phase_is_undecided_where_no_image_is_monotone():
    verdict = phase(silu, 5).verdict
    assert isinstance(verdict, Undecided)
    assert "not monotone" in verdict.why


def test_a_map_that_jumps_has_no_phase():
    """With w = −1 the step has the cycle 0, −1 and no fixed point; its slope is 0 all the same."""
    step = sympy.Piecewise((0, X < 0), (1, True))
    verdict = phase(step, -1).verdict
    assert isinstance(verdict, Undecided)
    assert "jumps" in verdict.why


def test_a_law_holds_on_its_own_piece_alone():
    """Close to 0 the map is z − z³, and the orbit must be there before that is used."""
    near = Rational(1, 100)
    g = sympy.Piecewise((X - X**3, sympy.Abs(X) < near), (X / 2, True))
    law = depth_law(g, 1, at=1)
    assert law.kind == "algebraic"
    (zone,) = (c.rhs for step in law.derivation.steps for c in step.under)
    assert 0 < zone <= near


FOLD = (1 + 1 / sqrt(5)) / 2


@pytest.mark.parametrize(
    ("w", "b", "start", "at", "exponent"),
    [
        (5, sympy.log(FOLD / (1 - FOLD)) - 5 * FOLD, 3, 0.96242365011920689, -2),
        (-((1 + W) ** 2) / W, 0, 1, -1.2784645427610737951, Rational(-3, 2)),
    ],
)
def test_neutral_fixed_points_that_are_no_rationals(w, b, start, at, exponent):
    """The fold of the sigmoid at w = 5, and its period doubling at w_c, found in closed form."""
    law = depth_law(sigmoid, w, b, at=start)
    assert isinstance(law.verdict, Proved)
    assert float(law.fixed_point) == pytest.approx(at, abs=1e-15)
    assert law.exponent == exponent
    n = 4000
    T = LayerMap.of(sigmoid, w, b)
    with mpmath.workdps(25):
        value, slope = (sympy.lambdify(T.z, e.n(25), modules="mpmath") for e in (T.expr, T.slope))
        z, product = mpmath.mpf(start), mpmath.mpf(1)
        for _ in range(n):
            product *= slope(z)
            z = value(z)
    limit = product * mpmath.mpf(n) ** (-exponent)
    width = float(law.constant.rad / law.constant.mid)
    assert abs(limit / middle(law.constant) - 1) < width + 4 * mpmath.log(n) / n
