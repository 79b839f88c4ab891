"""Product forms, explicit forms and programs against SymPy's own differentiation and mpmath."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from flint import arb, fmpq
from sympy import Rational, Symbol

from symgrad.activation import Head, X, elementary
from symgrad.catalogue import activations, arctan, identity, leaky_relu, relu, sigmoid, tanh
from symgrad.chain import EXPLICIT_NODES, Chain, Layer, a_, delta_, w_, z_
from symgrad.chain.gradient import partial
from symgrad.chain.state import accurate
from symgrad.errors import InputError, LimitError
from symgrad.fact import Proved
from symgrad.loss import losses, squared_error
from symgrad.rigor import precision, program

SILU = Symbol("t") / (1 + sympy.exp(-Symbol("t")))
MIXED = [sigmoid, tanh, arctan, SILU, sympy.sin, leaky_relu]


def chain(depth: int, skips: tuple[int, ...] = (), **settings) -> Chain:
    layers = [
        Layer(g, bias=None if l % 3 else False, skip=l in skips)
        for l, g in zip(range(1, depth + 1), MIXED, strict=False)
    ]
    return Chain(layers, **settings)


def nested(net: Chain) -> sympy.Expr:
    """The cost as one expression, written down by the definition alone."""
    out = net.input
    for l, layer in enumerate(net.layers, 1):
        z = net.w(l) * out + (net.b(l) if layer.has_bias else 0)
        out = layer.formula().xreplace({X: z}) + (out if layer.skip else 0)
    return net.loss.formula.xreplace(
        {Symbol("a", real=True): out, Symbol("y", real=True): net.target}
    )


def numbers(net: Chain, seed: int = 1) -> dict[Symbol, Rational]:
    drawn = np.random.default_rng(seed).integers(-300, 300, len(net.symbols))
    return {s: Rational(int(n) * 2 + 1, 200) for s, n in zip(net.symbols, drawn, strict=True)}


def close(u: sympy.Expr, v: sympy.Expr, at: dict) -> bool:
    """Both sides agree to 50 digits; enclosed at 300 bits by their elementary formulas."""
    symbols = tuple(at)
    with precision(300):
        box = [arb(fmpq(int(n.p), int(n.q))) for n in at.values()]
        x, y = (program(elementary(e), *symbols).ball(*box, prec=300) for e in (u, v))
        return bool(abs(x - y) <= arb(10) ** -50 * abs(x))


@pytest.mark.parametrize("depth", range(1, 7))
@pytest.mark.parametrize("skips", [(), (2, 3), (1, 6)])
def test_every_gradient_is_the_derivative_of_the_nested_cost(depth, skips):
    net = chain(depth, skips)
    cost, at = nested(net), numbers(net)
    for l in range(1, depth + 1):
        for of in ("w", "b"):
            if of == "b" and not net.layers[l - 1].has_bias:
                continue
            gradient = net.gradient(of, l)
            assert close(gradient.explicit, cost.diff(Symbol(f"{of}__{l}", real=True)), at), (
                gradient
            )
            assert isinstance(gradient.verdict, Proved)
    assert close(net.gradient("x").explicit, cost.diff(net.input), at)
    assert net.gradient("x").verdict
    output = nested(Chain(net.layers, loss=lambda a, y: a))
    assert close(net.output_gradient().explicit, output.diff(net.input), at)
    assert net.output_gradient().verdict


def test_the_textbook_form_and_not_the_popular_slip():
    net = Chain(sigmoid, depth=3)
    d1 = sigmoid.d(1)
    assert net.delta(1).expr == w_(2) * w_(3) * d1(z_(1)) * d1(z_(2)) * delta_(3)
    assert net.gradient("w", 1).expr == net.delta(1).expr * a_(0)
    assert net.delta(3).expr == (a_(3) - Symbol("y", real=True)) * d1(z_(3))
    slip = w_(2) * w_(3) * sigmoid(z_(1)) * sigmoid(z_(2)) * sigmoid(z_(3)) * delta_(3)
    at = numbers(net)
    table = {delta_(3): net.delta(3).explicit, **{z_(l): net.delta(l).explicit for l in (1, 2, 3)}}
    assert not close(slip.xreplace(table), net.delta(1).explicit, at)


@pytest.mark.parametrize("cost", losses(), ids=lambda c: c.name)
def test_every_cost(cost):
    net = Chain([tanh, sigmoid], loss=cost)
    at = numbers(net, 3)
    assert close(net.gradient("w", 1).explicit, nested(net).diff(w_(1)), at)
    assert net.gradient("w", 1).verdict


def test_tied_weights_sum_the_shares():
    net = chain(4, (3,), tie_weights=True)
    w, at = Symbol("w", real=True), numbers(net)
    total = net.gradient("w")
    assert close(total.explicit, nested(net).diff(w), at)
    assert total.verdict
    values = net.program.evaluate(at)
    assert abs(float(values["w"]) - float(sympy.N(nested(net).diff(w).xreplace(at).doit()))) < 1e-12


def by_hand(net: Chain, at: dict, digits: int) -> dict[str, mpmath.mpf]:
    """Forward and backward sweep in mpmath, from the recurrences and g alone (g' numerically)."""
    mp = mpmath.MPContext()
    mp.dps = 3 * digits
    value = {s.name: mp.mpf(int(v.p)) / int(v.q) for s, v in at.items()}
    functions = [
        sympy.lambdify(layer.g(Symbol("t")).args[2], layer.g(Symbol("t")).doit(), "mpmath")
        for layer in net.layers
    ]
    a, slopes, values = value["x"], [], [value["x"]]
    for l, (g, layer) in enumerate(zip(functions, net.layers, strict=True), 1):
        z = value[net.w(l).name] * a + value.get(f"b__{l}", 0)
        step = mp.mpf(10) ** -digits
        with mpmath.workdps(mp.dps):
            up, down = (mp.mpf(g(mpmath.mpf(u))) for u in (z + step, z - step))
            a = mp.mpf(g(mpmath.mpf(z))) + (a if layer.skip else 0)
        slopes.append((up - down) / (2 * step))
        values.append(a)
    e, found = a - value["y"], {}
    for l in range(net.depth, 0, -1):
        delta = e * slopes[l - 1]
        found[f"delta__{l}"], found[f"w__{l}"] = delta, delta * values[l - 1]
        e = value[net.w(l).name] * delta + (e if net.layers[l - 1].skip else 0)
    found["x"] = e
    return found


@pytest.mark.parametrize("skips", [(), (1, 5), (2, 3), (4,)])
def test_every_step_of_a_derivation_holds_in_numbers(skips):
    """Each equation of each derivation, at the values that finite differences give."""
    net = chain(5, skips)
    at, digits = numbers(net, 7), 40
    found = by_hand(net, at, 30)
    table: dict = {
        s: sympy.Float(v.str(digits, radius=False), digits)
        for s, v in accurate(net, at, 150).factors(net).items() if s.is_Symbol
    }  # fmt: skip
    table |= {net.target: at[net.target], X: at[net.input]}
    table |= {Symbol(n, real=True): sympy.Float(str(v), 30) for n, v in found.items() if "d" in n}
    for n in (*net.parameters, net.input):
        name = n.name.replace("b__", "delta__")
        table[partial("C", n)] = sympy.Float(str(found[name]), 30)
    table |= {partial("C", z_(l)): table[delta_(l)] for l in range(1, 6)}
    gradients = [net.gradient("x"), *(net.delta(l) for l in range(1, 6))]
    gradients += [net.gradient("w", l) for l in range(1, 6)] + [net.gradient("b", 2)]
    seen = 0
    for gradient in gradients:
        for step in gradient.derivation:
            left, right = (elementary(side.xreplace(table)) for side in step.claim.args)
            gap = sympy.N(left - right, 30)
            assert abs(gap) < 1e-24 * (1 + abs(sympy.N(left, 30))), step.claim
            seen += 1
        assert gradient.derivation.steps[-1].claim.args == (gradient.symbol, gradient.expr)
    assert seen > 100


def test_what_a_deep_chain_prints_is_short_and_it_pickles():
    net = Chain(sigmoid, depth=1000)
    for shown in (net, net.delta(1), net.program, net.hessian()):
        assert 100 < len(str(shown)) < 20_000
        assert len(shown._repr_latex_() or "") < 50_000
        assert str(pickle.loads(pickle.dumps(shown))) == str(shown)
    assert "7603 more lines" in str(net.program)


def test_the_program_against_finite_differences_in_mpmath():
    net = chain(6, (2, 5))
    at = numbers(net, 7)
    found, expected = net.program.evaluate(at, 120), by_hand(net, at, 30)
    for name, value in expected.items():
        assert abs(float(found[name]) / float(value) - 1) < 1e-14, name


def test_one_program_has_eleven_operations_per_sigmoid_layer_and_is_linear():
    wanted = lambda L: [f"{p}__{l}" for p in "wb" for l in range(1, L + 1)]
    for depth in (1, 7, 1000):
        program = Chain(sigmoid, depth=depth).program.only(*wanted(depth))
        assert program.operations == 11 * depth
    assert Chain(tanh, depth=50).program.only(*wanted(50)).operations <= 8 * 50
    assert Chain(SILU, depth=50).program.only(*wanted(50)).operations <= 14 * 50


def test_depth_ten_thousand_evaluates():
    net = Chain(sigmoid, depth=10_000, x=1, y=0)
    value = {"w": [2] * 10_000, "b": [-1] * 10_000}
    delta = net.program.only("delta__1").evaluate(net.point(value), bits=30)["delta__1"]
    # At the fixed point the multiplier is w σ'(z*); the sum of logs of the factors tells the size.
    a, log = 1.0, 0.0
    for l in range(10_000):
        z = 2 * a - 1
        a = 1 / (1 + math.exp(-z))
        log += math.log(2 * a * (1 - a)) if l < 9_999 else math.log(a * a * (1 - a))
    assert float(delta.log()) == pytest.approx(log, rel=1e-12)


def test_the_explicit_form_has_a_limit_and_names_the_program():
    deep = Chain(sigmoid, depth=1000)
    with pytest.raises(LimitError, match="program"):
        _ = deep.delta(1).explicit
    largest = max(L for L in range(30, 60) if _fits(L))
    explicit = Chain(sigmoid, depth=largest).delta(1).explicit
    nodes = sum(1 for _ in sympy.preorder_traversal(explicit))
    assert 0.85 * EXPLICIT_NODES < nodes < 1.05 * EXPLICIT_NODES
    assert str(explicit)
    assert sympy.latex(explicit)


def _fits(depth: int) -> bool:
    try:
        _ = Chain(sigmoid, depth=depth).delta(1).explicit
    except LimitError:
        return False
    return True


def test_given_numbers_are_exact_and_enter_the_explicit_form():
    net = Chain([Layer(tanh, weight=0.1, bias=False), Layer(identity, weight=Fraction(1, 3))], y=2)
    assert net.given[w_(1)] == Rational(0.1) != Rational(1, 10)
    assert Chain([tanh, sigmoid], bias=False).parameters == (w_(1), w_(2))
    assert net.delta(2).explicit.free_symbols == {Symbol("b__2", real=True), Symbol("x", real=True)}
    assert net.point({"b__2": 0, "x": np.float32(0.1)})[net.input] == Rational(
        float(np.float32(0.1))
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Chain(sigmoid, depth=0), "L >= 1"),
        (lambda: Chain([]), "L >= 1"),
        (lambda: Chain(sigmoid), "how many layers"),
        (lambda: Chain(sigmoid, depth=2.5), "integer"),
        (lambda: Chain([sigmoid], depth=2), "leave depth out"),
        (lambda: Chain([Layer(sigmoid, weight=math.inf)]), "finite"),
        (lambda: Chain([Layer(sigmoid, weight=sympy.nan)]), "finite"),
        (lambda: Chain([Layer(sigmoid, bias=1j)]), "real"),
        (lambda: Chain([Layer(sigmoid, bias=sympy.I)]), "real"),
        (lambda: Chain([Layer(sigmoid, weight="2")]), "symgrad.parse"),
        (lambda: Chain([Layer("sigmoid")]), "parse"),
        (lambda: Chain(sigmoid, depth=2, loss="mse"), "mse"),
        (lambda: Chain(sigmoid, depth=2).delta(3), "1..2"),
        (lambda: Chain(sigmoid, depth=2).delta(0), "1..2"),
        (lambda: Chain(sigmoid, depth=2).gradient("w"), "which layer"),
        (lambda: Chain(sigmoid, depth=2).gradient("z", 1), "'w', 'b' or 'x'"),
        (lambda: Chain(sigmoid, depth=2, bias=False).gradient("b", 1), "no bias"),
        (lambda: Chain(sigmoid, depth=2).point({"w": [1, 2, 3]}), "2 layers, got 3"),
        (lambda: Chain(sigmoid, depth=2).point({"w": [1, 2]}), "none was given for b__1"),
        (lambda: Chain(sigmoid, depth=2).point({"v__1": 1}), "no 'v__1'"),
        (lambda: Chain([Layer(tanh, 1), Layer(tanh, 2)], tie_weights=True), "equal"),
    ],
)
def test_bad_input_is_one_clear_error(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_a_kink_uses_the_stated_value_in_every_form():
    net = Chain([relu, identity])
    at = {
        **dict.fromkeys(net.symbols, sympy.Integer(1)),
        Symbol("b__1", real=True): sympy.Integer(-1),
    }
    assert net.program.evaluate(at)["delta__1"] == 0 == net.delta(1).explicit.xreplace(at)
    assert sympy.Ne(z_(1), 0) in net.delta(1).fact.under


@pytest.mark.parametrize("g", activations(), ids=lambda g: g.name)
def test_every_activation_of_the_catalogue(g):
    net = Chain(g, depth=2)
    assert net.gradient("w", 1).verdict
    assert net.delta(1).expr.atoms(Head) == {g.d(1)(z_(1))} - {sympy.S.One}


def test_a_wrong_claim_is_not_proved(monkeypatch):
    from symgrad.chain import gradient as module

    monkeypatch.setattr(module, "slope", lambda net, k: net.layers[k - 1].g(z_(k)))
    assert not Chain(sigmoid, depth=3).delta(1).verdict
    assert not Chain([Layer(sigmoid, skip=True)] * 2).delta(1).verdict
    assert Chain(sigmoid, depth=3, loss=squared_error).recurrences
