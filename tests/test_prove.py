"""Inequalities: classical bounds and false neighbours of them, witnesses, certificates."""

from __future__ import annotations

import copy
import json
from fractions import Fraction

import mpmath
import pytest
import sympy
from sympy import (
    Abs,
    Interval,
    Le,
    Max,
    Rational,
    Reals,
    S,
    Symbol,
    atan,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    log,
    oo,
    pi,
    sin,
    sinh,
    sqrt,
    tanh,
)  # fmt: skip

from symgrad.activation import Activation
from symgrad.catalogue import activation
from symgrad.codec import decode, encode
from symgrad.errors import DomainError, InputError, SymgradError
from symgrad.fact import Proved, Refuted, Undecided
from symgrad.prove import CertificateError, certificate, dumps, prove, verify
from symgrad.prove.algebra import identical, relations
from symgrad.prove.certificate import digest
from symgrad.prove.dominance import decreases, dominated, tail_claim
from symgrad.prove.witness import between, simplest
from symgrad.rigor import sign
from symgrad.rigor.search import Budget

x = Symbol("x", real=True)
POS, NONNEG = Interval.open(0, oo), Interval(0, oo)
sigmoid = 1 / (1 + exp(-x))
softplus = log(1 + exp(x))
slope = sigmoid * (1 - sigmoid)
mills = sqrt(pi / 2) * exp(x**2 / 2) * erfc(x / sqrt(2))
SIGMOID, GELU = activation("sigmoid"), activation("gelu")
quarter = Rational(1, 4)

TRUE = [
    # exp and log (Bernoulli's inequality and its relatives; touching at 0 or 1)
    (exp(x) >= 1 + x, Reals),
    (log(x) <= x - 1, POS),
    (log(1 + x) <= x, Interval.open(-1, oo)),
    (log(1 + x) >= x / (1 + x), Interval.open(-1, oo)),
    (log(1 + x) >= 2 * x / (2 + x), NONNEG),
    (x * log(x) >= -exp(-1), POS),
    (cosh(x) <= exp(x**2 / 2), Reals),
    (exp(-(x**2)) <= 1 / (1 + x**2), Reals),
    (exp(-(x**2)) <= cos(x), Interval(0, 1)),
    # sin and cos
    (sin(x) <= x, NONNEG),
    (sin(x) >= x - x**3 / 6, NONNEG),
    (sin(x) >= 2 * x / pi, Interval(0, pi / 2)),
    (cos(x) >= 1 - x**2 / 2, Reals),
    (cos(x) <= 1 - x**2 / 2 + x**4 / 24, Reals),
    (cos(x) <= 1, Reals),
    (Abs(sin(x)) <= Abs(x), Reals),
    (x * (1 - cos(x)) >= 0, NONNEG),
    (sin(x) / x <= 1, POS),
    (exp(-x) * sin(x) <= Rational(1, 3), NONNEG),
    # tanh and atan; equality at 0 or at infinity
    (tanh(x) <= x, NONNEG),
    (tanh(x) >= x - x**3 / 3, NONNEG),
    (tanh(x) >= x / (1 + x), NONNEG),
    (tanh(x) < 1, Reals),
    (tanh(x) >= 1 - 2 * exp(-2 * x), Reals),
    (tanh(x) <= 1 - 2 * exp(-2 * x) + 2 * exp(-4 * x), NONNEG),
    (atan(x) <= x, NONNEG),
    (atan(x) >= x / (1 + x**2), NONNEG),
    (atan(x) >= 3 * x / (1 + 2 * sqrt(1 + x**2)), NONNEG),
    (atan(x) >= pi / 2 - 1 / x, POS),
    (atan(x) <= pi / 2 - 1 / x + 1 / (3 * x**3), POS),
    # Mills' ratio (Gordon 1941, Birnbaum 1942, Sampford 1953) and erf
    (mills < 1 / x, POS),
    (mills > x / (1 + x**2), POS),
    (mills >= 2 / (x + sqrt(x**2 + 4)), POS),
    (mills < 4 / (3 * x + sqrt(x**2 + 8)), POS),
    (mills > 1 / x - 1 / x**3, POS),
    (mills < 1 / x - 1 / x**3 + 3 / x**5, POS),
    (erf(x) <= 2 * x / sqrt(pi), NONNEG),
    (erfc(x) <= exp(-(x**2)), NONNEG),
    (erf(x) ** 2 <= 1 - exp(-4 * x**2 / pi), Reals),
    (erf(x) ** 2 >= 1 - exp(-(x**2)), Reals),
    # softplus, sigmoid, activations
    (softplus >= Max(0, x), Reals),
    (softplus <= Max(0, x) + log(2), Reals),
    (softplus >= log(2) + x / 2, Reals),
    (softplus <= log(2) + x / 2 + x**2 / 8, Reals),
    (slope <= quarter, Reals),
    (slope <= exp(-Abs(x)), Reals),
    (slope >= exp(-Abs(x)) / 4, Reals),
    (sigmoid <= Rational(1, 2) + x / 4, NONNEG),
    (SIGMOID(x).diff(x) <= quarter, Reals),
    (GELU.d(1)(x) <= Rational(113, 100), Reals),
    (Max(x, 0) <= x**2 + quarter, Reals),
    (x**4 - 4 * x + 3 >= 0, Reals),
]  # fmt: skip

FALSE = [
    # statement, interval, the witness, or None where any rational will do
    (exp(x) > 1 + x, Reals, S.Zero),
    (log(x) < x - 1, POS, S.One),
    (x * log(x) > -exp(-1), POS, exp(-1)),
    (cos(x) < 1, Reals, 2 * pi),
    (softplus < Max(0, x) + log(2), Reals, S.Zero),
    (slope > exp(-Abs(x)) / 4, Reals, S.Zero),
    (log(1 + x) >= 2 * x / (2 + x), Interval.open(-1, oo), None),
    (sin(x) >= 2 * x / pi, Interval(0, 2), None),
    (cos(x) <= Rational(99, 100), Reals, None),
    (tanh(x) <= x, Reals, None),
    (tanh(x) <= 1 - 2 * exp(-2 * x), Reals, None),
    (tanh(x) >= x - x**3 / 4, NONNEG, None),
    (atan(x) <= pi * x / (2 * (1 + x)), POS, None),
    (mills <= 2 / (x + sqrt(x**2 + 3)), POS, None),
    (mills < 1 / x - 1 / x**3, POS, None),
    (softplus <= log(2) + x / 2 + x**2 / 9, Reals, None),
    (sigmoid <= Rational(1, 2) + x / 4, Reals, None),
    (erfc(x) <= exp(-(x**2)), Reals, None),
    (exp(-(x**2)) <= cos(x), Interval(0, Rational(3, 2)), None),
    (cosh(x) <= exp(x**2 / 3), Reals, None),
    (x**4 - 4 * x + 2 >= 0, Reals, None),
    (GELU.d(1)(x) <= Rational(112, 100), Reals, None),
    (GELU.d(1)(x) <= Rational(1128904145, 10**9), Reals, None),
    (Max(x, 0) <= x**2, Reals, None),
    (sin(x) / x <= Rational(99, 100), Reals, None),
    (exp(-x) * sin(x) <= Rational(32, 100), NONNEG, None),
]  # fmt: skip


def holds_at(statement: sympy.Basic, at: sympy.Expr, digits: int = 60) -> bool:
    """The statement at one point by mpmath, with equality told from inequality by 40 digits."""
    with mpmath.workdps(digits):
        sides = [sympy.lambdify(x, s.doit(), "mpmath") for s in (statement.lts, statement.gts)]
        small, large = (side(mpmath.mpf(str(sympy.N(at, digits)))) for side in sides)
        gap = large - small
        tiny = mpmath.mpf(10) ** -40 * (1 + abs(small))
        strict = isinstance(statement, (sympy.Lt, sympy.Gt))
        return gap > tiny if strict else gap >= -tiny


def grid(on: sympy.Set) -> list[sympy.Expr]:
    lo, hi = (S(-8) if on is Reals or on.inf == -oo else on.inf), (S(8) if on is Reals else on.sup)
    hi = S(8) if hi == oo else hi
    return [lo + (hi - lo) * Rational(2 * k + 1, 48) for k in range(24)]


@pytest.mark.parametrize(("statement", "on"), TRUE, ids=[str(s) for s, _ in TRUE])
def test_true_statements_are_proved_and_their_certificates_hold(statement, on):
    found = prove(statement, x, on)
    assert isinstance(found.verdict, Proved)
    assert all(holds_at(statement, p) for p in grid(on))
    assert verify(dumps(found)).by.startswith("certificate")


@pytest.mark.parametrize(("statement", "on", "at"), FALSE, ids=[str(f[0]) for f in FALSE])
def test_false_statements_have_a_witness(statement, on, at):
    verdict = prove(statement, x, on).verdict
    assert isinstance(verdict, Refuted)
    assert on.contains(verdict.at) == True  # noqa: E712
    if at is None:
        assert verdict.at.is_Rational
        assert not holds_at(statement, verdict.at)
    else:
        assert verdict.at == at
        assert not holds_at(statement, at)


def test_both_kinds_are_many():
    assert len(TRUE) + len(FALSE) >= 50
    assert len(FALSE) >= 20


def test_a_chain_and_an_equality():
    chain = sympy.And(x / (1 + x**2) <= atan(x), atan(x) <= x)
    found = prove(chain, x, NONNEG)
    assert isinstance(found.verdict, Proved)
    assert verify(certificate(found))
    assert isinstance(prove(chain, x).verdict, Refuted)
    same = sympy.Eq(sigmoid.subs(x, -x), 1 - sigmoid, evaluate=False)
    assert isinstance(prove(same, x).verdict, Proved)
    wrong = prove(sympy.Eq(sin(x), x, evaluate=False), x, Interval(0, 1)).verdict
    assert isinstance(wrong, Refuted)
    assert sin(wrong.at) != wrong.at


def test_an_isolated_zero_is_a_witness():
    # exp(x) − x − 2 = 0 at a number without radicals; strictness of its square fails only there.
    p = (exp(x) - x - 2) ** 2 * (x**2 + 1)
    verdict = prove(exp(x) - x - 2 > 0, x, Interval(1, 3)).verdict
    assert isinstance(verdict, Refuted)
    assert verdict.at.is_Rational
    assert sympy.N(exp(verdict.at) - verdict.at - 2) < 0
    verdict = prove(sympy.Gt(p, 0), x, Interval(1, 3)).verdict
    assert isinstance(verdict, Refuted)
    with mpmath.workdps(40):
        root = mpmath.findroot(lambda t: mpmath.exp(t) - t - 2, 1.14)
        assert abs(mpmath.mpf(str(verdict.at.n(35))) - root) < mpmath.mpf(10) ** -30


def test_kinks_are_left_out():
    relu = activation("relu")
    assert isinstance(prove(relu.d(1)(x) <= 1, x).verdict, Proved)
    assert isinstance(prove(sympy.Ge(relu.d(1)(x), 0, evaluate=False), x).verdict, Proved)
    assert isinstance(prove(relu.d(1)(x) < 1, x).verdict, Refuted)


def test_a_users_own_activation():
    mine = Activation.from_expr("mine", x * exp(-(x**2)), x)
    assert isinstance(prove(Abs(mine.d(1)(x)) <= 1, x).verdict, Proved)
    assert isinstance(prove(mine.d(1)(x) >= -Rational(44, 100), x).verdict, Refuted)


def test_bad_input_is_one_error_that_says_where():
    a = Symbol("a", real=True)
    with pytest.raises(InputError, match="a, x"):
        prove(exp(a * x) >= 1)
    with pytest.raises(InputError, match="a beside x"):
        prove(exp(a * x) >= 1, x)
    with pytest.raises(DomainError, match="pole at x = 0"):
        prove(1 / x <= 5, x, Interval(-1, 1))
    with pytest.raises(DomainError, match="not real"):
        prove(sqrt(x) <= 1 + x, x, Interval(-1, 1))
    with pytest.raises(DomainError, match="not real"):
        prove(log(x - 1) <= x, x, POS)
    with pytest.raises(InputError, match="evaluated the statement"):
        prove(exp(x) > 0)
    with pytest.raises(InputError, match="parse_statement"):
        prove("exp(x) >= 1 + x")
    with pytest.raises(InputError, match="prove takes"):
        prove(sympy.Ne(exp(x), x), x)


def test_a_budget_and_what_it_leaves_open():
    statement = GELU.d(1)(x) <= Rational(113, 100)
    part = prove(statement, x, budget=Budget(boxes=4))
    assert isinstance(part.verdict, Undecided)
    assert part.open
    assert "4 boxes" in part.verdict.why
    whole = part.resume()
    assert isinstance(whole.verdict, Proved)
    assert verify(dumps(whole))
    with pytest.raises(NotImplementedError, match="only a proved"):
        certificate(part)


def test_interruption_is_undecided_and_resumable():
    calls = []

    def stop(done: int, waiting: int) -> None:
        calls.append(done)
        if len(calls) == 1:
            raise KeyboardInterrupt

    statement = Le(sin(40 * x) * exp(-x / 200), Rational(99, 100), evaluate=False)
    part = prove(statement, x, Interval(0, 6), budget=Budget(progress=stop))
    assert calls
    assert isinstance(part.verdict, Undecided)
    assert "interrupted" in part.verdict.why
    assert part.open
    assert not isinstance(part.resume().verdict, Undecided)


def test_the_document_names_the_verdict():
    assert "Proved" in str(prove(exp(x) >= 1 + x, x))
    assert "Refuted" in str(prove(exp(x) > 1 + x, x))
    assert prove(tanh(x) <= x, x, NONNEG)._repr_html_()


# certificates


@pytest.fixture(scope="module")
def good():
    return certificate(prove(mills < 1 / x, x, POS))


@pytest.fixture(scope="module")
def touching():
    return certificate(prove(tanh(x) <= x, x, NONNEG))


def test_a_certificate_survives_json(good):
    assert verify(json.loads(json.dumps(good)))


def test_any_changed_digit_is_refused(touching):
    text = json.dumps(touching)
    places = [k for k, c in enumerate(text) if c.isdigit()]
    assert len(places) > 50
    for k in places[:: max(1, len(places) // 60)]:
        changed = text[:k] + str((int(text[k]) + 1) % 10) + text[k + 1 :]
        with pytest.raises(CertificateError):
            verify(changed)


def claims(tree, path=()):
    """Every number, sign and word of a certificate, by its path."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key not in ("digest", "format"):
                yield from claims(value, (*path, key))
    elif isinstance(tree, list):
        for k, value in enumerate(tree):
            yield from claims(value, (*path, k))
    else:
        yield path, tree


def changed(tree, path, value):
    copied = copy.deepcopy(tree)
    place = copied
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    copied["digest"] = digest(copied)
    return copied


def boxes_of(tree):
    return [
        (("pieces", i, "factors", j, "boxes"), f["boxes"])
        for i, piece in enumerate(tree["pieces"])
        for j, f in enumerate(piece["factors"])
        if f.get("boxes")
    ]


def test_wrong_claims_are_refused_with_a_right_digest(good, touching):
    """The digest is made anew each time: the checks themselves refuse."""
    refused = 0
    for tree in (good, touching):
        (path, boxes), *_ = boxes_of(tree)
        middle = len(boxes) // 2
        row = boxes[middle]
        wrong = [
            (path, boxes[:middle] + boxes[middle + 1 :]),  # a gap
            (path, boxes[1:]),  # does not reach the start
            (path, boxes[:-1]),  # does not reach the tail
            ((*path, middle, 3), -row[3]),  # the other sign
            ((*path, middle, 2), "guess"),  # no such test
            ((*path, middle, 4), 1),  # no precision
            ((*path, middle, 4), 10**9),  # too many bits
            ((*path, middle, 1), row[0]),  # an empty box
        ]
        for where, value in wrong:
            with pytest.raises(CertificateError):
                verify(changed(tree, where, value))
            refused += 1
    assert refused == 16


def test_wrong_tails_touching_points_and_factors_are_refused(good, touching):
    base = ("pieces", 0, "factors")
    with_tail = next(j for j, f in enumerate(good["pieces"][0]["factors"]) if f.get("tails"))
    tail = (*base, with_tail, "tails", 0)
    claim = good["pieces"][0]["factors"][with_tail]["tails"][0]
    assert claim["coefficient"] is not None
    for key, value in (
        ("sign", -claim["sign"]),
        ("coefficient", ["Rational", "1", "1000000"]),
        ("from", ["Rational", "1", "2"]),
        ("terms", [*claim["terms"], claim["terms"][0]]),
        ("growth", claim["terms"][0]),
        ("x", ["Mul", ["Integer", "-1"], claim["u"]]),
    ):
        with pytest.raises(CertificateError):
            verify(changed(good, (*tail, key), value))
    (path, boxes), *_ = boxes_of(touching)
    k = next(k for k, row in enumerate(boxes) if row[2] == "touch")
    for field, value in ((3, ["Rational", "1", "1000"]), (4, boxes[k][4] - 1), (4, boxes[k][4] + 1),
                         (5, boxes[k][5][::-1]), (1, boxes[-1][1])):  # fmt: skip
        with pytest.raises(CertificateError):
            verify(changed(touching, (*path, k, field), value))
    for key, value in (("n", -1), ("n", 2), ("by", "shape"), ("by", "constant")):
        with pytest.raises(CertificateError):
            verify(changed(touching, (*path[:-1], key), value))


def _leaves(node, path=()):
    rows = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in rows:
        if isinstance(value, (dict, list)):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def test_every_field_counts():
    """Each text, flag and sign of a certificate, replaced by another one, is refused."""
    whole = certificate(prove(sympy.tanh(x) <= x, x, Interval(0, oo)))
    seen = 0
    for path, value in _leaves({k: v for k, v in whole.items() if k != "digest"}):
        if isinstance(value, int) and not isinstance(value, bool) and value not in (-1, 1):
            continue  # a precision: another one may do as well
        wrong = json.loads(json.dumps(whole))
        node = wrong
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = -value if isinstance(value, int) and not isinstance(value, bool) else (
            not value if isinstance(value, bool) else "no such thing"
        )  # fmt: skip
        wrong["digest"] = digest(wrong)
        seen += 1
        with pytest.raises(CertificateError):
            verify(wrong)
    assert seen > 30


def test_identities_on_the_circle():
    one = sympy.sin(x) ** 2 + sympy.cos(x) ** 2
    found = prove(sympy.Le(one, 1, evaluate=False), x)
    assert verify(certificate(found))
    assert prove(sympy.Eq(one, 1, evaluate=False), x).verdict
    assert isinstance(prove(sympy.Lt(one, 1, evaluate=False), x).verdict, Refuted)
    assert not prove(sympy.Le(one, Rational(99, 100), evaluate=False), x).verdict
    towers = sympy.Le(sympy.exp(sympy.exp(x)), sympy.exp(sympy.exp(x) + sympy.exp(-x)))
    assert verify(certificate(prove(towers, x)))
    assert prove(sympy.tan(x) >= x, x, Interval.Ropen(0, sympy.pi / 2)).verdict


def test_another_statement_is_refused(touching):
    for statement in (tanh(x) <= x / 2, tanh(x) < x, tanh(x) >= x):
        with pytest.raises(CertificateError):
            verify(changed(touching, ("statement",), encode(statement)))
    for on in (Reals, Interval(-1, oo)):
        with pytest.raises(CertificateError):
            verify(changed(touching, ("on",), encode(on)))


def test_no_code_is_read_from_a_certificate(touching):
    for evil in ("__import__('os').system('true')", ["eval", "1"], ["Symbol", "x", {"call": "f"}]):
        with pytest.raises(CertificateError):
            verify(changed(touching, ("statement",), evil))
    with pytest.raises(CertificateError, match="not JSON"):
        verify("{")


# small parts


@pytest.mark.parametrize(
    ("lo", "hi", "q"),
    [(sqrt(2), sqrt(3), Rational(3, 2)), (S(0), Rational(1, 3), Rational(1, 4)), (-oo, S(-5), -6),
     (pi, oo, 4), (-oo, oo, 0), (S(-2), S(3), 0), (-sqrt(3), -sqrt(2), -Rational(3, 2)),
     (Rational(31, 10), Rational(32, 10), Rational(19, 6))],
)  # fmt: skip
def test_the_simplest_rational_between(lo, hi, q):
    found = between(lo, hi)
    assert found == q
    assert lo < found < hi


def test_simplest_has_the_least_denominator():
    for a, b in ((Fraction(1, 7), Fraction(2, 9)), (Fraction(5, 11), Fraction(6, 13))):
        found = simplest(a, b)
        assert a < found < b
        least = next(q for q in range(1, 999) for p in range(q * 2) if a < Fraction(p, q) < b)
        assert found.denominator == least


def test_dominance():
    u = Symbol("u", positive=True)
    assert dominated(u, [S.One, log(u)], u, S(3))
    assert not dominated(u, [S(4), log(u)], u, S(3))
    assert dominated(exp(u**2), [u**5, exp(u)], u, S(3))
    assert decreases(u**3 * exp(-u), u, S(3))
    assert not decreases(u**3 * exp(-u), u, S(2))
    assert not decreases(exp(u) / u**9, u, S(100))
    assert decreases(u * exp(-exp(u)), u, S(2))


# what the checker stands on, piece by piece


STATEMENTS = [
    x <= 1, x < 1, x >= 1, x > 1, Le(1, x, evaluate=False), sympy.Lt(1, x, evaluate=False),
    sympy.And(x > 0, x <= 1), sympy.And(x >= 0, x < 1, x**2 > Rational(1, 4)),
    sympy.Eq(x**2, x, evaluate=False), sympy.And(sympy.Eq(x**2, x), x < 1),
    Abs(sin(x)) <= x, Abs(sin(x)) < x, Abs(x) >= Abs(sin(2 * x)), Abs(cos(x)) > Abs(x),
    Abs(x) < Rational(1, 2), Abs(tanh(2 * x)) <= Abs(x), Abs(cos(x)) >= Rational(1, 2),
]  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS, ids=str)
def test_a_statement_and_its_relations_hold_at_the_same_points(statement):
    found = relations(statement)
    assert all(r.rhs == 0 for r in found)
    seen = set()
    for at in map(Rational, (-2, -1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.5, 4)):
        truth = bool(statement.subs(x, at))
        assert all(bool(r.func(r.lhs.subs(x, at), 0)) for r in found) == truth
        seen.add(truth)
    assert len(seen) == 2
    assert all(isinstance(r, (sympy.Gt, sympy.Ge, sympy.Eq)) for r in found)


def test_what_is_no_relation_is_refused():
    for wrong in (sympy.Ne(x, 1), sympy.Or(x > 1, x < 0), sympy.Not(sympy.And(x > 0, x < 1))):
        with pytest.raises(InputError, match="prove takes"):
            relations(wrong)


SAME = [
    (sinh(x), (exp(x) - exp(-x)) / 2), (tanh(x), 1 - 2 / (1 + exp(2 * x))),
    (cosh(x) ** 2 - sinh(x) ** 2, S.One),
    (sin(x) ** 2, 1 - cos(x) ** 2),
    (sin(x) ** 4 - cos(x) ** 4, 1 - 2 * cos(x) ** 2), (sympy.sinc(x) * x, sin(x)),
    (sympy.coth(x) * tanh(x), S.One), (1 / sympy.csch(x), sinh(x)),
    (sympy.sech(x) * cosh(x), S.One),
    ((x + 1) / (x**2 - 1), 1 / (x - 1)), (exp(x + 1), exp(1) * exp(x)),
]  # fmt: skip


@pytest.mark.parametrize(("f", "g"), SAME, ids=[str(s[0]) for s in SAME])
def test_identities_are_seen_and_nothing_beside_them(f, g):
    assert identical(f, g)
    assert identical(g, f)
    for change in (Rational(1, 10**9), x / 10**9, exp(-x), sin(x) / 7):
        assert not identical(f + change, g)
    assert not identical(f, -g)
    assert not identical(2 * f, g)


THRESHOLDS = [
    # a decreases from exactly here on
    (lambda u: u**3 * exp(-u), S(3)), (lambda u: u**2 * exp(-(u**2)), S.One),
    (lambda u: -u * exp(-3 * u), Rational(1, 3)), (lambda u: exp(-u) / u, S.Zero),
    (lambda u: exp(u) * exp(-(u**2)), Rational(1, 2)), (lambda u: u**5 / exp(u) * u, S(6)),
]  # fmt: skip


def test_decreasing_starts_where_the_slope_changes():
    u = Symbol("u", positive=True)
    for f, start in THRESHOLDS:
        assert decreases(f(u), u, start + Rational(1, 1000))
        if start > 0:
            assert not decreases(f(u), u, start - Rational(1, 1000))
    assert decreases(log(u) / u, u, S(3))
    assert not decreases(log(u) / u, u, Rational(27, 10))
    assert not decreases(1 / log(u), u, Rational(1, 2))  # its logarithm is negative there
    assert decreases(1 / log(u), u, S(2))
    for growing in (u, log(u), exp(u) / u**9, u * exp(-1 / u), exp(exp(u)) * exp(-(u**9))):
        assert not decreases(growing, u, S(20)) or growing.has(exp(exp(u))) is False
    assert decreases(S(7), u, S.One)


def test_dominance_is_decided_by_the_values_where_it_starts():
    u = Symbol("u", positive=True)
    tiny = Rational(1, 10**9)
    for a, others, start in (
        (u, [S(4)], S(4)), (u**2, [2 * u, S(3)], S(3)), (exp(u), [exp(2)], S(2)),
        (-(u**2), [u, -S(2)], S(2)), (u, [log(u) * 2, u - 2 * log(u)], None),
    ):  # fmt: skip
        if start is None:
            continue
        assert dominated(a, others, u, start + tiny)
        assert not dominated(a, others, u, start - tiny)
        assert not dominated(a, others, u, start)
    assert dominated(S.One, [], u, S.One)
    assert not dominated(S.One, [S.One], u, S.One)
    assert dominated(exp(-u), [exp(-2 * u) / 2, -exp(-3 * u) / 3], u, tiny)
    assert not dominated(exp(-2 * u), [exp(-u)], u, S(50))


@pytest.mark.parametrize(("p", "end", "side", "start", "terms", "wanted"), [
    (tanh(x) - 1, oo, 1, S(3), 1, -1), (exp(x) - 5, -oo, -1, S(1), 1, -1),
    (log(x) + 1, S.Zero, -1, S(20), 1, -1), (1 - x**2, S.One, 1, S(4), 2, 1),
    (x**2 - 3 * x, oo, 1, S(4), 2, 1), (x**3 + 1, -oo, -1, S(2), 2, -1),
], ids=str)  # fmt: skip
def test_a_tail_row_has_the_sign_from_its_start_to_the_end(p, end, side, start, terms, wanted):
    row = tail_claim(p, x, end, side, start, terms)
    place, u = decode(row["x"]), decode(row["u"])
    assert (row["sign"], row["end"]) == (wanted, "lo" if side < 0 else "hi")
    assert decode(row["from"]) == start
    with mpmath.workdps(250):
        f = sympy.lambdify(u, p.subs(x, place), "mpmath")
        total = sympy.lambdify(u, sum(map(decode, row["terms"])), "mpmath")
        rest: object = 0
        if row["growth"] is not None:
            rest = sympy.lambdify(u, decode(row["coefficient"]) * decode(row["growth"]), "mpmath")
        for k in (0, 1, 2, 5, 20, 60):
            at = mpmath.mpf(start.p) / start.q * (1 + mpmath.mpf(k) / 4)
            assert mpmath.sign(f(at)) == wanted
            slack = rest(at) if callable(rest) else 0
            assert abs(f(at) - total(at)) <= slack + mpmath.mpf(10) ** -200 * (1 + abs(total(at)))


def test_a_tail_that_does_not_lead_yet_gives_no_row():
    for p, end, side, start, terms in (
        (x**2 - 3 * x, oo, 1, S(3), 2), (x**3 + 1, -oo, -1, S.One, 2),
        (log(x) + 1, S.Zero, -1, S(2), 1), (exp(x) - 5, oo, 1, S.One, 1),
    ):  # fmt: skip
        with pytest.raises(SymgradError):
            tail_claim(p, x, end, side, start, terms)


@pytest.mark.parametrize(("lo", "hi"), [
    (S(0), Rational(1, 7)), (-Rational(1, 7), S(0)), (Rational(2, 5), Rational(3, 7)),
    (sqrt(2), sqrt(2) + Rational(1, 1000)), (-pi, -pi + Rational(1, 500)), (S(3), S(4)),
    (S(-1), Rational(1, 10**9)), (exp(1) - Rational(1, 10**25), exp(1)), (S(5), S(6)), (-oo, S(0)),
    (S(0), oo), (-oo, Rational(-7, 2)), (Rational(7, 2), oo), (-oo, pi), (-pi, oo),
], ids=str)  # fmt: skip
def test_between_is_inside_and_as_simple_as_can_be(lo, hi):
    found = between(lo, hi)
    assert found.is_Rational
    assert sign(found - lo) == 1 if lo.is_finite else True
    assert sign(hi - found) == 1 if hi.is_finite else True
    mirrored = between(-hi, -lo)
    assert mirrored == -found
    if found.q > 1 and found.q < 2000:
        with mpmath.workdps(40):
            a, b = (mpmath.mpf(str(c.n(40))) for c in (lo, hi))
            tiny = mpmath.mpf(10) ** -30
            first = {q: mpmath.floor(a * q + tiny) + 1 for q in range(1, int(found.q))}
            assert all(p >= b * q - tiny for q, p in first.items())


WITNESSED = [
    # false statements about waves, on each kind of interval
    (sin(x) <= Rational(1, 2), Interval(-oo, 0)), (sin(x) <= Rational(1, 2), NONNEG),
    (cos(x) * exp(x) >= -1, Reals), (x * sin(x) >= -3, Interval(-oo, -1)),
    (sin(x) ** 2 * x >= 0, Reals), ((cos(x) - 1) * x >= 0, Interval(1, oo)),
    (sin(x) + 2 <= Rational(29, 10), Interval(-oo, -100)), (sin(x) >= 0, Interval(0, oo)),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "on"), WITNESSED, ids=[str(w) for w in WITNESSED])
def test_a_false_wave_has_a_witness_in_its_interval(statement, on):
    verdict = prove(statement, x, on).verdict
    if isinstance(verdict, Undecided):
        assert "for ever" in verdict.why or "over all of" in verdict.why
        return
    assert isinstance(verdict, Refuted)
    assert on.contains(verdict.at) == True  # noqa: E712
    assert not holds_at(statement, verdict.at)


WAVES = [
    ((cos(x) - 1) * exp(x) <= 0, Reals), ((cos(x) - 1) * x >= 0, Interval(-oo, 0)),
    ((sin(x) - 2) * x < 0, POS), ((2 + sin(x)) ** -1 > 0, Reals),
    (sin(x) ** 2 <= 1, Interval(-oo, 3)),
    (x / (2 + cos(3 * x)) >= 0, NONNEG), ((1 - cos(x)) * (2 + sin(x)) * exp(-x) >= 0, Reals),
    (sin(x) + 2 >= Rational(99, 100), Interval(1, oo)),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "on"), WAVES, ids=[str(w) for w in WAVES])
def test_waves_of_one_sign_are_proved_and_their_certificates_hold(statement, on):
    found = prove(statement, x, on)
    assert isinstance(found.verdict, Proved)
    assert any(part.waves for part in found.parts)
    tree = certificate(found)
    assert verify(tree)
    for i, piece in enumerate(tree["pieces"]):
        for j, wave in enumerate(piece["waves"]):
            path = ("pieces", i, "waves", j)
            for key, value in (
                ("sign", -wave["sign"]), ("n", wave["n"] + 1), ("n", -wave["n"]),
                ("period", encode(decode(wave["period"]) / 2)), ("period", encode(S.One)),
                ("period", encode(-decode(wave["period"]))), ("p", encode(x)),
                ("factors", wave["factors"][1:]),
                ("factors", [*wave["factors"], wave["factors"][-1]]),
            ):  # fmt: skip
                with pytest.raises(CertificateError):
                    verify(changed(tree, (*path, key), value))


def test_a_strict_wave_fails_where_it_is_zero_inside_the_interval():
    for on in (Reals, POS, Interval.open(-oo, 0), Interval(1, oo)):
        for statement in (1 - cos(x) > 0, (1 - cos(x)) * exp(x) > 0, (1 + sin(x)) * (2 + x**2) > 0):
            verdict = prove(statement, x, on).verdict
            assert isinstance(verdict, Refuted)
            assert on.contains(verdict.at) == True  # noqa: E712
            assert statement.lhs.subs(x, verdict.at) == 0
    with pytest.raises(DomainError, match="pole"):
        prove(exp(x) / (1 - cos(x)) > 0, x, Interval(1, oo))


MARGINS = [
    # h, interval, and its least value there
    (x**2 - x + 1, 0, 2, Rational(3, 4)), (exp(x) - x, -1, 1, S.One),
    (cosh(x) - x**2 / 2, -1, 2, S.One),
    (2 - sin(3 * x), 0, 3, S.One), (exp(-(x**2)) + x**2 / 9, -1, 1, Rational(4788, 10000)),
    (x**4 - 4 * x + 4, 0, 2, S.One), (3 + x**3, -1, 1, S(2)),
]  # fmt: skip


@pytest.mark.parametrize(("h", "lo", "hi", "least"), MARGINS, ids=[str(m[0]) for m in MARGINS])
def test_the_boxes_of_a_true_statement_do_not_prove_a_false_one(h, lo, hi, least):
    """h > 0 is proved; the same boxes for h − c > 0 are refused from c = min h on, in any dress."""
    on = Interval(lo, hi)
    tree = certificate(prove(sympy.Gt(h, 0, evaluate=False), x, on))
    assert verify(tree)
    factor = tree["pieces"][0]["factors"][0]
    if factor["by"] != "boxes":
        return
    for c in (least + Rational(1, 100), least + 3):
        forged = copy.deepcopy(tree)
        forged["statement"] = encode(sympy.Gt(h - c, 0, evaluate=False))
        forged["pieces"][0]["h"] = encode(h - c)
        forged["pieces"][0]["factors"] = [{**factor, "p": encode(h - c), "n": 1}]
        for kind in ("ball", "taylor", "monotone", "crossing"):
            rows = [[*row[:2], kind, 1, 128] for row in factor["boxes"]]
            forged["pieces"][0]["factors"][0]["boxes"] = rows
            with pytest.raises(CertificateError):
                verify({**forged, "digest": digest(forged)})


PRODUCTS = [
    # zeros of several factors: apart, at one point, at the ends, with every parity
    (x * (2 - x) >= 0, Interval(0, 2)),
    (sympy.Ge(x**2 * (x - 1) ** 2, 0, evaluate=False), Interval(-1, 2)),
    (x * (exp(x) - 1) >= 0, Interval(-1, 1)), (x * sin(x) * (4 - x) >= 0, Interval(-3, 3)),
    ((exp(x) - 1) / x > 0, POS), ((x - 1) * log(x) >= 0, POS),
    (x**3 * tanh(x) >= 0, Interval(-2, 2)),
    ((x**2 - 2) * (x - sqrt(2)) >= 0, Interval(-1, 3)),
    ((cosh(x) - 1) * (x + 2) >= 0, Interval(-2, 3)),
    ((exp(x) - x - 2) ** 2 * (x + 1) >= 0, Interval(0, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "on"), PRODUCTS, ids=[str(p) for p in PRODUCTS])
def test_products_with_zeros_and_what_their_certificates_do_not_prove(statement, on):
    found = prove(statement, x, on)
    assert isinstance(found.verdict, Proved)
    tree = certificate(found)
    assert verify(tree)
    h = statement.lhs
    strict = sympy.Gt(h, 0, evaluate=False)
    below = sympy.Le(h, 0, evaluate=False)
    wider = Interval(-10, 10, True, True)
    whole = isinstance(statement, sympy.Gt)
    forgeries = [("statement", below), ("on", wider)] + ([] if whole else [("statement", strict)])
    for key, value in forgeries:
        forged = changed(tree, (key,), encode(value))
        for i in range(len(forged["pieces"])):
            forged["pieces"][i]["strict"] = value == strict or (whole and value != below)
            if value == below:
                forged["pieces"][i]["h"] = encode(-h)
                forged["pieces"][i]["factors"].insert(
                    0, {"p": encode(S.NegativeOne), "n": 1, "by": "constant", "sign": -1}
                )
            if value == wider:
                forged["pieces"][i]["lo"], forged["pieces"][i]["hi"] = encode(S(-10)), encode(S(10))
        for point in forged["points"]:
            point[1] = value == strict or (whole and value != below)
        with pytest.raises(CertificateError):
            verify({**forged, "digest": digest(forged)})
    for i, j in ((i, j) for i, p in enumerate(tree["pieces"]) for j in range(len(p["factors"]))):
        factors = tree["pieces"][i]["factors"]
        for wrong in ([*factors[:j], *factors[j + 1 :]], [*factors, factors[j]]):
            with pytest.raises(CertificateError):
                verify(changed(tree, ("pieces", i, "factors"), wrong))


@pytest.mark.parametrize("statement", [
    (exp(x) >= 1 + x, Reals), (Max(x, 0) <= x**2 + quarter, Reals), (x * (1 - cos(x)) >= 0, NONNEG),
    (x * (exp(x) - 1) >= 0, Interval(-1, 1)),
], ids=str)  # fmt: skip
def test_every_field_of_every_kind_of_certificate_counts(statement):
    whole = certificate(prove(statement[0], x, statement[1]))
    assert verify(whole)
    for path, value in _leaves({k: v for k, v in whole.items() if k != "digest"}):
        if isinstance(value, int) and not isinstance(value, bool) and value not in (-1, 1):
            continue  # a precision or an order: another one may do as well
        if path[-1] == "n" and path[-2] == 0 and value == 1:
            continue  # (-1)^-1 is -1
        wrong = changed(whole, path, not value if isinstance(value, bool) else "no such thing")
        if isinstance(value, int) and not isinstance(value, bool):
            wrong = changed(whole, path, -value)
        with pytest.raises(CertificateError):
            verify(wrong)


def test_the_steps_say_what_holds_where_and_the_last_rests_on_them():
    found = prove(sympy.And(Max(x, 0) <= x**2 + quarter, cos(x) <= 1), x, Interval(-3, oo))
    *steps, last = found.derivation.steps
    wanted = [
        (x**2 + quarter, Interval.open(-3, 0)), (x**2 - x + quarter, Interval.open(0, oo)),
        (1 - cos(x), Interval.open(-3, oo)),
    ]  # fmt: skip
    assert {(s.claim, s.under) for s in steps} == {
        (sympy.Ge(h, 0, evaluate=False), (sympy.Contains(x, on),)) for h, on in wanted
    }
    assert (last.claim, last.given) == (found.statement, (1, 2, 3))
    assert last.under == found.fact.under == (sympy.Contains(x, Interval(-3, oo)),)
    said = " | ".join(s.because for s in steps)
    assert "zeros: 1/2 (order 2)" in said
    assert "has the period 2*pi and one sign" in said
    assert "tail ~ 2*x from 2" in said
    (step,) = prove(cos(x) < 1, x).derivation.steps
    assert (step.given, step.under) == ((), ())
    quartic = prove(x**4 - 4 * x + 3 >= 0, x)
    boxes = quartic.parts[0].chart.boxes
    assert boxes > 1
    assert f"{boxes} boxes" in quartic.derivation.steps[0].because


def test_a_piece_of_no_factors_is_zero_and_not_strict(touching):
    bare = changed(touching, ("pieces", 0, "factors"), [])
    with pytest.raises(CertificateError, match="is not zero"):
        verify(bare)
    one = sympy.Le(sin(x) ** 2 + cos(x) ** 2, 1, evaluate=False)
    tree = certificate(prove(one, x))
    assert [p["factors"] + p["waves"] for p in tree["pieces"]] == [[]]
    assert verify(tree)
    strict = changed(tree, ("statement",), encode(sympy.Lt(*one.args, evaluate=False)))
    with pytest.raises(CertificateError, match="is not zero"):
        verify(changed(strict, ("pieces", 0, "strict"), True))


def test_tails_alone_may_cover_an_interval_and_not_less_than_it():
    def written(p, lo, start):
        row = tail_claim(p, x, oo, 1, S(start), 1)
        factor = {"p": encode(p), "n": 1, "by": "boxes", "tails": [row], "boxes": []}
        tree = {
            "format": "symgrad-certificate-1",
            "statement": encode(sympy.Ge(p, 0, evaluate=False)),
            "variable": encode(x),
            "on": encode(Interval(lo, oo)),
            "pieces": [
                {"h": encode(p), "strict": False, "lo": encode(S(lo)), "hi": encode(oo),
                 "factors": [factor], "waves": []}
            ],
            "points": [[encode(S(lo)), False]],
        }  # fmt: skip
        return {**tree, "digest": digest(tree)}

    assert verify(written(x, 1, 1))
    assert verify(written(x**3, 2, 1))
    for p, lo, start in ((x, 1, 2), (x**3, Rational(1, 2), 1), (-x, 1, 1)):
        with pytest.raises(CertificateError):
            verify(written(p, lo, start))
