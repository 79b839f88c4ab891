"""The chain whose depth is a symbol: products over layers, and the induction that proves them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq, Expr, IndexedBase, Mul, Product, Symbol

from symgrad.chain.chain import Chain
from symgrad.chain.gradient import equal, links, partial
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


def _indexed(expr: Any, k: int, at: Expr) -> Any:
    """w__l as w[l − k + at], and so on: a formula near layer k of a chain, at layer `at`."""
    split = ((s, s.name.partition("__")) for s in expr.free_symbols)
    bases: Any = IndexedBase
    return put(expr, {s: bases(p[0], real=True)[int(p[2]) - k + at] for s, p in split if p[2]})


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

    def link(self, letter: str, k: int, at: Expr) -> Step:
        """The recurrence that leaves a node of layer k, of three layers, written at layer `at`."""
        layer = Layer(self.activation, bias=None if self.bias else False)
        model = Chain([layer] * 3, loss=self.loss, tie_weights=self.tie_weights)
        step = next(links(model, (letter, k))).step(model, "C")
        return replace(step, claim=_indexed(step.claim, k, at), under=())

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
        return partial("C", variable)

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
        depth, l = self.chain.depth, self.layer
        k = l if l.is_Symbol else Symbol("l", integer=True, positive=True)
        top, down = self.chain.link("z", 3, depth), self.chain.link("z", 2, k)
        inside = (sympy.Lt(k, depth),)
        claimed: Any = down.claim
        hypothesis = put(claimed.rhs, {DELTA[k + 1]: self.product(k + 1)})
        steps = [
            replace(top, because=f"{top.because}, l = L"),
            replace(down, under=inside),
            Step(
                Eq(DELTA[depth], self.product(depth), evaluate=False),
                "base case l = L: both products are empty",
                equal(self.product(depth).doit(), DELTA[depth], "an empty product is 1"), (1,),
            ),
            Step(
                Eq(hypothesis, self.product(k), evaluate=False),
                "induction from l + 1 to l: the first factor of each product taken out",
                equal(_peeled(self.product(k)), hypothesis, "exact algebra on the products"),
                (2,), inside,
            ),
            Step(
                Eq(DELTA[l], self.product(l), evaluate=False),
                "induction downwards from L", Proved("induction on L - l"), (3, 4),
            ),
        ]  # fmt: skip
        if self.of != "delta":
            first = self.of == "x" or l == 1
            last = self.chain.link(self.of if self.of != "x" else "a", int(not first) + 1, l)
            claim = Eq(self.symbol, self.expr, evaluate=False)
            steps.append(replace(last, claim=claim, given=(5,)))
        return Derivation(tuple(steps))

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
