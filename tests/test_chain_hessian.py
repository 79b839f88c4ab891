"""The semiseparable Hessian against SymPy's second derivatives and against finite differences."""

from __future__ import annotations

import mpmath
import pytest
import sympy
from flint import arb, fmpq
from sympy import Rational, Symbol
from test_chain_gradient import MIXED, chain, nested, numbers

from symgrad.activation import X
from symgrad.catalogue import identity, relu, sigmoid, tanh
from symgrad.chain import Chain, Hessian, Layer
from symgrad.chain.state import accurate
from symgrad.errors import InputError
from symgrad.rigor import precision, program

LOG_COSH = lambda a, y: sympy.log(sympy.cosh(a - y))


class Seconds:
    """∂²C/∂p∂q at a point: by SymPy's differentiation of the nested cost for depth ≤ 3, beyond that
    from Taylor series of the layers by their definition, on lines through the point, in balls.

    2 C_pq = D(p + q) − D(p) − D(q), where D(v) is the second derivative along v.
    """

    def __init__(self, net: Chain, at: dict) -> None:
        self.net, self.at, self.known = net, at, {}

    def along(self, *names: str) -> arb:
        if names not in self.known:
            with precision(300):
                self.known[names] = self._along(names)
        return self.known[names]

    def _along(self, names: tuple[str, ...]) -> arb:
        net = self.net
        value = {s: arb(fmpq(int(n.p), int(n.q))) for s, n in self.at.items()}
        a = [value[net.input], arb(int("x" in names)), arb(0)]
        for l, layer in enumerate(net.layers, 1):
            w, v = value[net.w(l)], int(net.w(l).name in names)
            z = [w * a[0], w * a[1] + v * a[0], w * a[2] + v * a[1]]
            if layer.has_bias:
                z[0], z[1] = z[0] + value[net.b(l)], z[1] + int(f"b__{l}" in names)
            g = program(layer.formula(), X).jet(z[0], 3, prec=300)
            new = [g[0], g[1] * z[1], g[1] * z[2] + g[2] * z[1] ** 2]
            a = [u + v for u, v in zip(new, a, strict=True)] if layer.skip else new
        cost = net.loss.formula.xreplace({net.target: self.at[net.target]})
        c = program(cost, Symbol("a", real=True)).jet(a[0], 3, prec=300)
        return 2 * (c[1] * a[2] + c[2] * a[1] ** 2)

    def __call__(self, p: str, q: str) -> arb:
        if self.net.depth <= 3:
            one, two = (Symbol(name, real=True) for name in (p, q))
            twice = nested(self.net).diff(one).diff(two)
            with precision(300):
                box = [arb(fmpq(int(n.p), int(n.q))) for n in self.at.values()]
                return program(twice, *self.at).ball(*box, prec=300)
        if p == q:
            return self.along(p)
        with precision(300):
            return (self.along(p, q) - self.along(p) - self.along(q)) / 2


@pytest.mark.parametrize("depth", range(1, 7))
@pytest.mark.parametrize("skips", [(), (2, 3), (1, 6)])
def test_every_entry_is_the_second_derivative_of_the_nested_cost(depth, skips):
    net = chain(depth, skips, loss=LOG_COSH)
    at = numbers(net)
    found, names = net.hessian().at(at), net.hessian().slots
    second = Seconds(net, at)
    pairs = [(p, q) for p in (*names, "x") for q in names if p <= q or p == "x"] + [("x", "x")]
    assert len(pairs) >= 3
    for p, q in pairs:
        expected = second(p, q)
        with precision(256):
            assert abs(found.entry(p, q) / expected - 1) < arb(10) ** -15, (p, q)
    in_x = second("x", "x")
    with precision(256):
        assert abs(found.in_x / in_x - 1) < arb(10) ** -15


@pytest.mark.parametrize("skips", [(), (2,)])
def test_tied_weights_are_one_row(skips):
    layers = [Layer(g, skip=l in skips) for l, g in enumerate((tanh, sigmoid, tanh), 1)]
    net = Chain(layers, loss=LOG_COSH, tie_weights=True)
    names = net.hessian().slots
    assert names == ("w", "b__1", "b__2", "b__3")
    at = numbers(net)
    found, second = net.hessian().at(at), Seconds(net, at)
    state = {s.name: v for s, v in _state(net, at).items()}
    for l in range(1, 4):
        state |= {f"kappa__{l}": found.kappa[l], f"mu__{l}": found.mu[l]}
    v = {name: k + 2 for k, name in enumerate(names)}
    product = found.product(v)
    for p in names:
        row = arb(0)
        for q in names:
            expected = second(p, q)
            entry = net.hessian().entry(p, q).doit()
            used = tuple(entry.free_symbols)
            with precision(256):
                symbolic = program(entry, *used).ball(*(state[s.name] for s in used), prec=256)
                assert abs(found.entry(p, q) / expected - 1) < arb(10) ** -15, (p, q)
                assert abs(symbolic / expected - 1) < arb(10) ** -15, (p, q)
                row += expected * v[q]
        with precision(256):
            assert abs(product[p] / row - 1) < arb(10) ** -15, p


def test_symbolic_entries_agree_with_the_numbers():
    net = chain(4, (3,))
    at, hessian = numbers(net, 5), net.hessian()
    numeric = hessian.at(at, 100)
    state = {s.name: v for s, v in _state(net, at).items()}
    for l in range(1, 5):
        state |= {f"kappa__{l}": numeric.kappa[l], f"mu__{l}": numeric.mu[l]}
    for p in (*hessian.slots, "x"):
        for q in (*hessian.slots, "x"):
            entry = hessian.entry(p, q).doit()
            symbols = sorted(entry.free_symbols, key=str)
            value = program(entry, *symbols).ball(*(state[s.name] for s in symbols), prec=200)
            with precision(200):
                assert abs(value / numeric.entry(p, q) - 1) < arb(10) ** -20


@pytest.mark.parametrize("skips", [(), (3,), (1, 5)])
def test_the_recurrences_of_kappa_hold_in_numbers(skips):
    net = chain(5, skips)
    at = numbers(net, 9)
    numeric, state = net.hessian().at(at, 100), accurate(net, at, 100)
    value = {s.name: v for s, v in _state(net, at).items()}
    second = state.curvature
    with precision(200):
        value["y"] = arb(fmpq(int(at[net.target].p), int(at[net.target].q)))
        for l in range(5, 0, -1):
            value |= {f"kappa__{l}": numeric.kappa[l], f"E__{l}": second}
            second = second * state.step[l] ** 2 + state.e[l] * state.curve[l] * state.w[l] ** 2
    rows = net.hessian().recurrences
    assert [row.lhs.name for row in rows] == [f"kappa__{l}" for l in range(5, 0, -1)]
    for row in rows:
        right = row.rhs.doit()
        symbols = sorted(right.free_symbols, key=str)
        found = program(right, *symbols).ball(*(value[s.name] for s in symbols), prec=200)
        with precision(200):
            assert abs(found / value[row.lhs.name] - 1) < arb(10) ** -20, row


def _state(net, at):
    return {s: v for s, v in accurate(net, at, 100).factors(net).items() if s.is_Symbol}


def test_finite_differences_of_the_gradient_at_high_precision():
    net = Chain([Layer(g) for g in MIXED], loss=LOG_COSH)
    at, step = numbers(net, 11), Rational(1, 10**30)
    found = net.hessian().at(at)
    for q in ("w__2", "b__5"):
        symbol = Symbol(q, real=True)
        up, down = (
            net.program.evaluate({**at, symbol: at[symbol] + h}, bits=300) for h in (step, -step)
        )
        for p in net.hessian().slots:
            with precision(400):
                difference = (up[p] - down[p]) / (2 * arb(fmpq(1, 10**30)))
            assert float(found.entry(p, q)) == pytest.approx(float(difference), rel=1e-13)


@pytest.mark.parametrize("skips", [(), (2, 5)])
def test_products_with_a_vector_are_linear_in_the_depth_and_right(skips):
    net = chain(6, skips)
    hessian = net.hessian().at(numbers(net))
    vector = [arb(k * k - 7) for k in range(len(hessian.names))]
    applied = hessian.product(vector)
    for p, row in zip(hessian.names, hessian.dense(), strict=True):
        with precision(200):
            dense = sum((h * v for h, v in zip(row, vector, strict=True)), arb(0))
        assert abs(applied[p] - dense) <= arb(10) ** -12 * abs(dense)
    deep = Chain(sigmoid, depth=3000, x=1, y=0).hessian().at({"w": [3] * 3000, "b": [-1] * 3000})
    assert len(deep.product({"w__1": 1, "b__3000": 1})) == 6000


def test_the_derivation_is_checked_and_can_fail(monkeypatch):
    for net in (chain(6), chain(6, (2, 4)), Chain(tanh, depth=3, bias=False)):
        assert net.hessian().verdict
    assert "kappa__1" in str(Chain(tanh, depth=2).hessian().recurrences)
    monkeypatch.setattr("symgrad.chain.hessian.slope", lambda net, k: sympy.Integer(1))
    assert Hessian(Chain(tanh, depth=2)).verdict  # the local check does not rest on the display
    from symgrad.activation import Derived

    true = Derived.d
    monkeypatch.setattr(Derived, "d", true)
    monkeypatch.setattr(
        type(tanh), "d", lambda g, n=1: Derived(g, n if n != 2 else 3), raising=True
    )
    assert not Hessian(Chain(tanh, depth=2)).verdict


def test_kinks_and_wrong_names():
    net = Chain([relu, identity])
    at = {
        **dict.fromkeys(net.symbols, sympy.Integer(1)),
        Symbol("b__1", real=True): -1,
        Symbol("y", real=True): 3,
    }
    hessian = net.hessian().at(at)
    assert not hessian.entry("w__1", "w__1").is_finite()
    assert hessian.entry("w__2", "w__2") == 0
    with pytest.raises(InputError, match="named by"):
        net.hessian().entry("v__1", "w__1")
    with pytest.raises(InputError, match=r"named by.* got b__1"):
        Chain(tanh, depth=1, bias=False).hessian().entry("w__1", "b__1")
    with pytest.raises(InputError, match=r"named by.* got w__3"):
        hessian.entry("w__1", "w__3")


def test_linear_chain_by_hand():
    net = Chain(identity, depth=2, bias=False)
    x, y, w1, w2 = (mpmath.mpf(v) for v in (2, 5, 3, -1))
    found = net.hessian().at({"x": 2, "y": 5, "w__1": 3, "w__2": -1})
    assert float(found.entry("w__1", "w__1")) == x**2 * w2**2
    assert float(found.entry("w__1", "w__2")) == 2 * x**2 * w1 * w2 - x * y
