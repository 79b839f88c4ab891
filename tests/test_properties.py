"""Laws on random input: functions of a grammar, chains, the algebras underneath, false statements.

Each body says whether the sample spoke (a bound was proved, a kernel was made); the share that
must is part of the test. The default run takes the same few samples each time, the numeric
environment takes many that are new.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import sympy
from flint import arb, fmpq
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    FiniteSet,
    Interval,
    Le,
    Lt,
    Max,
    Rational,
    S,
    Symbol,
    atan,
    erf,
    exp,
    log,
    oo,
    sin,
    sqrt,
    tanh,
)  # fmt: skip
from test_chain_gradient import nested
from test_prove import TRUE

from symgrad.activation import Activation, elementary
from symgrad.bounds import extrema, saturation, zeros
from symgrad.catalogue import activation
from symgrad.chain import Chain, Layer
from symgrad.check import check
from symgrad.codec import decode, encode
from symgrad.errors import LimitError, UndecidedError, UnsupportedError
from symgrad.fact import Proved, Refuted
from symgrad.kernels import lambdify
from symgrad.kernels.scaled import Scaled
from symgrad.loss import losses
from symgrad.prove import prove
from symgrad.rigor import precision, program
from symgrad.tails import tail
from symgrad.tails.audit import audit
from symgrad.tails.beyond import Beyond
from symgrad.tails.expand import Expander
from symgrad.tails.field import Field
from symgrad.tails.model import MoreTerms, Workshop
from symgrad.tails.monomial import Scale

x = Symbol("x", real=True)


def samples(few: int, many: int):
    """The number of samples by default, and in the numeric environment."""
    return pytest.mark.parametrize("n", [few, pytest.param(many, marks=pytest.mark.numeric)])


def spoke(n: int, strategy, body) -> Counter:
    """How many of n samples `body` returned each answer for."""
    counts: Counter = Counter()

    @settings(
        max_examples=n, derandomize=n < 100, database=None, deadline=None,
        phases=[Phase.generate],  # a sample is small already, and slow
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def run(sample):
        counts[body(sample)] += 1

    run()
    print(dict(counts))
    return counts


# functions of a grammar

SMALL = st.builds(Rational, st.integers(-8, 8).filter(bool), st.sampled_from([1, 2, 3, 4]))
OUTER = [
    tanh, atan, erf, lambda u: 1 / (1 + exp(-u)), lambda u: log(1 + exp(u)),
    lambda u: u / sqrt(1 + u**2), lambda u: u / (1 + Abs(u)), lambda u: exp(-(u**2)),
    lambda u: Max(u, 0), lambda u: 1 / (1 + u**2), lambda u: u,
]  # fmt: skip
WAVES = [sin, lambda u: u * sin(u)]
LINES = st.builds(lambda a, b: a * x + b, SMALL, st.one_of(st.just(S.Zero), SMALL))


def functions(outer=tuple(OUTER), inner=LINES, depth=1):
    """f(x) on all of R: an outer function of a line, and products, sums, compositions of these."""
    one = st.builds(lambda f, u: f(u), st.sampled_from(outer), inner)
    if not depth:
        return one
    less = functions(outer, inner, depth - 1)
    return st.one_of(
        one,
        st.builds(lambda u, v, k: u + k * v, less, less, SMALL),
        st.builds(lambda u, v: u * v, less, less),
        st.builds(lambda f, u: f(u), st.sampled_from(outer), less),
    ).filter(lambda f: f.has(x))


def value(f: sympy.Expr, at: sympy.Rational) -> sympy.Expr:
    """f(at) to 40 digits by SymPy's own evaluation; mpmath is underneath, none of our code."""
    return sympy.N(f.xreplace({x: at}), 40, maxn=4000)


def points(seed: int, n: int, spread: float = 4) -> list[sympy.Rational]:
    drawn = np.random.default_rng(seed).standard_cauchy(n) * spread
    return [Rational(int(64 * v), 64) for v in np.clip(drawn, -300, 300)]


@samples(8, 2000)
def test_tails_contain(n):
    def contains(sample):
        f, toward = sample
        try:
            found = tail(f, toward, 2, x=x)
        except (LimitError, UndecidedError, UnsupportedError):
            return "refused"
        assert found.verdict
        seen = audit(found, 6, bits=300, second=6)
        assert seen.decided >= 3
        assert seen.passed, (f, toward, seen)
        return "exact" if found.remainder is None else "bounded"

    counts = spoke(n, st.tuples(functions((*OUTER, *WAVES)), st.sampled_from([oo, -oo])), contains)
    assert counts["bounded"] >= n // 4
    assert counts["bounded"] + counts["exact"] >= 3 * n // 4


@samples(5, 500)
def test_extrema_and_zeros_hold(n):
    def hold(f):
        try:
            bounds, where = extrema(f, x=x), zeros(f, x=x)
        except UnsupportedError:  # a kink that is not solved exactly
            return False, False
        places = sorted(points(1, 24))
        values = [value(f, p) for p in places]
        if bounds.verdict:
            slack = Rational(1, 10**30) * (1 + max(map(abs, values)))
            for end, sign in ((bounds.sup, 1), (bounds.inf, -1)):
                if end.value.is_infinite:
                    assert end.value == sign * oo
                    assert not end.attained
                    continue
                ball = end.enclosure(30)
                edge = ball.hi if sign > 0 else ball.lo
                assert all(sign * (v - edge) <= slack for v in values), (f, end)
                if end.attained and isinstance(end.where, FiniteSet):
                    reached = sympy.N(f.xreplace({x: next(iter(end.where))}), 20)
                    assert abs(reached - edge) <= 1e-15 * (1 + abs(edge)), (f, end)
        if where.verdict:
            for (p, u), (q, v) in itertools.pairwise(zip(places, values, strict=True)):
                if u * v < 0:
                    between = where.set & Interval.open(p, q)
                    assert between is not S.EmptySet, (f, p, q)
            if isinstance(where.set, FiniteSet):
                for zero in where.set:
                    assert abs(sympy.N(f.xreplace({x: zero}), 20)) < 1e-12, (f, zero)
        return bool(bounds.verdict), bool(where.verdict)

    counts = spoke(n, functions(depth=0 if n < 100 else 1), hold)
    assert sum(k for (one, _), k in counts.items() if one) >= n // 2
    assert sum(k for (_, two), k in counts.items() if two) >= n // 2


@samples(4, 400)
def test_saturation_is_for_good_and_no_later_than_needed(n):
    def holds(sample):
        f, eps = sample
        found = saturation(f, eps, oo, x=x)
        if not found.verdict or found.value is None:
            return "undecided" if found.value is not None else "never"
        if found.value is -oo:
            edge = Rational(-20)
        else:
            edge = Rational(str(sympy.N(found.value, 25))) + Rational(1, 10**20)
        slope = f.diff(x).doit()
        for step in (0, Rational(1, 7), 1, 5, 30):
            assert abs(value(slope, edge + step)) <= eps * (1 + Rational(1, 10**15)), (f, step)
        return "proved"

    smooth = functions(
        (tanh, atan, erf, OUTER[3], OUTER[4], OUTER[5], OUTER[7], OUTER[9]),
        depth=0 if n < 100 else 1,
    )
    counts = spoke(n, st.tuples(smooth, st.sampled_from([Rational(1, 100), Rational(1, 10**6)])),
                   holds)  # fmt: skip
    assert counts["proved"] >= n // 2


@samples(2, 150)
def test_kernels_are_within_their_figure(n):
    def within(f):
        try:
            kernel = lambdify(x, f)
        except (LimitError, UndecidedError, UnsupportedError):
            return "refused"
        report = check(kernel, 300, second=30)
        assert report.points >= 300
        assert report.passed(4), (f, report)
        return "made"

    counts = spoke(n, functions(depth=0 if n < 100 else 1), within)
    assert counts["made"] >= n // 2


@samples(25, 5000)
def test_what_is_written_as_json_is_read_as_equal(n):
    def same(f):
        try:
            g = Activation.from_expr("mine", f, x)
        except UnsupportedError:  # a kink that is not solved exactly
            return False
        for thing in (f, g, g.d(2), g.d(1)(x), sympy.Le(g(x), f, evaluate=False)):
            again = decode(json.loads(json.dumps(encode(thing))))
            assert again == thing
            assert type(again) is type(thing)
        assert again.lts.doit() == thing.lts.doit()
        return True

    assert spoke(n, functions((*OUTER, *WAVES), depth=2), same)[True] >= 3 * n // 4


# chains

KINKED = ("relu", "leaky_relu", "elu", "softsign")
NAMES = (*KINKED, "sigmoid", "tanh", "arctan", "softplus", "identity")
NUMBERS = st.integers(-96, 96).filter(bool).map(lambda k: Rational(k, 64))


@st.composite
def chains(draw, names=NAMES, own=None):
    """A chain and a point off its kinks; the numbers are dyadic, so floats hold them."""
    depth = draw(st.integers(1, 4))
    cost = draw(st.sampled_from(losses()))
    layers: list[Layer] = []
    for l in range(depth):
        g = activation(draw(st.sampled_from(names)))
        if own is not None and draw(st.booleans()):
            g = Activation.from_expr("mine", draw(own), x)
        bias = draw(st.booleans()) or (l > 0 and layers[-1].g.name == "relu")
        layers.append(Layer(g, bias=None if bias else False, skip=draw(st.booleans())))
    if cost.name == "cross_entropy":
        layers[-1] = Layer(activation("sigmoid"))
    net = Chain(layers, loss=cost, tie_weights=draw(st.booleans()))
    at = {s: draw(NUMBERS) for s in net.symbols}
    if cost.name == "hinge":
        at[net.target] = draw(st.sampled_from([S.One, -S.One]))
    elif cost.name.startswith("cross"):
        at[net.target] = Rational(draw(st.integers(1, 15)), 16)
    return net, at


def digits(e: sympy.Expr, at: dict, n: int = 40) -> sympy.Expr:
    return sympy.N(elementary(e).xreplace(at), n, maxn=4000)


def agree(sample) -> bool:
    """Closed form = recurrence = SymPy = finite differences = kernel, for one parameter and x."""
    net, at = sample
    cost = elementary(nested(net))
    recurrence = net.program.evaluate(at, 120)
    arrays = {
        "x": float(at[net.input]), "y": float(at[net.target]),
        "w": np.array([float(at[net.w(l)]) for l in range(1, net.depth + 1)]),
        "b": np.array([
            float(at[net.b(l)]) if layer.has_bias else 0.0
            for l, layer in enumerate(net.layers, 1)
        ]),
    }  # fmt: skip
    kernel = net.lambdify()(**arrays)
    last = net.depth
    asked = [("x", None, net.input, float(kernel.x))]
    if net.tie_weights:
        asked.append(("w", None, net.w(1), float(kernel.w.sum())))
    else:
        asked.append(("w", 1, net.w(1), float(kernel.w[0])))
    if net.layers[last - 1].has_bias:
        asked.append(("b", last, net.b(last), float(kernel.delta[last - 1])))
    scale = max(1, *(abs(float(v)) for v in np.ravel(kernel.w)), abs(float(kernel.x)))
    step = Rational(1, 10**20)
    for of, l, symbol, by_kernel in asked:
        gradient = net.gradient(of, l)
        assert gradient.verdict, (net, gradient)
        closed = digits(gradient.explicit, at)
        with precision(300):
            ball = recurrence[gradient.name]
            assert abs(ball - arb(str(closed))) <= arb(10) ** -30 * (1 + abs(ball)), (net, at)
        assert abs(closed - digits(cost.diff(symbol), at)) <= 1e-30 * scale, (net, at)
        high, low = (digits(cost, at | {symbol: at[symbol] + s}, 70) for s in (step, -step))
        # The third derivative over six times 1e-40 is far below 1e-25 for numbers of this size.
        assert abs((high - low) / (2 * step) - closed) <= 1e-25 * scale, (net, at)
        # Each layer's few roundings of z and g, weighed by slopes and weights of size 1.5.
        assert abs(by_kernel - float(closed)) <= 1e-12 * scale, (net, at)
    assert abs(float(kernel.cost) - float(digits(cost, at))) <= 1e-12 * scale
    return True


@samples(3, 400)
def test_five_roads_to_the_gradients_of_a_chain(n):
    assert spoke(n, chains(), agree)[True] >= n


@pytest.mark.numeric
def test_chains_of_random_functions():
    smooth = functions((tanh, erf, OUTER[3], OUTER[4], OUTER[7], OUTER[9]), depth=1)
    assert spoke(100, chains(own=smooth), agree)[True] >= 100


# tail models

SCALE = Scale(Field(), x)
SHOP = Workshop(SCALE, 4)
MODELS = [
    x, 1 / x, exp(-x), x * exp(-x), log(x), sqrt(x), exp(-(x**2)), 1 / (1 + x), 1 / (1 + exp(-x)),
    tanh(x), exp(-1 / x), log(1 + 1 / x), atan(x), sqrt(1 + x**2), 3 + exp(-2 * x), erf(x),
]  # fmt: skip


@functools.cache
def model(e):
    return Expander(SHOP)(e)


@functools.cache
def terms_at(m, at):
    return Beyond(SCALE, arb(at), 256).value(m)


def apart(f, g, start: int = 30) -> list[arb]:
    """|Σf − Σg| less what both remainders allow, at four points beyond the start."""
    found, far = [], Beyond(SCALE, arb(start), 256)
    for at in (start, start + 1, 2 * start, 9 * start):
        with precision(256):
            total = arb(0)
            for side, sign in ((f, 1), (g, -1)):
                for m, c in side.terms:
                    total += sign * SCALE.field.ball(c, 256) * terms_at(m, at)
            allowed = arb(0)
            for side in (f, g):
                if side.rem is not None:
                    allowed += far.bound(side) * terms_at(side.rem, at)
            assert allowed.is_finite()
            found.append(abs(total).lower() - allowed.upper())
    return found


def same(f, g) -> bool:
    return all(gap <= 0 for gap in apart(f, g))


@samples(60, 5000)
def test_laws_of_tail_models(n):
    def laws(sample):
        f, g, h = map(model, sample)
        add, mul = SHOP.add, SHOP.mul
        for op in (add, mul):
            one, other = op(f, g), op(g, f)
            assert (one.terms, one.rem) == (other.terms, other.rem)
            assert same(op(op(f, g), h), op(f, op(g, h))), (op, sample)
        assert same(mul(f, add(g, h)), add(mul(f, g), mul(f, h))), sample
        assert same(add(f, SHOP.neg(f)), SHOP.constant(fmpq(0)))
        assert same(mul(SHOP.integer_power(f, 2), f), SHOP.integer_power(f, 3))
        try:
            inverse = Expander(SHOP).power(f, fmpq(-1))
        except MoreTerms:
            return "no leading term"
        assert same(mul(f, inverse), SHOP.constant(fmpq(1))), sample
        # The law sees a model that is wrong in its leading coefficient.
        doubled = SHOP.scaled(inverse, inverse.terms[0][0], fmpq(1))
        assert not same(mul(f, SHOP.add(inverse, doubled)), SHOP.constant(fmpq(1)))
        return "inverse"

    base = st.sampled_from(MODELS)
    assert spoke(n, st.tuples(base, base, base), laws)["inverse"] >= n // 2


# balls

BOXES = st.tuples(st.fractions(-5, 5, max_denominator=64), st.fractions(0, 2, max_denominator=64),
                  st.fractions(0, 1, max_denominator=16))  # fmt: skip


def ball_of(lo: Fraction, hi: Fraction) -> arb:
    low, high = (arb(fmpq(v.numerator, v.denominator)) for v in (lo, hi))
    return low.union(high)


@samples(60, 20_000)
def test_laws_of_balls(n):
    def laws(sample):
        f, g, (lo, width, share) = sample
        at = lo + share * width
        inside = ball_of(at, at)
        with precision(64):
            box = ball_of(lo, lo + width)
            u, v = program(f, x), program(g, x)
            small, large = u.ball(inside), u.ball(box)
            true = value(f, Rational(at.numerator, at.denominator))
            true = arb(str(true)) + arb(0, arb(10) ** -35) * (1 + abs(arb(str(true))))
            assert small.overlaps(true), (f, at)
            assert large.overlaps(true), (f, lo, width)
            if not large.is_finite():
                return "not decided"
            assert large.contains(small) or large.overlaps(small)
            for made, parts in (
                (f + g, u.ball(box) + v.ball(box)), (f * g, u.ball(box) * v.ball(box)),
                (g * f, v.ball(box) * u.ball(box)),
            ):  # fmt: skip
                assert program(made, x).ball(box).overlaps(parts), (f, g)
            jet = u.jet(box, 2)
            if jet[1].is_finite() and width:
                # The mean value theorem: f(at) is in f(lo) + f'(box)(at − lo).
                start = ball_of(lo, lo)
                assert (u.ball(start) + jet[1] * (inside - start)).overlaps(true), (f, lo, width)
        return "finite"

    strategy = st.tuples(functions(), functions(depth=0), BOXES)
    assert spoke(n, strategy, laws)["finite"] >= n // 2


# scaled numbers

FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(bool)


@samples(60, 20_000)
def test_laws_of_scaled_numbers(n):
    def exact(s):
        return Fraction(float(s.mantissa)) * Fraction(2) ** int(s.exponent)

    def laws(sample):
        a, b, c = map(Scaled.of, sample[:3])
        m, k = sample[3:]
        assert exact(a * b) == exact(b * a)
        for one, other in (((a * b) * c, a * (b * c)), (a**m * a**k, a ** (m + k)),
                           ((a * b) ** m, a**m * b**m)):  # fmt: skip
            p, q = exact(one), exact(other)
            within = Fraction(float(one.relative_error)) + Fraction(float(other.relative_error))
            assert abs(p - q) <= within / (1 - within) * abs(p), sample
            assert one.sign() == other.sign()
        assert exact(a * Scaled.of(1.0)) == exact(a)
        return True

    power = st.integers(0, 12)
    assert spoke(n, st.tuples(FLOATS, FLOATS, FLOATS, power, power), laws)[True] >= n


# refuting is sound


@st.composite
def false_statements(draw):
    """lhs + c ≤ rhs for a true lhs ≤ rhs whose gap at some point is less than c."""
    statement, on = draw(st.sampled_from(TRUE))
    small, large = statement.lts, statement.gts
    low = -6 if on.inf == -oo else on.inf
    high = 6 if on.sup == oo else on.sup
    at = low + (high - low) * Rational(draw(st.integers(1, 255)), 256)
    at = Rational(int(sympy.floor(at * 1024)), 1024)
    assume(on.contains(at) == True)  # noqa: E712
    gap = sympy.N((large - small).doit().subs(x, at), 40, maxn=4000)
    margin = Rational(1, 2 ** draw(st.integers(1, 24)))
    c = Rational(str(gap)) + margin * max(abs(Rational(str(gap))), Rational(1, 10**6))
    form = draw(st.sampled_from([Le, Lt]))
    how = draw(st.sampled_from(["left", "right", "swapped"]))
    if how == "left":
        return form(small + c, large, evaluate=False), on, at
    if how == "right":
        return form(small, large - c, evaluate=False), on, at
    return form(c, large - small, evaluate=False), on, at


@samples(40, 10_000)
def test_no_false_inequality_is_proved(n):
    def refuted(sample):
        statement, on, at = sample
        verdict = prove(statement, x, on).verdict
        assert not isinstance(verdict, Proved), (statement, on, at)
        if isinstance(verdict, Refuted) and verdict.at is not None:
            assert on.contains(verdict.at) == True  # noqa: E712
            gap = (statement.gts - statement.lts).doit().subs(x, verdict.at)
            assert sympy.N(gap, 40, maxn=4000) <= Rational(1, 10**30), (statement, verdict.at)
        return type(verdict).__name__

    assert spoke(n, false_statements(), refuted)["Refuted"] >= 9 * n // 10
