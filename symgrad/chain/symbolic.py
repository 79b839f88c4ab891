"""The chain whose depth is a symbol: products over layers, and the induction that proves them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Derivative, Eq, Expr, Function, IndexedBase, Mul, Product, Symbol

from symgrad.chain.gradient import equal
from symgrad.chain.layer import Layer
from symgrad.chain.notation import put, real, x_
from symgrad.errors import InputError
from symgrad.fact import Derivation, Fact, Proved, Step, Verdict
from symgrad.loss import Loss, squared_error
from symgrad.render import Block, Formula, Para, Shown

__all__ = ["SymbolicChain", "SymbolicGradient", "peel"]

_SOURCE = "Rumelhart, Hinton, Williams 1986, eq. 4-7; induction over the layers"
_BASES: Any = [IndexedBase(name, real=True) for name in ("w", "b", "z", "a", "delta")]
W, B, Z, A, DELTA = _BASES
K = Symbol("k", integer=True, positive=True)


def peel(product: Any) -> Expr:
    """∏_{k=m..n} f(k) = f(m) ∏_{k=m+1..n} f(k), which holds for m ≤ n."""
    body, (k, first, last) = product.args
    return Mul(put(body, {k: first}), _product(body, (k, first + 1, last)))


def _product(body: Expr, over: tuple[Any, ...]) -> Any:
    return Product(body, over)


@dataclass(frozen=True)
class SymbolicChain(Shown):
    """L layers with the same g, where L is a symbol: aˡ = g(wˡ aˡ⁻¹ + bˡ), l = 1..L.

    Weights, biases and states are indexed: w[k], b[k], z[k], a[k], δ[k].

    >>> from sympy import symbols
    >>> from symgrad.catalogue import tanh
    >>> L, l = symbols("L l", integer=True, positive=True)
    >>> found = SymbolicChain(tanh, depth=L).delta(l)
    >>> bool(found.verdict), len(found.expr.atoms(Product)), len(found.derivation)
    (True, 2, 5)
    """

    activation: Any
    depth: Expr
    loss: Loss = squared_error
    bias: bool = True
    tie_weights: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.depth, Expr) or self.depth.is_integer is not True:
            raise InputError(
                f'a symbolic depth is an integer symbol, Symbol("L", integer=True, positive=True), '
                f"got {self.depth!r}"
            )
        object.__setattr__(self, "activation", Layer(self.activation).g)

    def delta(self, l: Expr | int) -> SymbolicGradient:
        """δ[l] = (∏_{k=l+1..L} w[k]) (∏_{k=l..L-1} g'(z[k])) δ[L], for 1 ≤ l ≤ L."""
        return SymbolicGradient(self, "delta", self._index(l))

    def gradient(self, of: str, l: Expr | int | None = None) -> SymbolicGradient:
        """∂C/∂w[l] = δ[l] a[l-1], ∂C/∂b[l] = δ[l], ∂C/∂x = w[1] δ[1]."""
        if of not in ("w", "b", "x"):
            raise InputError(f"a gradient is in 'w', 'b' or 'x', got {of!r}")
        if of == "b" and not self.bias:
            raise InputError("this chain has no biases")
        if of != "x" and l is None:
            raise InputError(f"say which layer: gradient({of!r}, l)")
        return SymbolicGradient(self, of, self._index(1 if of == "x" else l))

    def _index(self, l: Any) -> Expr:
        index = sympy.sympify(l, strict=True)
        if (
            index.is_integer is not True
            or index.is_positive is False
            or (self.depth - index).is_negative
        ):
            raise InputError(f"a layer is an integer 1 <= l <= L, got {l!r}")
        return index

    def weight(self, k: Expr) -> Expr:
        """w[k], or the one w where the weights are tied."""
        return real("w") if self.tie_weights else W[k]

    def preactivation(self, k: Expr, before: Expr) -> Expr:
        """w[k]·before + b[k]."""
        return self.weight(k) * before + (B[k] if self.bias else 0)

    def _blocks(self) -> Iterable[Block]:
        yield Para("A chain of ", self.depth, " layers:")
        yield Formula(Z[K], self.preactivation(K, A[K - 1]))
        yield Formula(A[K], self.activation(Z[K]))
        yield Formula(real("C"), put(self.loss.formula, {real("a"): A[self.depth]}))


@dataclass(frozen=True)
class SymbolicGradient(Shown):
    """A gradient at depth L and layer l, both symbols, with its induction."""

    chain: SymbolicChain
    of: str
    layer: Expr

    @property
    def symbol(self) -> Expr:
        """The left-hand side."""
        if self.of == "delta":
            return DELTA[self.layer]
        variable = x_ if self.of == "x" else {"w": W, "b": B}[self.of][self.layer]
        return Derivative(Function("C", real=True)(variable), variable, evaluate=False)

    def product(self, l: Expr) -> Expr:
        """The closed form of δ[l]."""
        depth, g = self.chain.depth, self.chain.activation
        weights = _product(self.chain.weight(K), (K, l + 1, depth))
        slopes = _product(g.d(1)(Z[K]), (K, l, depth - 1))
        if self.chain.tie_weights:
            weights = real("w") ** (depth - l)
        return Mul(weights, slopes, DELTA[depth])

    @cached_property
    def expr(self) -> Expr:
        """The closed form with SymPy's `Product` and `Indexed`."""
        factor: dict[str, Expr] = {
            "delta": sympy.S.One,
            "b": sympy.S.One,
            "w": x_ if self.layer == 1 else A[self.layer - 1],
            "x": self.chain.weight(sympy.S.One),
        }
        return self.product(self.layer) * factor[self.of]

    @cached_property
    def derivation(self) -> Derivation:
        """Recurrence, base case, induction step, conclusion; each checked."""
        steps = self._induction()
        if self.of != "delta":
            steps.append(self._last(len(steps)))
        return Derivation(tuple(steps))

    def _induction(self) -> list[Step]:
        chain, depth, g, t = self.chain, self.chain.depth, self.chain.activation, real("z")
        l = self.layer if self.layer.is_Symbol else Symbol("l", integer=True, positive=True)
        cost = put(chain.loss.formula, {real("a"): g(t)}).diff(t)
        top = put(chain.loss.da, {real("a"): g(t)}) * g.d(1)(t)
        at_top = {real("a"): A[depth]}
        shown = Mul(put(chain.loss.da, at_top), g.d(1)(Z[depth]))
        local = chain.preactivation(l + 1, g(t)).diff(t)
        slope = chain.weight(l + 1) * g.d(1)(t)
        by = "SymPy differentiation of the layer"
        inside = (l < depth,)
        steps = [
            Step(Eq(DELTA[depth], shown, evaluate=False), "the chain rule at the cost, l = L",
                 equal(top, cost, "SymPy differentiation of c(g(z), y)")),
            Step(Eq(DELTA[l], put(slope, {t: Z[l]}) * DELTA[l + 1], evaluate=False),
                 "the chain rule: C depends on z[l] through z[l+1] alone",
                 equal(slope, local, by), (), inside),
        ]  # fmt: skip
        steps.append(Step(
            Eq(DELTA[depth], self.product(depth), evaluate=False),
            "base case l = L: both products are empty", self._base(), (1,),
        ))  # fmt: skip
        hypothesis = put(slope, {t: Z[l]}) * self.product(l + 1)
        steps.append(Step(
            Eq(hypothesis, self.product(l), evaluate=False),
            "induction from l + 1 to l: the first factor of each product taken out",
            equal(_peeled(self.product(l)), hypothesis, "exact algebra on the products"),
            (2,), inside,
        ))  # fmt: skip
        steps.append(Step(
            Eq(DELTA[self.layer], self.product(self.layer), evaluate=False),
            "induction downwards from L", Proved("induction on L - l"), (3, 4),
        ))  # fmt: skip
        return steps

    def _base(self) -> Verdict:
        """With l = L both products run over nothing and are 1."""
        value = self.product(self.chain.depth).doit()
        return equal(value, DELTA[self.chain.depth], "an empty product is 1")

    def _last(self, earlier: int) -> Step:
        chain, l = self.chain, self.layer
        before = x_ if l == 1 else real("a")
        w, b = real("w"), real("b")
        relation = w * before + (b if chain.bias else 0)
        found = relation.diff({"w": w, "b": b, "x": x_}[self.of])
        claimed = {"w": before, "b": sympy.S.One, "x": w}[self.of]
        claim = Eq(self.symbol, self.expr, evaluate=False)
        verdict = equal(claimed, found, "SymPy differentiation of w a + b")
        return Step(claim, "the chain rule through z[l] = w[l] a[l-1] + b[l]", verdict, (earlier,))

    @property
    def fact(self) -> Fact:
        """The closed form as a claim for every L ≥ l ≥ 1."""
        claim = Eq(self.symbol, self.expr, evaluate=False)
        under = tuple(
            c for c in (sympy.Ge(self.layer, 1), sympy.Le(self.layer, self.chain.depth))
            if c is not sympy.true
        )  # fmt: skip
        return Fact(f"chain.{self.of}.l", claim, self.derivation, under, _SOURCE)

    @property
    def verdict(self) -> Verdict:
        return self.derivation.verdict

    def at(self, depth: int, layer: int | None = None) -> Expr:
        """The product written out for numbers L and l, in the indexed symbols."""
        if not 1 <= (1 if layer is None else layer) <= depth:
            raise InputError(f"a layer is an integer 1 <= l <= {depth}, got {layer}")
        table: dict[Any, Any] = {self.chain.depth: sympy.Integer(depth)}
        if layer is not None:
            table[self.layer] = sympy.Integer(layer)
        expr = put(self.expr, table)
        return put(expr, {p: _written_out(p) for p in expr.atoms(Product)})

    def _blocks(self) -> Iterable[Block]:
        yield Formula(self.symbol, self.expr)
        yield Para(f"{'Proved' if self.verdict else 'Not proved'} by induction; see .derivation.")


def _written_out(product: Any) -> Expr:
    body, (k, first, last) = product.args
    return Mul(*(put(body, {k: sympy.Integer(n)}) for n in range(int(first), int(last) + 1)))


def _peeled(expr: Expr) -> Expr:
    """The expression with the first factor of every product taken out."""
    return put(expr, {p: peel(p) for p in expr.atoms(Product)})
