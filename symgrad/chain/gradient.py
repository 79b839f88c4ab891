"""One gradient of the chain: product form, explicit form, program, and its derivation.

All come from one path from a variable to the cost: its nodes are zᵏ, and aᵏ beside layers with a
skip connection, and each link is the derivative of a node in the one before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import sympy
from sympy import Basic, Derivative, Eq, Expr, Function, Mul, Ne, Symbol

from symgrad.activation import X
from symgrad.calculus import agree
from symgrad.chain.chain import Chain
from symgrad.chain.notation import a_, delta_, e_, put, real, x_, z_
from symgrad.chain.program import StraightLine
from symgrad.errors import LimitError
from symgrad.fact import Derivation, Fact, Proved, Step, Undecided, Verdict
from symgrad.render import Block, Formula, Para, Shown

__all__ = [
    "EXPLICIT_NODES",
    "Gradient",
    "Link",
    "equal",
    "links",
    "off_kinks",
    "partial",
    "residual",
    "slope",
    "step",
]

EXPLICIT_NODES = 10_000
"""The largest explicit form that is built without asking, in nodes of its tree."""

_PRINTED = 200
"""How many factors are printed."""

_SOURCE = (
    "Rumelhart, Hinton, Williams 1986, Learning representations by back-propagating errors, eq. 4-7"
)
_BY_SYMPY = "SymPy differentiation of the formula of the record"


def equal(claimed: Expr, found: Expr, by: str) -> Verdict:
    """Proved where both sides are the same by exact algebra off the kinks; else undecided."""
    same = claimed == found or any(
        form(claimed - found) == 0 for form in (sympy.expand, sympy.powsimp)
    )
    if same or agree(claimed, found, X):
        return Proved(by)
    return Undecided(f"exact algebra did not reduce {claimed} - ({found}) to zero")


def off_kinks(expr: Expr) -> Expr:
    """The expression without the Dirac deltas that SymPy puts at kinks."""
    return put(expr, dict.fromkeys(expr.atoms(sympy.DiracDelta), sympy.S.Zero))


def partial(of: str, *variables: Symbol) -> Expr:
    """∂of/∂variables, as the left-hand side of an equation."""
    arguments = dict.fromkeys(variables)
    return Derivative(Function(of, real=True)(*arguments), *variables, evaluate=False)


def slope(chain: Chain, k: int) -> Expr:
    """g'ₖ(zᵏ)."""
    return chain.layers[k - 1].g.d(1)(z_(k))


def residual(chain: Chain) -> Expr:
    """∂c/∂a at aᴸ."""
    return put(chain.loss.da, {real("a"): a_(chain.depth)})


def step(chain: Chain, k: int) -> tuple[Expr, ...]:
    """The factors of ∂aᵏ/∂aᵏ⁻¹: w and g', or 1 + w g' with a skip connection."""
    w, d = chain.w(k), slope(chain, k)
    return (1 + w * d,) if chain.layers[k - 1].skip else (w, d)


# --- the path from a variable to the cost ---------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """Two nodes of a path, and the factors of the derivative of the second in the first.

    `value` is the second node in the symbols of the chain, `inner` what lies between the two, and
    `bent` the layer whose slope is among the factors, or 0.
    """

    start: tuple[str, int]
    end: tuple[str, int]
    value: Expr
    factors: tuple[Expr, ...]
    because: str
    bent: int = 0
    inner: tuple[tuple[Symbol, Expr], ...] = ()

    def step(self, chain: Chain, of: str) -> Step:
        """∂of/∂start = the factors times ∂of/∂end, where SymPy finds these factors."""
        at, inner = _symbol(chain, self.start), dict(self.inner)
        found, claimed = (
            _relative(put(e, inner), self.start[1]) for e in (self.value, Mul(*self.factors))
        )
        verdict = _checked(found, _relative(at, self.start[1]), claimed)
        kinks = chain.layers[self.bent - 1].kinks if self.bent else ()
        under = tuple(Ne(z_(self.bent), kink.at) for kink in kinks)
        left, right = (_adjoint(chain, node, of) for node in (self.start, self.end))
        claim = Eq(left, Mul(*self.factors, right), evaluate=False)
        return Step(claim, self.because, verdict, (), under)


def links(chain: Chain, node: tuple[str, int], output: bool = False) -> Iterator[Link]:
    """From wᵏ, bᵏ, zᵏ or aᵏ (a⁰ = x) to the cost, or with `output` to aᴸ."""
    end = ("a", chain.depth) if output else ("C", 0)
    while node != end:
        link = _link(chain, *node, output)
        yield link
        node = link.end


def _link(chain: Chain, letter: str, k: int, output: bool) -> Link:
    """The link that leaves a node."""
    depth, start = chain.depth, (letter, k)
    plain = k < depth and not chain.layers[k].skip
    match letter:
        case "w" | "b":
            factor = a_(k - 1) if letter == "w" else sympy.S.One
            return Link(start, ("z", k), chain.preactivation(k), (factor,), _AFFINE)
        case "a" if plain:
            factor = chain.w(k + 1)
            return Link(start, ("z", k + 1), chain.preactivation(k + 1), (factor,), _AFFINE)
        case "z" if plain:
            inner, factors = ((a_(k), chain.activation(k)),), (chain.w(k + 1), slope(chain, k))
            value = chain.preactivation(k + 1)
            return Link(start, ("z", k + 1), value, factors, _NEXT.format("z"), k, inner)
        case "a" if k < depth:
            k, inner = k + 1, ((z_(k + 1), chain.preactivation(k + 1)),)
            value, because = chain.activation(k), _NEXT.format("activation")
            return Link(start, ("a", k), value, step(chain, k), because, k, inner)
        case "z" if k < depth or output:
            because = "the chain rule through a = g(z)"
            return Link(start, ("a", k), chain.activation(k), (slope(chain, k),), because, k)
    value, cost = put(chain.loss.formula, {real("a"): a_(depth)}), residual(chain)
    because = f"the chain rule at the cost {chain.loss.name}"
    if letter == "a":
        return Link(start, ("C", 0), value, (cost,), because)
    because, inner = f"{because}, a = g(z)", ((a_(depth), chain.activation(depth)),)
    return Link(start, ("C", 0), value, (cost, slope(chain, depth)), because, depth, inner)


_AFFINE = "the chain rule through z = w a + b"
_NEXT = "the chain rule: what follows depends on this {} through the next one alone"


def _symbol(chain: Chain, node: tuple[str, int]) -> Symbol:
    letter, k = node
    return chain.w(k) if letter == "w" else a_(k) if letter == "a" else real(f"{letter}__{k}")


def _adjoint(chain: Chain, node: tuple[str, int], of: str) -> Expr:
    """∂of/∂node: δ and e for the cost, 1 at the end of the path."""
    letter, k = node
    if letter == "C" or (of != "C" and node == ("a", chain.depth)):
        return sympy.S.One
    if of == "C" and k and letter in "za":
        return delta_(k) if letter == "z" else e_(k)
    return partial(of, _symbol(chain, node))


def _relative(expr: Any, k: int) -> Any:
    """The expression with layers counted from layer k: equal layers give equal expressions."""
    split = ((s, s.name.partition("__")) for s in expr.free_symbols)
    return put(expr, {s: real(f"{p[0]}{int(p[2]) - k}") for s, p in split if p[2].isdigit()})


@lru_cache(maxsize=1024)
def _checked(value: Expr, variable: Symbol, claimed: Expr) -> Verdict:
    """Whether SymPy finds the claimed derivative; layers of one kind share the answer."""
    return equal(claimed, off_kinks(value.diff(variable)), "SymPy differentiation of each link")


def _slope_steps(chain: Chain) -> Iterator[Step]:
    """For each activation once: its derivative in elementary functions."""
    for layer in {layer.g: layer for layer in chain.layers}.values():
        claim = Eq(layer.g.d(1)(X), layer.formula(1), evaluate=False)
        verdict = equal(layer.formula(1), off_kinks(layer.formula().diff(X)), _BY_SYMPY)
        under = tuple(Ne(X, kink.at) for kink in layer.kinks)
        yield Step(claim, f"the slope of {layer.g}", verdict, (), under)


# --- the gradient ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gradient(Shown):
    """∂C/∂(·) as a product of weights, slopes g'(zᵏ) and δᴸ.

    `expr` is the product, `explicit` the same in w, b, x, y, `program` its straight-line form.

    >>> from symgrad.catalogue import tanh
    >>> net = Chain(tanh, depth=2)
    >>> net.gradient("w", 1).expr == net.w(2) * tanh.d(1)(net.z(1)) * delta_(2) * net.a(0)
    True
    >>> bool(net.gradient("w", 1).verdict)
    True
    """

    chain: Chain
    of: str
    layer: int

    @property
    def name(self) -> str:
        """Its name among the outputs of the chain's program: w__1, delta__1, x, w."""
        if self.of in ("x", "a"):
            return "x"
        return f"{self.of}__{self.layer}" if self.layer else "w"

    @property
    def symbol(self) -> Expr:
        """The left-hand side: δˡ, ∂C/∂wˡ, ∂C/∂bˡ, ∂C/∂x, or ∂aᴸ/∂x."""
        if self.of == "delta":
            return delta_(self.layer)
        if self.of == "a":
            return partial(a_(self.chain.depth).name, x_)
        return partial("C", real(self.name))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The path from the variable to the cost, or to aᴸ."""
        letter = {"x": "a", "delta": "z"}.get(self.of, self.of)
        return tuple(links(self.chain, (letter, self.layer), self.of == "a"))

    @cached_property
    def shares(self) -> tuple[Gradient, ...]:
        """With tied weights the gradients of the layers, which add up to this one; else itself."""
        if self.name != "w":
            return (self,)
        return tuple(Gradient(self.chain, "w", l) for l in range(1, self.chain.depth + 1))

    # the product form

    @property
    def _top(self) -> dict[Expr, Expr]:
        """δᴸ, or eᴸ, where the product ends with it, and what it stands for."""
        last = self.links[-1]
        if last.end[0] != "C" or (self.of != "x" and self.layer == self.chain.depth):
            return {}
        return {_adjoint(self.chain, last.start, "C"): Mul(*last.factors)}

    @cached_property
    def factors(self) -> tuple[Expr, ...]:
        """The factors of the product form: weights, slopes, and what comes from the cost."""
        top = tuple(self._top)
        links = self.links[:-1] if top else self.links
        found = tuple(f for link in links for f in link.factors if f != 1)
        return (*found, *top)

    @cached_property
    def expr(self) -> Expr:
        """The textbook form in wᵏ, g'ₖ(zᵏ), δᴸ (and aˡ⁻¹)."""
        return sympy.Add(*(Mul(*share.factors) for share in self.shares))

    # the explicit form

    @property
    def explicit(self) -> Expr:
        """The gradient in w, b, x, y alone; raises `LimitError` past `EXPLICIT_NODES` nodes."""
        return self.explicit_form(EXPLICIT_NODES)

    def explicit_form(self, max_nodes: int) -> Expr:
        """The explicit form with a limit of your own on the nodes of its tree."""
        chain, depth = self.chain, self.chain.depth
        rows = [*chain.given.items(), *chain.definitions(), (e_(depth), residual(chain))]
        rows.append((delta_(depth), e_(depth) * slope(chain, depth)))
        size: dict[Basic, int] = {}

        def nodes(expr: Basic) -> int:
            return sum(size.get(node, 1) for node in sympy.preorder_traversal(expr))

        for symbol, expr in rows:
            size[symbol] = nodes(expr)
        total = sum(nodes(f) for share in self.shares for f in share.factors)
        if total > max_nodes:
            raise LimitError(
                f"the explicit form of {self.name} has about {total} nodes, more than {max_nodes}; "
                "use .program, which is linear in the depth, or explicit_form(max_nodes)"
            )
        table: dict[Any, Any] = {}
        for symbol, expr in rows:
            table[symbol] = put(expr, table)
        return put(self.expr, table)

    @property
    def program(self) -> StraightLine:
        """The lines of the chain's program that this gradient needs."""
        if self.of != "a":
            return self.chain.program.only(self.name)
        unit = Chain(self.chain.layers, loss=lambda a, y: a, tie_weights=self.chain.tie_weights)
        return unit.program.only("x")

    # the derivation

    @cached_property
    def derivation(self) -> Derivation:
        """From the definition by the chain rule, each step checked by SymPy differentiation."""
        steps, ends = list(_slope_steps(self.chain)), list[int]()
        for share in self.shares:
            share._derive(steps)
            ends.append(len(steps))
        if len(ends) > 1:
            by = Proved("the sum rule for a variable that enters in several places")
            claim = Eq(self.symbol, self.expr, evaluate=False)
            steps.append(Step(claim, "w enters at every layer", by, tuple(ends)))
        return Derivation(tuple(steps))

    def _derive(self, steps: list[Step]) -> None:
        """The links from the cost down, then all of them put into one another."""
        chain, of = self.chain, a_(self.chain.depth).name if self.of == "a" else "C"
        if self.of == "delta":
            claim = Eq(self.symbol, partial("C", z_(self.layer)), evaluate=False)
            steps.append(Step(claim, "the definition of the error term", Proved("definition")))
        first = len(steps) + 1
        for link in reversed(self.links):
            given = (len(steps),) if len(steps) >= first else ()
            steps.append(replace(link.step(chain, of), given=given))
        every = tuple(range(first, len(steps) + 1))
        if len(every) > 1:
            found = Mul(*(f for link in self.links for f in link.factors))
            verdict = equal(put(Mul(*self.factors), self._top), found, "exact algebra")
            claim = Eq(self.symbol, Mul(*self.factors), evaluate=False)
            steps.append(Step(claim, "the recurrences put into one another", verdict, every))

    @property
    def fact(self) -> Fact:
        """The closed form as a claim."""
        under = tuple(dict.fromkeys(c for step in self.derivation for c in step.under))
        claim = Eq(self.symbol, self.expr, evaluate=False)
        return Fact(f"chain.{self.of}.{self.layer}", claim, self.derivation, under, _SOURCE)

    @property
    def verdict(self) -> Verdict:
        return self.derivation.verdict

    def _blocks(self) -> Iterable[Block]:
        factors = [] if self.name == "w" else list(self.factors)
        if len(factors) <= _PRINTED:
            yield Formula(self.symbol, self.expr)
        else:
            first, second, last = factors[0], factors[1], factors[-1]
            count = f" is a product of {len(factors)} factors, "
            yield Para(self.symbol, count, first, ", ", second, ", ..., ", last, "; see .expr.")
        kind = "Proved" if self.verdict else "Not proved"
        yield Para(f"{kind} in {len(self.derivation)} steps; see .derivation, .explicit, .program.")
