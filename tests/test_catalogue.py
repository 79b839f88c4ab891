"""Every record of the tables: its facts are derived here a second time, by mpmath on points."""

from __future__ import annotations

import itertools
from functools import cache

import mpmath
import pytest
import sympy
from sympy import Rational, S

from symgrad.activation import X, univariate
from symgrad.calculus import agree
from symgrad.catalogue import activation, activations, usual
from symgrad.errors import UnknownNameError
from symgrad.pieces import branches

ALL = activations()
ONES = {"alpha": Rational(3, 2), "beta": Rational(2, 3)}
mp = mpmath.MPContext()
mp.dps = 60


def bound(g):
    """The record with numbers for the parameters that have no usual value."""
    free = {p.name: ONES[p.name] for p, v in zip(g.parameters, g.values, strict=True) if v == p}
    return g(**free) if free else g


@cache
def compiled(expr):
    return sympy.lambdify(X, expr, modules="mpmath", cse=True)


def number(expr, at):
    """By mpmath alone, through SymPy's printer."""
    f = compiled(expr)
    old, mpmath.mp.dps = mpmath.mp.dps, 60
    try:
        return mp.mpf(f(mpmath.mpf(at.p) / at.q))
    finally:
        mpmath.mp.dps = old


def names(g):
    return g.name


def test_the_tables_hold_what_is_asked_for():
    wanted = """sigmoid tanh arctan softsign erf relu leaky_relu prelu elu selu celu softplus
    log_sigmoid silu swish gelu gelu_tanh mish hard_sigmoid hard_tanh hard_swish relu6 gaussian
    sinc sine snake isru isrlu squareplus bent_identity tanhshrink softshrink hardshrink threshold
    gudermannian cloglog gompertz logish tanhexp smish phish serf arsinh symlog pelu mpelu identity
    """
    assert {g.name for g in ALL} == set(wanted.split())
    assert len(ALL) == len({g.name for g in ALL})


@pytest.mark.parametrize("g", ALL, ids=names)
def test_a_record_says_where_it_is_from_and_how_it_is_written(g):
    assert len(g.source) >= 10
    assert g.latex_name
    assert g.unicode_name
    assert activation(g.name) is g
    assert all(p.is_real for p in g.parameters)


def test_decimal_constants_mean_the_decimal():
    selu = activation("selu").formula.expr
    scale = Rational("1.0507009873554804934193349852946")
    assert selu.subs(X, 1) == scale
    far = Rational("1.6732632423543772848170429916717") * scale
    assert selu.subs(X, -1) == far * (sympy.exp(-1) - 1)
    assert activation("leaky_relu").formula(-1) == -Rational(1, 100)
    assert activation("gelu_tanh").formula.expr.has(Rational(44715, 10**6))


@pytest.mark.parametrize("g", ALL, ids=names)
def test_symmetry_is_what_points_show(g):
    h = bound(g)
    f = h.formula.expr
    points = [Rational(k, 16) + Rational(1, 97) for k in range(1, 80, 7)]
    odd = all(abs(number(f, p) + number(f, -p)) < mp.mpf(10) ** -50 for p in points)
    even = all(abs(number(f, p) - number(f, -p)) < mp.mpf(10) ** -50 for p in points)
    assert h.symmetry == ("odd" if odd else "even" if even else "")


@pytest.mark.parametrize("g", ALL, ids=names)
def test_kinks_are_where_difference_quotients_disagree(g):
    h = bound(g)
    f, step = h.formula.expr, Rational(1, 10**20)
    places = {p for domain, _ in branches(f, X) for p in (domain.inf, domain.sup) if p.is_finite}
    kinks = {k.at: k for k in h.kinks}
    for p in places | {S.Zero}:
        left = (number(f, p - step) - number(f, p - 2 * step)) / mp.mpf(10) ** -20
        right = (number(f, p + 2 * step) - number(f, p + step)) / mp.mpf(10) ** -20
        gap = abs(number(f, p + step) - number(f, p - step))
        assert (p in h.jumps) == (gap > mp.mpf(10) ** -15)
        bent = abs(left - right) > mp.mpf(10) ** -15 or p in h.jumps
        assert (p in kinks) == bent, p
        if p not in kinks:
            continue
        assert kinks[p].convention
        assert h.d(1)(p) == kinks[p].slope or h.d(1)(p).doit() == kinks[p].slope
        assert h.derivative(1).expr.subs(X, p) == kinks[p].slope
        assert min(abs(number(kinks[p].slope, p) - s) for s in (left, right)) < mp.mpf(10) ** -15
        for side, quotient in (("-", left), ("+", right)):
            assert abs(number(h.one_sided(p, side), p) - quotient) < mp.mpf(10) ** -15


@pytest.mark.parametrize("g", ALL, ids=names)
def test_derivatives_agree_with_sympy_and_with_mpmath(g):
    h = bound(g)
    f = h.formula.expr
    off = {k.at for k in h.kinks} | {S.Zero}
    points = [Rational(k, 10) + Rational(1, 37) for k in (-61, -20, -7, 3, 11, 58)]
    parts = [(d, e.replace(sympy.sinc, lambda u: sympy.sin(u) / u)) for d, e in branches(f, X)]
    for n in (1, 2, 3):
        mine = h.derivative(n).expr
        parts = [(domain, part.diff(X)) for domain, part in parts]
        for p in (q for q in points if q not in off):
            truth = number(next(e for domain, e in parts if domain.contains(p) == S.true), p)
            assert abs(number(mine, p) - truth) < mp.mpf(10) ** -40 * (1 + abs(truth)), (n, p)


@pytest.mark.parametrize("g", ALL, ids=names)
def test_the_slope_is_the_slope_by_exact_algebra(g):
    f = g.formula.expr
    if f.has(sympy.sinc):
        f = sympy.sin(X) / X
    slope = f.diff(X)
    slope = slope.xreplace(dict.fromkeys(slope.atoms(sympy.DiracDelta), S.Zero))
    assert agree(g.derivative(1).expr, slope, X)
    assert not agree(g.derivative(1).expr + X, slope, X)


@pytest.mark.parametrize("g", ALL, ids=names)
def test_branches_cover_the_line(g):
    for n in range(3):
        parts = univariate(g.d(n)).branches
        assert sympy.Union(*(domain for domain, _ in parts)) == S.Reals
        for (left, _), (right, _) in itertools.pairwise(parts):
            assert left.sup == right.inf


def test_an_unknown_name_is_told():
    with pytest.raises(UnknownNameError, match="did you mean 'sigmoid'"):
        activation("sigmod")


def test_every_record_has_numbers_to_show():
    open_ = [g for g in ALL if g.free_symbols]
    assert {g.name for g in open_} == {"swish", "pelu", "mpelu", "prelu"}
    for g in ALL:
        assert not usual(g).free_symbols
        assert usual(g) == g or g in open_
    for name, twin in (("swish", "silu"), ("pelu", "elu"), ("mpelu", "elu")):
        assert agree(usual(activation(name)).formula.expr, activation(twin).formula.expr, X)
