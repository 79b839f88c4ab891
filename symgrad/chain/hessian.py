"""The Hessian of the chain: O(L) numbers hold it, O(L) operations apply it.

With s = 1 at a skip connection and 0 elsewhere, tᵏ = sₖ + wᵏ g'ₖ, E = ∂²C/∂a² downstream:

    κʲ = Eʲ g'ⱼ² + eʲ g''ⱼ      Eʲ⁻¹ = Eʲ (tʲ)² + eʲ (wʲ)² g''ⱼ      μʲ = κʲ wʲ + sⱼ Eʲ g'ⱼ

and with u = (aʲ⁻¹, 1) for (wʲ, bʲ) and P^{ij} = g'ᵢ ∏_{i<k<j} tᵏ, for i < j

    H_{jj} = κʲ u uᵀ,      H_{ij} = P^{ij} uⁱ (μʲ uʲ + δʲ (1, 0))ᵀ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from flint import arb
from sympy import Eq, Expr, Mul, Symbol

from symgrad.activation import Head
from symgrad.chain.chain import Chain
from symgrad.chain.gradient import equal, off_kinks, slope
from symgrad.chain.notation import a_, b_, delta_, e_, kappa_, put, real, x_, z_
from symgrad.chain.state import State, accurate
from symgrad.errors import InputError
from symgrad.fact import Derivation, Fact, Proved, Refuted, Step, Verdict
from symgrad.render import Block, Formula, Para, Shown
from symgrad.rigor import precision

__all__ = ["Hessian", "HessianAt"]

_SOURCE = "Pearlmutter 1994, Fast exact multiplication by the Hessian; Bishop 1992, section 3"


def curvature_(l: int) -> Symbol:
    """Eˡ = ∂²C/∂(aˡ)² of the layers above l."""
    return real(f"E__{l}")


def mu_(l: int) -> Symbol:
    """μˡ, the derivative of δˡ in aˡ⁻¹."""
    return real(f"mu__{l}")


@dataclass(frozen=True)
class Hessian(Shown):
    """∂²C/∂θ∂θ' in the parameters θ of the chain (and x), in closed form.

    >>> from symgrad.catalogue import tanh
    >>> Chain(tanh, depth=2).hessian().entry("b__1", "b__2")
    kappa__2*w__2*tanh'(z__1)
    """

    chain: Chain

    @property
    def recurrences(self) -> tuple[Eq, ...]:
        """κˡ (and Eˡ, μˡ at skip connections) from L down to 1."""
        chain, rows = self.chain, list[Any]()
        for l in range(chain.depth, 0, -1):
            rows.append(Eq(kappa_(l), self._kappa(l), evaluate=False))
        return tuple(rows)

    def _kappa(self, l: int) -> Expr:
        chain, d1, d2 = self.chain, slope(self.chain, l), self.chain.layers[l - 1].g.d(2)(z_(l))
        if l == chain.depth:
            at = {real("a"): a_(l)}
            return put(chain.loss.daa, at) * d1**2 + put(chain.loss.da, at) * d2
        if chain.layers[l].skip:
            return curvature_(l) * d1**2 + e_(l) * d2
        w = chain.w(l + 1)
        return (w * d1) ** 2 * kappa_(l + 1) + w * d2 * delta_(l + 1)

    def path(self, i: int, j: int) -> Expr:
        """P^{ij} = ∂aʲ⁻¹/∂zⁱ for 1 ≤ i < j, and ∂aʲ⁻¹/∂x for i = 0."""
        first = slope(self.chain, i) if i else sympy.S.One
        return Mul(first, *(self._step(k) for k in range(i + 1, j)))

    def _step(self, k: int) -> Expr:
        return self.chain.w(k) * slope(self.chain, k) + int(self.chain.layers[k - 1].skip)

    def entry(self, p: Any, q: Any) -> Expr:
        """∂²C/∂p∂q in κ, δ, w, g'(z), a; for a tied w the sum over the layers where it enters."""
        rows, columns = (self._places(name) for name in (p, q))
        return sympy.Add(*(self._entry(*sorted((i, j))) for i in rows for j in columns))

    def _entry(self, first: tuple[int, str], second: tuple[int, str]) -> Expr:
        (i, of_i), (j, of_j) = first, second
        chain, one = self.chain, sympy.S.One
        u = {"w": a_(i - 1) if i else x_, "b": one, "x": one}[of_i]
        if i == j == 0:
            return curvature_(0) if chain.layers[0].skip else chain.w(1) ** 2 * kappa_(1)
        v, direct = (a_(j - 1), delta_(j)) if of_j == "w" else (one, sympy.S.Zero)
        if i == j:
            return kappa_(j) * u * v
        mu = mu_(j) if chain.layers[j - 1].skip else kappa_(j) * chain.w(j)
        path = self.path(i, j)
        return u * (path * mu * v + path * direct)

    def _places(self, name: Any) -> list[tuple[int, str]]:
        """[(2, "w")] for w__2, every layer for a tied w; x is the bias of a layer 0."""
        text = name.name if isinstance(name, Symbol) else str(name)
        chain = self.chain
        if text == "w" and chain.tie_weights:
            return [(l, "w") for l in range(1, chain.depth + 1)]
        place = (0, "x") if text == "x" else _place(text)
        if place[0]:
            chain._index(place[0])
        if place[1] == "b":
            chain.b(place[0])
        return [place]

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """The names of rows and columns: the weights (w alone where they are tied), the biases."""
        return tuple(s.name for s in self.chain.parameters)

    @property
    def matrix(self) -> sympy.Matrix:
        """All entries as one symbolic matrix, rows and columns as in `slots`."""
        names = self.slots
        return sympy.Matrix([[self.entry(p, q) for q in names] for p in names])

    def at(self, values: Mapping[Any, Any] | None = None, bits: int = 64) -> HessianAt:
        """The Hessian at exact numbers, as O(L) balls."""
        chain = self.chain
        return HessianAt.of(chain, accurate(chain, chain.point(values), bits), self.slots)

    @cached_property
    def derivation(self) -> Derivation:
        """Each layer's second derivatives checked by SymPy, then carried down the chain."""
        chain, at = self.chain, {real("a"): a_(self.chain.depth)}
        steps = [_local_step(chain, l) for l in _kinds(chain)]
        by = "SymPy differentiation of the cost"
        steps.append(Step(
            Eq(curvature_(chain.depth), put(chain.loss.daa, at), evaluate=False),
            "the second derivative of the cost",
            equal(chain.loss.daa, off_kinks(chain.loss.formula.diff(real("a"), 2)), by),
        ))  # fmt: skip
        steps.append(Step(
            sympy.And(*self.recurrences),
            "what lies above a layer acts on it through its second-order jet, and what lies below "
            "acts through the one number aˡ⁻¹",
            Proved("induction over the layers, from the last to the first"),
            tuple(range(1, len(steps) + 1)),
        ))  # fmt: skip
        return Derivation(tuple(steps))

    @property
    def fact(self) -> Fact:
        """The recurrences of κ as a claim."""
        return Fact("chain.hessian", sympy.And(*self.recurrences), self.derivation, (), _SOURCE)

    @property
    def verdict(self) -> Verdict:
        return self.derivation.verdict

    def _blocks(self) -> Iterable[Block]:
        yield Para(
            f"The Hessian in {len(self.slots)} parameters, held by κ, δ, w g' of each layer:"
        )
        for row in self.recurrences[:4]:
            yield Formula(*row.args)
        for q in ("w__1", "w__2")[: self.chain.depth]:
            cost = sympy.Function("C", real=True)(real("w__1"), real(q))
            left = sympy.Derivative(cost, real("w__1"), real(q), evaluate=False)
            yield Formula(left, self.entry("w__1", q))


def _kinds(chain: Chain) -> list[int]:
    """One layer of each kind: the same g, skip and bias give the same check."""
    found: dict[Any, int] = {}
    for l, layer in enumerate(chain.layers, 1):
        found.setdefault((layer.g, layer.skip, layer.has_bias), l)
    return list(found.values())


def _local_step(chain: Chain, l: int) -> Step:
    """The six second derivatives of G(s t + g(w t + b)) in (t, w, b), G any second-order jet."""
    layer = chain.layers[l - 1]
    t, w, b, base = real("t"), chain.w(l), b_(l), real("base")
    e, second, s = e_(l), curvature_(l), int(layer.skip)
    z = w * t + (b if layer.has_bias else 0)
    out = s * t + layer.g(z)
    jet = e * (out - base) + second * (out - base) ** 2 / 2
    d1, d2 = layer.g.d(1)(z), layer.g.d(2)(z)
    kappa, delta = second * d1**2 + e * d2, e * d1
    step = s + w * d1
    mu = second * step * d1 + e * w * d2
    claims = {
        (t, t): second * step**2 + e * w**2 * d2,
        (t, w): mu * t + delta,
        (w, w): kappa * t**2,
    }
    if layer.has_bias:
        claims |= {(t, b): mu, (w, b): kappa * t, (b, b): kappa}
    wrong = [
        pair for pair, claim in claims.items()
        if not equal(claim, put(jet.diff(*pair), {base: out}), "SymPy")
    ]  # fmt: skip
    by = "SymPy differentiation of a general second-order jet through the layer"
    verdict = equal(mu, kappa * w + s * second * d1, by)
    if wrong:
        verdict = Refuted(None, f"the second derivatives in {wrong} differ")
    at_layer = {
        layer.g.d(1)(z): slope(chain, l),
        layer.g.d(2)(z): layer.g.d(2)(z_(l)),
        t: a_(l - 1),
    }
    claim = Eq(mu_(l), put(mu, at_layer), evaluate=False)
    heads = sorted({str(h) for h in mu.atoms(Head)})
    return Step(
        claim, f"layer {l}: all second derivatives, in {', '.join(heads) or 'constants'}", verdict
    )


@dataclass(frozen=True)
class HessianAt(Shown):
    """The Hessian at one point: `kappa`, `mu`, `delta`, `slope`, `step`, `before` by layer."""

    names: tuple[str, ...]
    kappa: Sequence[arb]
    mu: Sequence[arb]
    delta: Sequence[arb]
    slope: Sequence[arb]
    step: Sequence[arb]
    before: Sequence[arb]
    in_x: arb
    """∂²C/∂x²."""
    prec: int

    @classmethod
    def of(cls, chain: Chain, state: State, names: tuple[str, ...]) -> HessianAt:
        """From the state of the chain: one sweep downwards."""
        depth, second = chain.depth, state.curvature
        kappa, mu = ([arb.nan()] * (depth + 1) for _ in range(2))
        with precision(state.prec):
            for l in range(depth, 0, -1):
                d1, w, t = state.slope[l], state.w[l], state.step[l]
                bend = state.e[l] * state.curve[l]
                kappa[l] = second * d1 * d1 + bend
                mu[l] = second * t * d1 + bend * w
                second = second * t * t + bend * w * w
        rows = (kappa, mu, state.delta, state.slope, state.step, state.before)
        return cls(names, *rows, second, state.prec)

    def entry(self, p: Any, q: Any) -> arb:
        """∂²C/∂p∂q, enclosed."""
        if "w" in (str(p), str(q)) and "w" in self.names:
            return self.product({str(p): 1})[str(q)]
        (i, of_i), (j, of_j) = sorted(_place(str(name)) for name in (p, q))
        if j >= len(self.kappa):
            raise InputError(f"the layers are 1..{len(self.kappa) - 1}, got {j}")
        u = self.before[i] if of_i == "w" else arb(1)
        v = self.before[j] if of_j == "w" else arb(1)
        with precision(self.prec):
            if i == j:
                return self.kappa[j] * u * v
            path = self.slope[i] * u
            for k in range(i + 1, j):
                path *= self.step[k]
            return path * (self.mu[j] * v + (self.delta[j] if of_j == "w" else 0))

    def product(self, v: Mapping[str, Any] | Sequence[Any]) -> dict[str, arb]:
        """H v in O(L); v by name or in the order of `names`."""
        if not isinstance(v, Mapping) and len(v) != len(self.names):
            raise InputError(f"a vector has {len(self.names)} entries here, got {len(v)}")
        vector = dict(v) if isinstance(v, Mapping) else dict(zip(self.names, v, strict=True))
        known = set(self.names)
        wrong = [name for name in vector if name not in known]
        if wrong:
            raise InputError(f"the Hessian has no parameters {wrong}; it has {self.names[:6]}...")
        with precision(self.prec):
            found = self._product(vector)
            if "w" in self.names:
                layers = range(1, len(self.kappa))
                found["w"] = sum((found[f"w__{l}"] for l in layers), arb(0))
        return {name: found[name] for name in self.names}

    def _product(self, vector: Mapping[str, Any]) -> dict[str, arb]:
        depth, zero = len(self.kappa) - 1, arb(0)
        shared = vector.get("w", 0)
        vw = [zero, *(arb(vector.get(f"w__{l}", shared)) for l in range(1, depth + 1))]
        own = [zero] * (depth + 1)
        carried = [zero] * (depth + 2)
        for l in range(1, depth + 1):
            own[l] = self.before[l] * vw[l] + arb(vector.get(f"b__{l}", 0))
            carried[l + 1] = self.step[l] * carried[l] + self.slope[l] * own[l]
        found: dict[str, arb] = {}
        above = zero
        for l in range(depth, 0, -1):
            row = self.kappa[l] * own[l] + self.mu[l] * carried[l] + self.slope[l] * above
            found[f"w__{l}"] = self.before[l] * row + self.delta[l] * carried[l]
            found[f"b__{l}"] = row
            above = self.step[l] * above + self.mu[l] * own[l] + self.delta[l] * vw[l]
        return found

    def dense(self) -> list[list[arb]]:
        """All entries; O(L²) numbers."""
        return [[self.entry(p, q) for q in self.names] for p in self.names]

    def _blocks(self) -> Iterable[Block]:
        depth = len(self.kappa) - 1
        yield Para(
            f"The Hessian at a point, {len(self.names)} parameters, from {6 * depth} numbers."
        )


def _place(name: str) -> tuple[int, str]:
    """(2, "w") for w__2."""
    letter, _, number = name.partition("__")
    if letter not in ("w", "b") or not number.isdigit() or number == "0":
        raise InputError(f"an entry is named by w__l, b__l or x, got {name!r}")
    return int(number), letter
