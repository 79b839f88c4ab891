"""The head g⁽ⁿ⁾(z) does what SymPy users expect of a function."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import time

import mpmath
import pytest
import sympy
from sympy import Function, I, Max, Rational, S, Symbol, exp, latex, oo, pretty, symbols, tanh

from symgrad.activation import Activation, Definition, Derived, Head, Kink, elementary, univariate
from symgrad.calculus import limit_at, smooth_derivative, vanishes
from symgrad.catalogue import activation, activations
from symgrad.errors import DomainError, InputError, LimitError, UnsupportedError

x = Symbol("x", real=True)
y = Symbol("y", real=True)
w, b = symbols("w b", real=True)
n = Symbol("n", integer=True, nonnegative=True)
sigmoid, silu, gelu, mish = map(activation, ("sigmoid", "silu", "gelu", "mish"))
relu, leaky, softplus = map(activation, ("relu", "leaky_relu", "softplus"))
g_tanh, hardshrink, prelu = map(activation, ("tanh", "hardshrink", "prelu"))
mp = mpmath.MPContext()


def test_derivatives_follow_the_chain_rule():
    assert sigmoid(w * x + b).diff(x) == w * sigmoid.d(1)(w * x + b)
    assert sigmoid(x).diff(x, 4) == sigmoid.d(4)(x)
    assert sigmoid(sigmoid(x)).diff(x) == sigmoid.d(1)(sigmoid(x)) * sigmoid.d(1)(x)
    assert sigmoid(x).diff(y) == 0
    assert sigmoid(w * x).diff((x, n)) == w**n * sigmoid.d(n)(w * x)
    assert sigmoid.d(2).d(3) == sigmoid.d(5)
    assert sigmoid.d(n)(x).diff(x) == sigmoid.d(n + 1)(x)
    assert isinstance(sigmoid.d(n)(x).diff(n), sympy.Derivative)


def test_the_derivative_in_a_parameter():
    beta = Symbol("beta", positive=True)
    slope = softplus(beta=beta)(x).diff(beta)
    whole = sympy.log(1 + exp(beta * x)) / beta
    at = {x: Rational(2, 3), beta: Rational(5, 4)}
    assert abs((slope - whole.diff(beta)).subs(at).n(30)) < 1e-28
    assert prelu(x).diff(Symbol("alpha", real=True)).subs(x, -3) == -3


def test_printing():
    assert str(sigmoid.d(2)(x) ** 2) == "sigmoid''(x)**2"
    assert str(sigmoid.d(n)(x)) == "sigmoid^(n)(x)"
    assert str(softplus(beta=2)(x)) == "softplus[beta=2](x)"
    assert latex(sigmoid.d(1)(x) ** 2) == r"{\sigma'}^{2}\left(x\right)"
    assert latex(sigmoid.d(5)(x)) == r"\sigma^{\left(5\right)}\left(x\right)"
    assert latex(softplus(beta=2)(x)) == r"\mathrm{softplus}_{\beta=2}\left(x\right)"
    assert pretty(sigmoid.d(1)(x), use_unicode=True).strip() == "σ′(x)"
    assert pretty(sigmoid.d(1)(x) ** 2, use_unicode=False).splitlines()[0].strip() == "2"


@pytest.mark.parametrize("g", activations(), ids=lambda g: g.name)
def test_round_trips(g):
    names: dict = {**vars(sympy), "Activation": Activation, "Definition": Definition, "Head": Head}
    names |= {"Kink": Kink, "Derived": Derived, "Str": sympy.core.symbol.Str}
    names["ExprCondPair"] = sympy.functions.elementary.piecewise.ExprCondPair
    for e in (g, g.d(2), g(x), g.d(1)(w * x + b)):
        again = pickle.loads(pickle.dumps(e))
        assert again == e
        assert hash(again) == hash(e)
        assert eval(sympy.srepr(e), names) == e  # noqa: S307
        assert sympy.sympify(e) is e
    assert g.d(1)(x) != g.d(2)(x)
    assert g(x) != Function(g.name)(x)


def test_equality_does_not_hang_on_the_hash_seed():
    code = (
        "import pickle, sys; from symgrad.catalogue import activation; from sympy import Symbol;"
        "e = activation('leaky_relu').d(1)(Symbol('x', real=True));"
        "old = sys.stdin.buffer.read(); sys.exit(pickle.loads(old) != e) if old else "
        "sys.stdout.buffer.write(pickle.dumps(e))"
    )
    run = [sys.executable, "-c", code]
    first = subprocess.run(
        run, input=b"", env={**os.environ, "PYTHONHASHSEED": "1"}, capture_output=True, check=True
    )
    other = {**os.environ, "PYTHONHASHSEED": "2"}
    assert subprocess.run(run, input=first.stdout, env=other, check=False).returncode == 0


def test_a_spawned_process_gets_the_same_head():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(str, (mish.d(1)(x),)) == "mish'(x)"


@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "gelu", "silu", "mish", "gelu_tanh", "softplus"]
)
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("at", [-25, -5, Rational(1, 3), 25])
def test_fifty_digits_also_in_the_deep_tail(name, order, at):
    g = activation(name)
    found = g.d(order)(at).n(50)
    start = sympy.lambdify(x, g.formula(x), modules="mpmath")
    # differences of g itself: the smallest value is 1e-512, and a step of 1e-700 costs 1400 digits
    before, mpmath.mp.dps = mpmath.mp.dps, 3000
    try:
        h = mpmath.mpf(10) ** -700
        z = mpmath.mpf(sympy.Rational(at).p) / sympy.Rational(at).q
        stencil = {0: ((1, 0),), 1: ((1, 0.5), (-1, -0.5)), 2: ((1, 1), (-2, 0), (1, -1))}[order]
        truth = sum(c * start(z + k * h) for c, k in stencil) / h**order
        assert abs(mpmath.mpf(str(found)) / truth - 1) < mpmath.mpf(10) ** -49
    finally:
        mpmath.mp.dps = before


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "silu", "mish", "gelu_tanh", "softplus"])
@pytest.mark.parametrize("at", [10**9, -(10**6)])
def test_huge_arguments_are_quick(name, at):
    start = time.process_time()
    for order in (0, 1, 2):
        assert activation(name).d(order)(at).n(50).is_Float
    assert time.process_time() - start < 2


def test_values_of_expressions_and_complex_values():
    whole = (sigmoid(x) + 3 * sigmoid.d(1)(x)).subs(x, Rational(1, 3))
    assert abs(whole.n(40) - whole.doit().n(45)) < Rational(1, 10**38)
    z = 1 + 2 * I
    assert abs(g_tanh.d(1)(z).n(30) - (1 - tanh(z) ** 2).n(30)) < 1e-28
    assert relu(I).n() == relu(I)
    assert float(sigmoid(1)) == pytest.approx(1 / (1 + 2.718281828459045**-1), abs=1e-15)
    assert sigmoid(1) > sigmoid(S.Zero)
    assert sigmoid.d(1)(-40.0) == pytest.approx(4.248354255291589e-18, rel=1e-15)


def test_special_values():
    assert (sigmoid(0), sigmoid.d(1)(0), sigmoid(oo)) == (S.Half, Rational(1, 4), 1)
    assert sigmoid.d(1)(-oo) == Head(sigmoid, 1, -oo, evaluate=False)
    assert activation("sinc").d(4)(0) == Rational(1, 5)
    assert relu.d(1)(0) == 0
    assert leaky.d(1)(0) == Rational(1, 100)
    assert hardshrink.d(1)(Rational(1, 2)).doit() == 0
    assert (relu.one_sided(0, "-"), relu.one_sided(0, "+")) == (0, 1)


def test_forms():
    s = sigmoid
    assert s.d(1)(x).rewrite(exp) == exp(-x) / (1 + exp(-x)) ** 2
    assert g_tanh(x).doit() == tanh(x)
    assert s(s(x)).doit() == 1 / (1 + exp(-1 / (1 + exp(-x))))
    assert s(x).expand(func=True) == 1 / (1 + exp(-x))
    assert not s.d(1)(x).rewrite(tanh).has(exp, Head)
    assert sympy.simplify((s.d(1)(x) - s(x) * (1 - s(x))).doit()) == 0
    assert (s(x) ** 2).subs(s(x), y) == y**2
    assert s(x).subs(s, g_tanh) == g_tanh(x)


def test_limits_and_series():
    assert sympy.limit(sigmoid.d(3)(x) * exp(-x), x, -oo) == 1
    assert sympy.limit(sigmoid(1 / x) * exp(-1 / x), x, 0, "-") == 1
    assert sigmoid(x).series(x, 0, 4).removeO() == S.Half + x / 4 - x**3 / 48
    assert (sigmoid(x) - S.Half).as_leading_term(x) == x / 4


def test_solving_and_inverses():
    assert sympy.solve(sigmoid(x) - Rational(1, 3), x) == [-sympy.log(2)]
    assert g_tanh(x).inverse()(y) == sympy.atanh(y)
    assert silu(x).inverse() is None


@pytest.mark.parametrize("modules", ["numpy", "math", "mpmath", "scipy", "sympy"])
def test_plain_lambdify(modules):
    f = sympy.lambdify(x, sigmoid.d(1)(x) + relu(x), modules)
    assert float(f(0.5)) == pytest.approx(0.7350037122015945, rel=1e-15)


def test_assumptions_are_answered_without_new_expressions():
    assert sigmoid(x).is_real
    assert sigmoid(x).is_finite
    assert sigmoid(Symbol("q")).is_real is None
    assert sigmoid(x).free_symbols == {x}
    assert activation("swish")(x).free_symbols == {x, Symbol("beta", positive=True)}


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "silu", "mish", "gelu"])
def test_the_twentieth_derivative(name):
    start = time.process_time()
    formula = activation(name).derivative(20).expr
    assert time.process_time() - start < 5
    assert formula.count_ops() < 600
    g, at = activation(name), mpmath.mpf(1) / 3
    f = sympy.lambdify(x, g.formula(x), modules="mpmath")
    before, mpmath.mp.dps = mpmath.mp.dps, 60
    try:
        truth = mpmath.taylor(f, mpmath.mpf(1) / 3, 20)[20] * mpmath.factorial(20)
        found = g.d(20)(Rational(1, 3)).n(30)
        assert abs(mpmath.mpf(str(found)) / truth - 1) < mpmath.mpf(10) ** -12
    finally:
        mpmath.mp.dps = before
    assert at


def test_a_formula_too_large_is_refused_and_the_value_comes_from_jets(monkeypatch):
    formula = x * tanh(x * sympy.erf(x + y))
    truth = formula.subs(y, 2).diff(x, 4).subs(x, Rational(1, 3)).n(30)
    monkeypatch.setattr("symgrad.calculus._MOST_TERMS", 20)
    with pytest.raises(LimitError, match="jets"):
        smooth_derivative(formula, x, 4)
    g = Activation.from_expr("g", formula.subs(y, 2), x)
    assert abs(g.d(4)(Rational(1, 3)).n(30) / truth - 1) < 1e-28


def test_the_field_of_a_function():
    assert vanishes(1 / (1 + exp(-x)) + 1 / (1 + exp(x)) - 1, x)
    assert vanishes(tanh(x) ** 2 + sympy.sech(x) ** 2 - 1, x)
    assert not vanishes(tanh(x) - sympy.sin(x), x)
    assert limit_at((1 - sympy.cos(x)) / x**2, x, S.Zero) == S.Half
    assert limit_at(1 / x, x, S.Zero) is None


def test_a_users_function():
    ramp = Activation.from_expr("ramp", Max(0, x) ** 2, x)
    assert ramp.kinks == ()
    assert ramp.derivative(1).expr.subs(Symbol("x", real=True), 3) == 6
    root = Activation.from_expr("root", sympy.sqrt(sympy.Abs(x)), x)
    assert root.kinks[0].at == 0
    with pytest.raises(DomainError, match="no finite limit"):
        root.one_sided(0, "+", 1)
    lambert = Activation.from_expr("lambert", sympy.LambertW(exp(x)), x)
    w_ = sympy.LambertW(exp(x))
    assert lambert.derivative(2).expr == w_ / (w_ + 1) ** 3
    odd = Activation.from_expr("g", sympy.gamma(exp(x)), x)
    assert odd.derivative(1).expr == exp(x) * sympy.gamma(exp(x)) * sympy.polygamma(0, exp(x))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: sigmoid(x, y), "one variable"),
        (lambda: sigmoid("x"), "symgrad.parse"),
        (lambda: sigmoid(sympy.Matrix([1])), "a number or an expression"),
        (lambda: leaky(alpha=-1), "positive alpha"),
        (lambda: leaky(beta=1), "its parameters: alpha"),
        (lambda: sigmoid.d(-1), "n >= 0"),
        (lambda: sigmoid.d(Rational(3, 2)), "n >= 0"),
        (lambda: Activation.from_expr("g", Function("f")(x), x), "undefined"),
        (lambda: Activation.from_expr("1g", x, x), "identifier"),
        (lambda: Activation.from_expr("g", x, x, defaults={y: S.One}), "no parameter"),
        (lambda: relu.one_sided(0, "left"), "side"),
        (lambda: univariate("tanh"), "symgrad.parse"),
        (lambda: univariate(x * y), "which one is the variable"),
        (lambda: Head(x, 0, x), "an activation"),
    ],
)
def test_wrong_input(act, message):
    with pytest.raises(InputError, match=message):
        act()


def test_elementary_has_no_heads_and_says_where_it_cannot():
    assert not elementary(silu(sigmoid(x)) * mish.d(2)(y)).has(Head)
    with pytest.raises(UnsupportedError, match="no number"):
        elementary(sigmoid.d(n)(x))
