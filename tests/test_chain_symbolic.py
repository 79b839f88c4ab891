"""Depth as a symbol: the products against chains of known depth, and the induction."""

from __future__ import annotations

import pytest
import sympy
from sympy import IndexedBase, Product, Rational, symbols

from symgrad.catalogue import activation
from symgrad.chain import Chain, SymbolicChain
from symgrad.chain.symbolic import peel
from symgrad.errors import InputError
from symgrad.fact import Proved

SIGMOID, TANH = activation("sigmoid"), activation("tanh")
L, l = symbols("L l", integer=True, positive=True)


def indexed(expr: sympy.Expr) -> sympy.Expr:
    """w__2 as w[2], a__1 as a[1]: from symbols of known layers to those of a symbolic chain."""
    table = {}
    for s in expr.free_symbols:
        letter, _, number = s.name.partition("__")
        if number:
            table[s] = IndexedBase(letter, real=True)[int(number)]
    return expr.xreplace(table)


@pytest.mark.parametrize("depth", range(1, 6))
def test_the_products_written_out_are_the_known_chains(depth):
    deep, net = Chain(SIGMOID, depth=L), Chain(SIGMOID, depth=depth)
    assert isinstance(deep, SymbolicChain)
    for layer in range(1, depth):
        assert deep.delta(l).at(depth, layer) == indexed(net.delta(layer).expr)
        w = deep.gradient("w", l).at(depth, layer)
        before = IndexedBase("a", real=True)[0]
        assert w.subs(before, net.input) == indexed(net.gradient("w", layer).expr)
    if depth > 1:
        assert deep.gradient("x").at(depth) == indexed(net.gradient("x").expr)


def test_the_induction_is_proved_step_by_step():
    found = Chain(TANH, depth=L).delta(l)
    assert isinstance(found.verdict, Proved)
    assert len(found.derivation) == 5
    assert found.fact.under == (sympy.Le(l, L),)
    for of in ("w", "b"):
        assert Chain(TANH, depth=L).gradient(of, l).verdict
    assert Chain(TANH, depth=L).gradient("x").verdict
    assert Chain(TANH, depth=L, tie_weights=True).delta(l).verdict


def test_taking_the_first_factor_out():
    k = symbols("k", integer=True)
    product = Product(k, (k, l, L))
    assert peel(product).subs({l: 2, L: 5}).doit() == 120
    assert product.subs({l: 2, L: 5}).doit() == 120


@pytest.mark.parametrize("wrong", ["product", "slope"])
def test_a_wrong_closed_form_is_not_proved(monkeypatch, wrong):
    from symgrad.chain import symbolic

    if wrong == "product":  # one slope too many, as in the popular write-up
        true = symbolic.SymbolicGradient.product

        def product(self, layer):
            z = IndexedBase("z", real=True)
            return true(self, layer) * SIGMOID.d(1)(z[self.chain.depth])

        monkeypatch.setattr(symbolic.SymbolicGradient, "product", product)
    else:  # g for g'
        g = symbolic.K

        def product(self, layer):
            weights = Product(self.chain.weight(g), (g, layer + 1, self.chain.depth))
            values = Product(SIGMOID(symbolic.Z[g]), (g, layer, self.chain.depth - 1))
            return weights * values * symbolic.DELTA[self.chain.depth]

        monkeypatch.setattr(symbolic.SymbolicGradient, "product", product)
    assert not Chain(SIGMOID, depth=L).delta(l).verdict


def test_bad_depths_and_layers():
    with pytest.raises(InputError, match="integer symbol"):
        Chain(SIGMOID, depth=symbols("L"))
    with pytest.raises(InputError, match="1 <= l <= L"):
        Chain(SIGMOID, depth=L).delta(Rational(1, 2))
    with pytest.raises(InputError, match="1 <= l <= L"):
        Chain(SIGMOID, depth=L).delta(0)
    with pytest.raises(InputError, match="no biases"):
        Chain(SIGMOID, depth=L, bias=False).gradient("b", l)
