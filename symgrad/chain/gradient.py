"""One gradient of the chain: product form, explicit form, program, and its derivation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import sympy
from sympy import Basic, Derivative, Eq, Expr, Function, Mul, Ne, Symbol

from symgrad.activation import X
from symgrad.calculus import agree
from symgrad.chain.chain import Chain
from symgrad.chain.notation import a_, delta_, e_, put, real, x_, y_, z_
from symgrad.chain.program import StraightLine
from symgrad.errors import LimitError
from symgrad.fact import Derivation, Fact, Proved, Step, Undecided, Verdict
from symgrad.render import Block, Formula, Para, Shown

__all__ = ["EXPLICIT_NODES", "Gradient", "equal", "off_kinks", "slope"]

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
        if self.of == "w" and self.layer == 0:
            return "w"
        return f"{self.of}__{self.layer}"

    @property
    def symbol(self) -> Expr:
        """The left-hand side: δˡ, ∂C/∂wˡ, ∂C/∂bˡ, ∂C/∂x, or ∂aᴸ/∂x."""
        if self.of == "delta":
            return delta_(self.layer)
        if self.of == "a":
            return _derivative(a_(self.chain.depth).name, x_)
        return _derivative("C", real(self.name))

    # the product form

    @cached_property
    def factors(self) -> tuple[Expr, ...]:
        """The factors of the product form: weights, slopes, and what comes from the cost."""
        chain, l = self.chain, self.layer
        match self.of:
            case "a":
                return _path(chain, 1, chain.depth)
            case "x":
                return _arrow(chain, 0)
            case "w":
                return (*_delta(chain, l), a_(l - 1))
            case _:
                return _delta(chain, l)

    @cached_property
    def expr(self) -> Expr:
        """The textbook form in wᵏ, g'ₖ(zᵏ), δᴸ (and aˡ⁻¹)."""
        if self.of == "w" and self.layer == 0:
            layers = range(1, self.chain.depth + 1)
            return sympy.Add(*(Gradient(self.chain, "w", l).expr for l in layers))
        return Mul(*self.factors)

    # the explicit form

    @property
    def explicit(self) -> Expr:
        """The gradient in w, b, x, y alone; raises `LimitError` past `EXPLICIT_NODES` nodes."""
        return self.explicit_form(EXPLICIT_NODES)

    def explicit_form(self, max_nodes: int) -> Expr:
        """The explicit form with a limit of your own on the nodes of its tree."""
        chain = self.chain
        size = _explicit_size(chain, self)
        if size > max_nodes:
            raise LimitError(
                f"the explicit form of {self.name} has about {size} nodes, more than {max_nodes}; "
                "use .program, which is linear in the depth, or explicit_form(max_nodes)"
            )
        given = chain.given
        output, table = given.get(x_, x_), {x_: given.get(x_, x_), y_: given.get(y_, y_)}
        for l, layer in enumerate(chain.layers, 1):
            w = chain.w(l)
            table[w] = given.get(w, w)
            bias = given.get(chain.b(l), chain.b(l)) if layer.has_bias else 0
            before = output
            table[z_(l)] = table[w] * before + bias
            output = layer.g(table[z_(l)]) + (before if layer.skip else 0)
            table[a_(l)] = output
        depth = chain.depth
        table[e_(depth)] = put(chain.loss.da, {real("a"): output, y_: table[y_]})
        table[delta_(depth)] = table[e_(depth)] * chain.layers[-1].g.d(1)(table[z_(depth)])
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
        return Derivation(tuple(_steps(self)))

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


def _derivative(of: str, variable: Symbol) -> Expr:
    return Derivative(Function(of, real=True)(variable), variable, evaluate=False)


def slope(chain: Chain, k: int) -> Expr:
    """g'ₖ(zᵏ)."""
    return chain.layers[k - 1].g.d(1)(z_(k))


def _path(chain: Chain, first: int, last: int) -> tuple[Expr, ...]:
    """∂a^last/∂a^(first-1): w g' for each plain layer, 1 + w g' for each with a skip connection."""
    layers = range(first, last + 1)
    plain = [k for k in layers if not chain.layers[k - 1].skip]
    weights = [chain.w(k) for k in plain]
    slopes = [slope(chain, k) for k in plain]
    skips = [1 + chain.w(k) * slope(chain, k) for k in layers if chain.layers[k - 1].skip]
    return (*weights, *slopes, *skips)


def _arrow(chain: Chain, l: int) -> tuple[Expr, ...]:
    """∂C/∂aˡ as factors, down to δᴸ where the last layer is plain and to eᴸ where it is not."""
    depth = chain.depth
    if l == depth or chain.layers[-1].skip:
        return (*_path(chain, l + 1, depth), e_(depth))
    return (*_path(chain, l + 1, depth - 1), chain.w(depth), delta_(depth))


def _delta(chain: Chain, l: int) -> tuple[Expr, ...]:
    """δˡ as factors; at the last layer what the cost gives."""
    if l == chain.depth:
        return (put(chain.loss.da, {real("a"): a_(l)}), slope(chain, l))
    return (slope(chain, l), *_arrow(chain, l))


def _explicit_size(chain: Chain, gradient: Gradient) -> int:
    """About how many nodes the explicit form has, without building it."""
    size: dict[Basic, int] = {x_: _nodes(chain.input), y_: _nodes(chain.target)}
    given = chain.given
    for l, layer in enumerate(chain.layers, 1):
        w, before = chain.w(l), size[a_(l - 1)]
        size[w] = _nodes(given.get(w, w))
        bias = _nodes(given.get(chain.b(l), x_)) + 1 if layer.has_bias else 0
        size[z_(l)] = size[w] + before + bias + 1
        size[a_(l)] = size[z_(l)] + _nodes(layer.g(z_(l))) - 1 + (before + 1 if layer.skip else 0)
    depth, da = chain.depth, chain.loss.da
    size[e_(depth)] = _nodes(da) + da.count(real("a")) * size[a_(depth)]
    size[delta_(depth)] = size[e_(depth)] + size[z_(depth)] + _nodes(slope(chain, depth))
    rows = range(1, depth + 1) if gradient.of == "w" and gradient.layer == 0 else [gradient.layer]
    parts = [f for l in rows for f in Gradient(chain, gradient.of, l).factors]
    return sum(_nodes(f) + sum(size.get(s, 1) - 1 for s in f.free_symbols) for f in parts)


def _nodes(expr: Expr) -> int:
    return sum(1 for _ in sympy.preorder_traversal(expr))


# --- the derivation -------------------------------------------------------------------------------


def _kink_conditions(chain: Chain, k: int) -> tuple[Basic, ...]:
    return tuple(Ne(z_(k), kink.at) for kink in chain.layers[k - 1].kinks)


@dataclass(frozen=True)
class _Link:
    """One equation on the road to a gradient, with the factor that it adds to the product."""

    left: Expr
    right: Expr
    because: str
    verdict: Verdict
    under: tuple[Basic, ...] = ()
    factor: Expr | None = None


def _steps(gradient: Gradient) -> list[Step]:
    chain, of, l = gradient.chain, gradient.of, max(gradient.layer, 1)
    if of == "w" and gradient.layer == 0:
        return _tied_steps(chain)
    goal = gradient if of in ("a", "x") else Gradient(chain, "delta", l)
    if of == "a":
        road = _output_road(chain)
    elif any(layer.skip for layer in chain.layers[0 if of == "x" else l :]):
        road = _arrow_road(chain, 0 if of == "x" else l)
    else:
        road, goal = _delta_road(chain, l), Gradient(chain, "delta", l)
    steps = _slope_steps(chain)
    factors, given = list[Expr](), list[int]()
    for link in road:
        before = (len(steps),) if factors else ()
        claim = Eq(link.left, link.right, evaluate=False)
        steps.append(Step(claim, link.because, link.verdict, before, link.under))
        if link.factor is not None:
            factors.append(link.factor)
            given.append(len(steps))
    if len(factors) > 1:
        top = {} if factors[0] == delta_(chain.depth) else {delta_(chain.depth): _top(chain)}
        by = "exact algebra: each recurrence put into the next"
        verdict = equal(put(goal.expr, top), Mul(*factors), by)
        claim = Eq(goal.symbol, goal.expr, evaluate=False)
        because = "the recurrences put into one another"
        steps.append(Step(claim, because, verdict, tuple(given)))
    return steps if goal.of == of else [*steps, _last_step(gradient, l, len(steps))]


def _top(chain: Chain) -> Expr:
    return e_(chain.depth) * slope(chain, chain.depth)


@lru_cache(maxsize=1024)
def _checked(expr: Expr, variable: Symbol, claimed: Expr, of: str) -> Verdict:
    """Whether SymPy finds the claimed derivative; layers of one kind share the answer."""
    return equal(claimed, off_kinks(expr.diff(variable)), f"SymPy differentiation of {of}")


def _slope_steps(chain: Chain) -> list[Step]:
    """For each activation once: its derivative in elementary functions."""
    steps = []
    for layer in dict.fromkeys(layer.bare for layer in chain.layers):
        claim = Eq(layer.g.d(1)(X), layer.formula(1), evaluate=False)
        if any(step.claim == claim for step in steps):
            continue
        found = off_kinks(layer.formula().diff(X))
        verdict = equal(layer.formula(1), found, _BY_SYMPY)
        under = tuple(Ne(X, kink.at) for kink in layer.kinks)
        steps.append(Step(claim, f"the slope of {layer.g}", verdict, (), under))
    return steps


def off_kinks(expr: Expr) -> Expr:
    """The expression without the Dirac deltas that SymPy puts at kinks."""
    return put(expr, dict.fromkeys(expr.atoms(sympy.DiracDelta), sympy.S.Zero))


_W, _B, _Z, _A = (real(name) for name in ("w", "b", "z", "a"))


def _delta_road(chain: Chain, l: int) -> Iterator[_Link]:
    """δᴸ by the chain rule through c, then δᵏ from δᵏ⁺¹ down to l."""
    depth, g, cost = chain.depth, chain.layers[-1].g, chain.loss
    by = Proved("definition")
    yield _Link(delta_(l), _derivative("C", z_(l)), "the definition of the error term", by)
    output = {_A: chain.activation(depth)}
    yield _Link(
        delta_(depth), Mul(*_delta(chain, depth)),
        f"the chain rule at the cost {cost.name}, a = g(z) at the last layer",
        _checked(put(cost.formula, output), z_(depth),
                 Mul(put(cost.da, output), g.d(1)(z_(depth))), "c(g(z), y)"),
        _kink_conditions(chain, depth), delta_(depth),
    )  # fmt: skip
    for k in range(depth - 1, l - 1, -1):
        factor, w = chain.w(k + 1) * slope(chain, k), chain.w(k + 1)
        yield _Link(
            delta_(k), Mul(factor, delta_(k + 1)),
            "the chain rule: C depends on this z through the next one alone",
            _checked(_W * chain.layers[k - 1].g(_Z) + _B, _Z, put(factor, {w: _W, z_(k): _Z}),
                     "w g(z) + b"),
            _kink_conditions(chain, k), factor,
        )  # fmt: skip


def _path_link(chain: Chain, k: int, left: Expr, right: Expr) -> _Link:
    """∂aᵏ/∂aᵏ⁻¹ = w g' (+ 1)."""
    layer, factor = chain.layers[k - 1], Mul(*_path(chain, k, k))
    inner = _W * _A + _B
    value = layer.g(inner) + (_A if layer.skip else 0)
    claimed = put(factor, {chain.w(k): _W, z_(k): inner})
    return _Link(
        left, Mul(factor, right),
        "the chain rule: what follows depends on this activation through the next one alone",
        _checked(value, _A, claimed, "the layer"), _kink_conditions(chain, k), factor,
    )  # fmt: skip


def _arrow_road(chain: Chain, l: int) -> Iterator[_Link]:
    """The road through eᵏ = ∂C/∂aᵏ, which skip connections need, to δˡ, or to ∂C/∂x for l = 0."""
    depth, cost = chain.depth, chain.loss
    yield _Link(
        e_(depth), put(cost.da, {_A: a_(depth)}),
        "the derivative of the cost in its first argument",
        _checked(cost.formula, _A, cost.da, "the cost"), (), e_(depth),
    )  # fmt: skip
    for k in range(depth, l, -1):
        yield _path_link(chain, k, e_(k - 1), e_(k))
    if l:
        factor = slope(chain, l)
        verdict = _checked(chain.activation(l), z_(l), factor, "the layer")
        under = _kink_conditions(chain, l)
        because = "the chain rule through a = g(z)"
        yield _Link(delta_(l), Mul(factor, e_(l)), because, verdict, under, factor)


def _output_road(chain: Chain) -> Iterator[_Link]:
    """∂aᵏ/∂x from ∂aᵏ⁻¹/∂x; it begins with ∂x/∂x = 1."""
    before: Expr = sympy.S.One
    for k in range(1, chain.depth + 1):
        left = _derivative(a_(k).name, x_)
        yield _path_link(chain, k, left, before)
        before = left


def _last_step(gradient: Gradient, l: int, earlier: int) -> Step:
    """From δˡ to ∂C/∂wˡ, ∂C/∂bˡ or ∂C/∂x through zˡ = wˡ aˡ⁻¹ + bˡ."""
    chain, of = gradient.chain, gradient.of
    variable = {"w": chain.w(l), "b": real(f"b__{l}"), "x": x_}[of]
    claimed = {"w": a_(l - 1), "b": sympy.S.One, "x": chain.w(l)}[of]
    # At x on a chain of one layer δᴸ stays a symbol. The other uses of a tied w are held fixed.
    delta = (delta_(l),) if of == "x" and l == chain.depth else _delta(chain, l)
    verdict = equal(gradient.expr, claimed * Mul(*delta), "the product form")
    if verdict:
        verdict = _checked(chain.preactivation(l), variable, claimed, "w a + b")
    claim = Eq(gradient.symbol, gradient.expr, evaluate=False)
    return Step(claim, f"the chain rule: ∂z/∂{of} times the error term", verdict, (earlier,))


def _tied_steps(chain: Chain) -> list[Step]:
    """∂C/∂w = Σ δˡ aˡ⁻¹: every layer's share by its own derivation, then the sum rule."""
    steps, shares = list[Step](), list[int]()
    for l in range(1, chain.depth + 1):
        offset = len(steps)
        for step in _steps(Gradient(chain, "w", l)):
            steps.append(replace(step, given=tuple(n + offset for n in step.given)))
        shares.append(len(steps))
    total = Gradient(chain, "w", 0)
    summed = sympy.Add(*(Gradient(chain, "w", l).expr for l in range(1, chain.depth + 1)))
    verdict = equal(total.expr, summed, "the sum rule for a variable that enters in several places")
    claim = Eq(total.symbol, total.expr, evaluate=False)
    return [*steps, Step(claim, "w enters at every layer", verdict, tuple(shares))]
