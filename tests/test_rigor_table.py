"""The tables of balls, row by row: what is enclosed is true, and the enclosure is not wider."""

from __future__ import annotations

import itertools
import operator
from fractions import Fraction

import mpmath
import pytest
import sympy
from flint import arb
from sympy import Abs, Heaviside, Max, Min, Piecewise, Rational, S, Symbol, exp, pi

from symgrad.errors import DomainError, InputError, UndecidedError
from symgrad.rigor import Enclosure, constant, interval, precision, program, sign, union
from symgrad.rigor.algebra import ENDS
from symgrad.rigor.constants import Digits
from symgrad.rigor.ops import FUNCTIONS, SIDES, pow_int
from symgrad.rigor.sharp import led, sharpened

x, y = sympy.symbols("x y", real=True)
mp = mpmath.mp.clone()
mp.dps = 70
KNOWN = [f for f in FUNCTIONS if f.__module__.startswith("sympy.")]
RUNS = [f for f in KNOWN if FUNCTIONS[f].runs]
BEYOND = {  # where a function is not real, or not finite: a point, and the interval that is refused
    sympy.log: (-1, 1), sympy.asin: (Rational(1, 2), Rational(9, 8)), sympy.acos: (-2, 0),
    sympy.acosh: (0, 2), sympy.atanh: (0, Rational(9, 8)), sympy.coth: (-1, 1),
    sympy.csch: (-1, 2), sympy.LambertW: (-1, 1), sympy.tan: (1, 2), sympy.cot: (-1, 1),
    sympy.sec: (1, 2), sympy.csc: (-1, 1),
}  # fmt: skip
BOXES = [
    (Fraction(at), Fraction(at) + Fraction(width))
    for at in ("-5/2", "-3/4", "-1/4", "1/8", "1/2", "5/4", "3")
    for width in ("0", "1/1099511627776", "1/1024", "1/3", "3/2")
]


def by_mpmath(f):
    return getattr(mp, {"LambertW": "lambertw"}.get(f.__name__, f.__name__))


def real(f, at):
    """The value at a rational, or None."""
    try:
        value = by_mpmath(f)(mp.mpf(at.numerator) / at.denominator)
    except (ValueError, ZeroDivisionError):
        return None
    return value if isinstance(value, mp.mpf) and mp.isfinite(value) else None


def dyadic(q):
    return arb(q.numerator) / q.denominator


def number(b):
    """An exact ball as an mpmath number."""
    man, exponent = b.man_exp()
    return mp.ldexp(int(man), int(exponent))


def ends_of(ball):
    with precision(300):
        return number(ball.lower()), number(ball.upper())


def assert_hull(found, values, stretch=2.0**-20, more=0):
    """[low, high] holds the values, and is the hull of them but for a stretch and the rounding."""
    low, high = found
    least, most = min(values), max(values)
    noise = mp.mpf(10) ** -60 * (1 + abs(least) + abs(most))
    assert low <= least + noise
    assert high >= most - noise
    slack = (most - least) * stretch + (abs(least) + abs(most)) * (mp.mpf(2) ** -46 + more)
    assert low >= least - slack
    assert high <= most + slack


def on(q):
    """The ball of a rational interval at 64 bits, and its exact ends."""
    with precision(64):
        ball = interval(dyadic(q[0]), dyadic(q[1]))
    with precision(300):
        ends = [ball.lower(), ball.upper()]
    return ball, [
        Fraction(int(m), 1) * Fraction(2) ** int(e) for m, e in (b.man_exp() for b in ends)
    ]


@pytest.mark.parametrize("f", RUNS, ids=lambda f: f.__name__)
def test_a_monotone_function_is_enclosed_by_its_values_at_the_ends(f):
    run, judged = program(f(x), x), 0
    turns = f in (sympy.cosh, sympy.sech, sympy.coth, sympy.csch)
    assert (FUNCTIONS[f].runs == SIDES) == turns
    for box in BOXES:
        ball, (lo, hi) = on(box)
        values = [real(f, lo), real(f, hi)]
        if turns and lo < 0 < hi:
            values.append(real(f, Fraction(0)))
        found = run.ball(ball)
        if None in values:
            assert not found.is_finite()
            continue
        judged += 1
        assert_hull(ends_of(found), values, more=4 * float(hi - lo) if hi - lo < 1e-9 else 0)
        if not turns or not lo < 0 < hi:
            low, high = run.ends(dyadic(lo), dyadic(hi))
            assert_hull((ends_of(low)[0], ends_of(high)[1]), values)
    assert judged >= 10


@pytest.mark.parametrize("f", [f for f in KNOWN if f not in RUNS], ids=lambda f: f.__name__)
def test_a_function_that_turns_is_enclosed_by_what_it_takes(f):
    run, judged = program(f(x), x), 0
    for box in BOXES:
        ball, (lo, hi) = on(box)
        found = run.ball(ball)
        values = [real(f, lo + (hi - lo) * Fraction(k, 40)) for k in range(41)]
        if not found.is_finite():
            assert f in BEYOND
            continue
        judged += 1
        assert_hull(ends_of(found), values, 5)
        low, high = run.ends(dyadic(lo), dyadic(hi))
        assert_hull((ends_of(low)[0], ends_of(high)[1]), values, 5)
    assert judged >= 15


@pytest.mark.parametrize("f", BEYOND, ids=lambda f: f.__name__)
def test_nothing_is_said_where_a_function_is_not_defined_all_over(f):
    lo, hi = (constant(sympy.sympify(c)) for c in BEYOND[f])
    run = program(f(x), x)
    assert not run.ball(interval(lo, hi)).is_finite()
    assert not all(e.is_finite() for e in run.ends(lo, hi))
    assert not run.jet(interval(lo, hi), 3)[1].is_finite()


def test_the_closed_ends_of_domains_belong_to_them():
    for f, at, value in (
        (sympy.asin, 1, pi / 2), (sympy.asin, -1, -pi / 2), (sympy.acos, 1, 0),
        (sympy.acos, -1, pi), (sympy.acosh, 1, 0), (sympy.sqrt, 0, 0), (sympy.sinc, 0, 1),
    ):  # fmt: skip
        run = program(f(x), x)
        found = run.ball(arb(at))
        assert found.overlaps(constant(sympy.sympify(value)))
        assert found.rad() < 1e-15
        low, high = run.ends(arb(at), arb(at))
        assert low <= constant(sympy.sympify(value)).upper()
        assert high >= constant(sympy.sympify(value)).lower()
        assert high - low < 1e-15


@pytest.mark.parametrize("f", KNOWN, ids=lambda f: f.__name__)
def test_series_over_a_box_are_as_wide_as_what_they_hold(f):
    """Coefficient k over [c − r, c + r] varies by about 2(k + 1)|c_{k+1}|r; more is allowed."""
    run, judged = program(f(x), x), 0
    radius = arb(2) ** -14
    for at in ("-2", "-3/8", "1/4", "5/8", "9/4"):
        centre = Fraction(at)
        if real(f, centre) is None:
            continue
        with mp.workprec(400):
            true = mp.taylor(by_mpmath(f), mp.mpf(centre.numerator) / centre.denominator, 6)
        if (f is sympy.LambertW and centre < 0) or (f is sympy.sinc and abs(centre) < 2):
            continue  # past the branch point -1/e; a quotient of two small numbers
        exact_jet = run.jet(dyadic(centre), 6, 200)
        wide = run.jet(arb(dyadic(centre), radius), 6, 128)
        for k in range(6):
            judged += 1
            with precision(300):
                value = arb(mp.nstr(true[k], 40)) + arb(0, 1e-25) * (
                    1 + abs(arb(mp.nstr(true[k], 40)))
                )
            assert exact_jet[k].overlaps(value)
            assert exact_jet[k].rad() < arb(2) ** -150 * (1 + abs(value))
            assert wide[k].overlaps(value)
            near = sum(abs(t) for t in true)
            assert wide[k].rad() < 64 * (k + 1) * radius * mp_up(near)
    assert judged >= 6


def mp_up(value):
    return arb(mp.nstr(value, 20)) * arb(1.01)


@pytest.mark.parametrize("n", range(-4, 6))
def test_powers_over_every_kind_of_box(n):
    run = program(x**n, x)
    for lo, hi in itertools.combinations((-3, -2, 0, 1, Fraction(5, 2)), 2):
        box, ends = interval(dyadic(Fraction(lo)), dyadic(Fraction(hi))), (lo, hi)
        low, high = run.ends(dyadic(Fraction(lo)), dyadic(Fraction(hi)))
        if n < 0 and lo <= 0 <= hi:
            assert not run.ball(box).is_finite()
            assert not low.is_finite()
            assert not high.is_finite()
            continue
        values = [mp.mpf(Fraction(e).numerator) / Fraction(e).denominator for e in ends]
        values = [v**n for v in values] + ([mp.mpf(0)] if lo < 0 < hi and n > 0 else [])
        assert_hull(ends_of(run.ball(box)), values)
        assert_hull((ends_of(low)[0], ends_of(high)[1]), values)
        assert pow_int(box, n).overlaps(run.ball(box))


@pytest.mark.parametrize("q", [Rational(1, 2), Rational(-1, 2), Rational(3, 2), Rational(2, 3),
                               Rational(-5, 4), Rational(1, 10**20)], ids=str)  # fmt: skip
def test_roots_over_boxes(q):
    run = program(x**q, x)
    for lo, hi in itertools.combinations((0, Rational(1, 3), 1, 7), 2):
        a, b = constant(S(lo)), constant(S(hi))
        if q < 0 and lo == 0:
            assert not run.ball(interval(a, b)).is_finite()
            assert not all(e.is_finite() for e in run.ends(a, b))
            continue
        values = [mp.mpf(Rational(c).p) / Rational(c).q for c in (lo, hi)]
        values = [v ** (mp.mpf(q.p) / q.q) if v else mp.mpf(0) for v in values]
        low, high = run.ends(a, b)
        if lo != 0:  # a ball around [0, b] reaches below 0
            assert_hull(ends_of(run.ball(interval(a, b))), values, mp.mpf(2) ** -18)
        assert_hull((ends_of(low)[0], ends_of(high)[1]), values, mp.mpf(2) ** -18)
        slope = run.jet(constant(S(hi), 128), 3, 128)[1]
        with precision(128):
            assert slope.overlaps(constant(q * S(hi) ** (q - 1), 128))
            assert slope.rad() < abs(slope) * arb(2) ** -100
    assert not run.ball(interval(arb(-1), arb(1))).is_finite()
    assert not all(e.is_finite() for e in run.ends(arb(-1), arb(1)))


# branches: every relation at, below, above and across its border

TRUTH = {
    sympy.Lt: operator.lt, sympy.Le: operator.le, sympy.Gt: operator.gt, sympy.Ge: operator.ge,
    sympy.Eq: operator.eq, sympy.Ne: operator.ne,
}  # fmt: skip
SPANS = [(a, b) for a in range(3) for b in range(a, 3)]


def outcome(values):
    """The hull of what may come out."""
    return (min(values), max(values))


@pytest.mark.parametrize("relation", TRUTH, ids=lambda r: r.__name__)
def test_every_relation_between_two_boxes(relation):
    """By its ends, a box is exact; a ball reaches a little farther, unless it is a point."""
    run = program(Piecewise((3, relation(x, y)), (1, True)), x, y)
    turned = program(Piecewise((3, relation(S.One, x, evaluate=False)), (1, True)), x)
    holds = TRUTH[relation]
    for a, b in itertools.product(SPANS, SPANS):
        points = itertools.product(*((c, (c + d) / 2, d) for c, d in (a, b)))
        wanted = outcome([3 if holds(p, q) else 1 for p, q in points])
        with precision(64):
            found = run.registers(ENDS, [tuple(map(arb, a)), tuple(map(arb, b))])[-1]
        assert found == wanted
        ball = run.ball(*(interval(arb(c), arb(d)) for c, d in (a, b)))
        assert_holds(ball, wanted, a[1] < b[0] or b[1] < a[0] or (a[0] == a[1] and b[0] == b[1]))
        if a == (1, 1):
            assert turned.ends(arb(b[0]), arb(b[1])) == wanted
            jet = turned.jet(interval(arb(b[0]), arb(b[1])), 2)
            assert_holds(jet[0], wanted, not b[0] <= 1 <= b[1])
            assert jet[1].is_finite() == (not b[0] <= 1 <= b[1])


def assert_holds(ball, wanted, exactly):
    low, high = ends_of(ball)
    assert low <= wanted[0]
    assert wanted[1] <= high
    if exactly:
        assert (low, high) == wanted


def test_words_of_three_values():
    """And, Or, Not and ITE over a box on which a part may hold or not."""
    sure, never, maybe = x > -9, x > 9, x > 0
    cases = {
        sympy.And(maybe, y > -9, evaluate=False): (0, 1), sympy.And(maybe, y > 9): (0, 0),
        sympy.Or(maybe, y > -9): (1, 1), sympy.Or(maybe, y > 9): (0, 1),
        sympy.Or(never, y > 9): (0, 0), sympy.And(sure, y > -9): (1, 1),
        sympy.Not(sympy.And(maybe, y > -1)): (0, 1), sympy.Not(sympy.Or(never, y > 9)): (1, 1),
        sympy.ITE(maybe, y > 9, y > -9): (0, 1), sympy.ITE(sure, y > 9, y > -9): (0, 0),
        sympy.ITE(never, y > 9, y > -9): (1, 1), sympy.ITE(maybe, y > 9, y < -9): (0, 0),
    }  # fmt: skip
    for condition, (least, most) in cases.items():
        run = program(Piecewise((1, condition), (0, True)), x, y)
        with precision(64):
            found = run.registers(ENDS, [(arb(-1), arb(1)), (arb(0), arb(0))])[-1]
        assert found == (least, most), condition


@pytest.mark.parametrize(("f", "g"), [
    (Abs(x), abs), (sympy.sign(x), lambda v: (v > 0) - (v < 0)),
    (Heaviside(x, Rational(1, 4)), lambda v: 0.25 if v == 0 else float(v > 0)),
    (Max(x, Rational(1, 2)), lambda v: max(v, 0.5)),
    (Min(x, Rational(1, 2)), lambda v: min(v, 0.5)),
    (Max(x, 1, -2 * x), lambda v: max(v, 1, -2 * v)),
    (Min(x, 1, -2 * x), lambda v: min(v, 1, -2 * v)),
    (Piecewise((x, x < 0), (2 * x + 5, x < 1), (-x, True)),
     lambda v: v if v < 0 else 2 * v + 5 if v < 1 else -v),
], ids=lambda v: str(v) if isinstance(v, sympy.Basic) else None)  # fmt: skip
def test_kinks_and_jumps_over_boxes(f, g):
    run = program(f, x)
    marks = (-2, -1, -0.5, 0, 0.5, 1, 2)
    for lo, hi in itertools.combinations_with_replacement(marks, 2):
        near = [m + d for m in marks for d in (-1e-12, 0, 1e-12)]
        values = [mp.mpf(g(v)) for v in (lo, hi, *near) if lo <= v <= hi]
        exact_hull = f.func in (sympy.sign, Heaviside)
        low, high = run.ends(arb(lo), arb(hi))
        for found in (
            ends_of(run.ball(interval(arb(lo), arb(hi)))),
            (ends_of(low)[0], ends_of(high)[1]),
        ):
            assert found[0] <= min(values) + mp.mpf("1e-11")
            assert found[1] >= max(values) - mp.mpf("1e-11")
            if lo == hi or (exact_hull and 0 not in (lo, hi)):
                assert found[0] >= min(values) - mp.mpf("1e-8")
                assert found[1] <= max(values) + mp.mpf("1e-8")
        if lo == hi:
            slope = run.jet(arb(lo), 2)[1]
            left, right = ((g(lo + s * 2.0**-30) - g(lo)) * 2.0**30 * s for s in (-1, 1))
            if left == right and abs(left) < 9:
                assert slope == left
            else:
                assert not slope.is_finite()


# far out, and where sums cancel


@pytest.mark.parametrize("at", [2.0**61, 2.0**70, 1e300, -(2.0**61), -1e300])
def test_far_out_every_exponential_is_its_leading_one(at):
    """Against exact multiples of exp(−|x|), whose own exponent is checked by log 2."""
    side, point = (1 if at > 0 else -1), arb(at)
    u = program(exp(-Abs(x)), x).ball(point, prec=128)
    with precision(1200):
        turns = int(u.mid().man_exp()[1])
        bits = abs(int(u.mid().man_exp()[0])).bit_length()
        assert abs((turns + bits) * arb(2).log() + abs(point)) < 1
    half = Rational(1, 2)
    for f, ratio in ((exp(x), 1), (sympy.cosh(x), half), (sympy.sinh(x), side * half),
                     (sympy.sech(x), 2), (sympy.csch(x), 2 * side)):  # fmt: skip
        value = program(f, x).ball(point, prec=128)
        with precision(128):
            small = f.func in (sympy.sech, sympy.csch) or (f == exp(x) and side < 0)
            found = value / u if small else value * u
            assert found.overlaps(constant(S(ratio), 128))
            assert found.rad() < 1e-30
    with precision(128):
        tail = program(sympy.erfc(x), x).ball(point, prec=128)
        if side < 0:
            assert tail.overlaps(arb(2))
            assert tail.rad() < 1e-30
        else:
            found = tail * point * arb.pi().sqrt() / program(exp(-(x**2)), x).ball(point, prec=128)
            assert found.overlaps(1 - 1 / (2 * point * point))
            assert found.rad() < 1e-30


def test_the_complement_of_erf_far_out_by_more_of_its_series():
    """DLMF 7.12.1 with four terms more than the package takes."""
    for size in (2.0**61, 2.0**90):
        with precision(700):
            point = arb(size)
            v = 1 / (2 * point * point)
            true = sum((c * v**k for k, c in enumerate((1, -1, 3, -15, 105, -945))), arb(0))
            found = program(sympy.erfc(x), x).ball(point, prec=700)
            found *= point * arb.pi().sqrt() / program(exp(-(x**2)), x).ball(point, prec=700)
            assert found.overlaps(true)
            assert found.rad() < 8 * v * v


def test_beyond_every_size_an_exponential_is_between_zero_and_one():
    with precision(64):
        huge = arb(2) ** 40000
    for f in (exp(-x), sympy.sech(x), sympy.csch(x), sympy.erfc(x)):
        found = program(f, x).ball(huge)
        assert found.contains(0)
        assert 0 <= found.upper() < 1e-100
    for f in (exp(x), sympy.cosh(x), sympy.sinh(x)):
        assert not program(f, x).ball(huge).is_finite()


CANCELLING = [
    # sum that cancels                        where
    (1 - sympy.erf(x),                        50),
    (1 + sympy.erf(x),                        -50),
    (x * sympy.erf(x) + x,                    -50),
    (Rational(3, 2) - 3 * sympy.erf(x) / 2,   50),
    (1 - sympy.tanh(x),                       400),
    (1 + sympy.tanh(x),                       -400),
    (5 - 5 * sympy.tanh(2 * x),               400),
    (1 - sympy.tanh(x) ** 2,                  -400),
    (2 * x - 2 * x * sympy.tanh(3 * x) ** 2,  400),
    (exp(x) - 1,                              "1e-30"),
    (x**2 - x**2 * exp(3 * x),                "1e-30"),
    (sympy.log(1 + x),                        "1e-30"),
    (sympy.log(1 + exp(x)),                   -400),
    (sympy.log(1 + sympy.sin(x)) * (1 - sympy.erf(x)), "1e-30"),
]  # fmt: skip
PLAIN = [sympy.log(2 + x), 1 + sympy.tanh(x) ** 2, 2 + exp(x), 1 - 2 * sympy.erf(x), sympy.log(x)]


@pytest.mark.parametrize(("f", "at"), CANCELLING, ids=[str(c[0]) for c in CANCELLING])
def test_a_sharper_word_keeps_every_bit_and_its_slope(f, at):
    point, far = constant(S(at), 64), constant(S(at), 4000)
    sharp = program(sharpened(f), x)
    assert program(f, x).ball(point).rel_accuracy_bits() < 20
    true = program(f, x).jet(far, 3, 4000)
    for found, value in zip(sharp.jet(far, 3, 64), true, strict=True):
        assert found.overlaps(value)
    assert sharp.ball(far, prec=64).rel_accuracy_bits() > 50
    with precision(300):
        assert abs(sharp.ball(far, prec=300) / true[0] - 1) < arb(2) ** -280


@pytest.mark.parametrize("f", PLAIN, ids=str)
def test_other_sums_are_left_alone(f):
    assert sharpened(f) == f


def test_the_leading_exponential_is_taken_out():
    e = exp(x)
    assert led(1 / (1 + e), x, 9.0) == exp(-x) / (1 + exp(-x))
    assert led(1 / (1 + e), x, -9.0) == 1 / (1 + e)
    assert led(sympy.log(1 + e), x, -9.0) == sympy.log(1 + e)
    assert led(sympy.log(x * exp(2 * x)), x, 9.0) == 2 * x + sympy.log(x)
    assert led(sympy.log(x) + x, x, 9.0) == sympy.log(x) + x
    f = (e + exp(3 * x)) / (1 + exp(2 * x) + e)
    for at in (-5.0, 5.0):
        low, high = program(led(f, x, at), x).ends(arb(at), arb(at + 1))
        values = [program(f, x).ball(arb(at) + arb(k) / 8) for k in range(9)]
        assert all(low <= v.upper() and v.lower() <= high for v in values)
        with precision(64):
            assert high - low < 4 * (union(*values).upper() - union(*values).lower())


NUMBERS = {
    sympy.pi: mp.pi, sympy.E: mp.e, sympy.EulerGamma: mp.euler, sympy.Catalan: mp.catalan,
    sympy.GoldenRatio: mp.phi, Rational(-7, 3): mp.mpf(-7) / 3, sympy.Float("0.1"): mp.mpf(0.1),
}  # fmt: skip


@pytest.mark.parametrize("c", NUMBERS, ids=str)
def test_numbers_at_every_precision(c):
    for bits in (20, 64, 200):
        found = constant(c, bits)
        assert_hull(ends_of(found), [+NUMBERS[c]], 1) if bits > 60 else None
        low, high = ends_of(found)
        assert low <= NUMBERS[c] * (1 + mp.mpf(10) ** -65 * mp.sign(NUMBERS[c]))
        assert high >= NUMBERS[c] * (1 - mp.mpf(10) ** -65 * mp.sign(NUMBERS[c]))
        assert high - low <= mp.mpf(2) ** (4 - bits)


def test_a_symbol_of_the_program_is_read_before_its_parts():
    """What is named among the symbols is an argument, even where it is no symbol by itself."""
    t = Symbol("t")
    run = program(t**2 + pi * t, t)
    assert run.ball(arb(2)).overlaps(4 + 2 * arb.pi())
    assert len(run.code) == 5


def test_zero_times_what_is_not_defined_is_not_defined():
    for f, at in ((x * sympy.log(x), 0), (Heaviside(x, 0) * sympy.log(x), -1)):
        for n in (1, 2, 3):
            assert not any(c.is_finite() for c in program(f, x).jet(arb(at), n))
    assert program(Heaviside(x, 0) * exp(x), x).jet(arb(-1), 3) == [0, 0, 0]


# exact constants and enclosures

ZERO = [
    (1 + sympy.sqrt(2)) ** 2 - 3 - 2 * sympy.sqrt(2),
    1 / (1 + sympy.sqrt(2)) - sympy.sqrt(2) + 1,
    2 ** sympy.sqrt(2) * 2 ** sympy.sqrt(3) - 2 ** (sympy.sqrt(2) + sympy.sqrt(3)),
    sympy.log(6) - sympy.log(2) - sympy.log(3),
    sympy.sqrt(2 + sympy.sqrt(3)) - (sympy.sqrt(6) + sympy.sqrt(2)) / 2,
    (pi**2 - 1) / (pi - 1) - pi - 1,
]  # fmt: skip


def test_sums_of_logarithms_make_no_great_powers_and_factor_no_great_integers():
    (two, three, six), many = map(sympy.log, (2, 3, 6)), 10**9
    assert sign(many * six - many * two - many * three) == 0
    p, q = sympy.nextprime(10**40), sympy.nextprime(10**41)
    with pytest.raises(UndecidedError):
        sign(sympy.log(p * q) - sympy.log(p) - sympy.log(q))


@pytest.mark.parametrize("c", ZERO, ids=str)
def test_zero_is_proved_by_algebra_and_what_is_near_it_is_not_zero(c):
    assert sign(c) == 0
    for k in (30, 100, 900):
        assert sign(c + Rational(1, 10**k)) == 1
        assert sign(c - Rational(1, 10**k)) == -1


def test_signs_that_stay_open_and_what_is_not_real():
    assert (sign(S(-7)), sign(S.Zero), sign(Rational(1, 9))) == (-1, 0, 1)
    root = sympy.sqrt(2 + Rational(1, 10**1000)) - sympy.sqrt(2)
    assert (sign(root), sign(-root)) == (1, -1)
    with pytest.raises(UndecidedError, match="8192 bits"):
        sign(sympy.exp(Rational(1, 10**3000)) - 1 - Rational(1, 10**3000))
    with pytest.raises(DomainError, match="not a real constant"):
        sign(sympy.asin(2) + pi)


def test_what_is_shown_by_digits_is_a_number_like_others():
    class Third(Digits):
        __slots__ = ()

        def _arb_(self, bits):
            with precision(bits):
                return arb(self.parts[0]) / 3

    c, d = Third(7), Third(-7)
    assert (c.is_positive, c.is_negative, d.is_positive, d.is_negative) == (
        True,
        False,
        False,
        True,
    )
    assert str(c) == "2.33333333333…"
    assert sympy.latex(c) == r"2.33333333333\ldots"
    assert abs(c.n(40) - Rational(7, 3)) < Rational(1, 10**39)
    assert (c == Third(7), c == d, hash(c) == hash(Third(7)), len({c, Third(7), d})) == (1, 0, 1, 2)
    assert sign(c + d - 1) == -1
    assert sorted([c, d], key=sympy.default_sort_key) == sorted([d, c], key=sympy.default_sort_key)
    assert (c.free_symbols, c.subs(7, 8)) == (set(), c)


@pytest.mark.parametrize(
    "middle", ["0", "1", "-1", "1/3", "-22/7", "999999/1000", "1/1000", "12345678"]
)
@pytest.mark.parametrize(
    "radius", ["1/2", "1/10", "1/100", "99/100000", "1/10000000", "7/10000000000000000"]
)
def test_an_enclosure_in_digits_holds_it_and_is_little_wider(middle, radius):
    mid, rad = Rational(middle), Rational(radius)
    whole = Enclosure(mid - rad, mid + rad)
    assert (whole.mid, whole.rad, float(whole)) == (mid, rad, float(mid))
    ratio = abs(mid) / rad
    known = whole.digits
    assert known == 0 if ratio <= 1 else 10**known <= ratio < 10 ** (known + 1)
    box = whole.decimal()
    low, high = (Rational(e) for e in (box.inf, box.sup))
    assert low < whole.lo
    assert whole.hi < high
    assert high - low < Rational(11, 10) * (2 * rad)
    shown, error = (Rational(part) for part in str(whole).split(" ± "))
    assert shown - error <= whole.lo
    assert whole.hi <= shown + error
    assert error <= 10 * rad + abs(mid) / 10 ** min(50, known + 1)
    assert len(str(whole).split("± ")[1].split("e")[0]) == 1
    ball = whole.ball(80)
    with precision(300):
        assert ball.contains(constant(whole.lo, 300))
        assert ball.contains(constant(whole.hi, 300))
        assert ball.rad() <= constant(rad, 300) * 1.001 + abs(constant(mid, 300)) * arb(2) ** -70
    assert whole.lo in whole
    assert whole.hi in whole
    assert whole.lo - Rational(1, 10**40) not in whole
    assert whole.hi + Rational(1, 10**40) not in whole


def test_an_enclosure_of_one_number():
    one = Enclosure(Rational(5, 4), Rational(5, 4))
    assert (one.digits, str(one)) == (50, "5/4")
    assert one.decimal() == sympy.FiniteSet(Rational(5, 4))
    found = Enclosure.of_ball(arb(3, 0.25))
    assert 0 <= Rational(11, 4) - found.lo == found.hi - Rational(13, 4) < Rational(1, 10**8)
    with pytest.raises(InputError, match="lo <= hi"):
        Enclosure(S(1), S(0))
    third, rad = Rational(1, 3), Rational(96, 10**7)
    assert str(Enclosure(third - rad, third + rad)) == "0.333333 ± 1e-5"
