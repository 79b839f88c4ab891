"""Where the gradient of the chain is exactly zero, and what each such point is.

Theorems 1 to 3 of docs/theorems/chain, one sample. What they ask of an activation (its range, the
zeros of g and g', signs beside them) is computed and proved by `symgrad.bounds`; no name is looked
at. Where ∂c/∂a ≠ 0, C − C₀ has the sign of ∂c/∂a · (aᴸ − aᴸ₀): every type is one of aᴸ alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import sympy
from sympy import Basic, Expr, FiniteSet, S

from symgrad.bounds.zeros import zeros
from symgrad.chain.cases import (
    And,
    Contains,
    CriticalCase,
    CriticalPoints,
    Eq,
    Ne,
    Or,
    nonzero,
    parts,
    sided,
    solved,
    summed,
)
from symgrad.chain.chain import Chain
from symgrad.chain.convex import is_convex
from symgrad.chain.notation import a_, delta_, e_, put, real, x_, y_, z_
from symgrad.chain.path import Path, no_slope, senses, spot_names
from symgrad.chain.shape import Shape, Spot
from symgrad.errors import DomainError, UndecidedError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Step, Undecided, Verdict
from symgrad.rigor import sign

__all__ = ["Cases", "critical_points", "zero_weight"]

_SOURCE = "docs/theorems/chain, theorems 1 to 3"
_T1 = Proved("theorem 1: aᴸ is a sum of functions g(z) of variables z that move freely")
T2 = Proved("theorem 2: every component of the gradient is a product, and each has a zero factor")


def zero_weight(chain: Chain) -> Basic:
    """Exactly when ∇C = 0 at a point with wᴸ = 0 (theorem 3).

    Raises `UnsupportedError` for a skip connection at the last layer.

    >>> from symgrad.catalogue import sigmoid
    >>> zero_weight(Chain(sigmoid, depth=2, bias=False))
    Eq(y, 1/2)
    """
    layer, depth = chain.layers[-1], chain.depth
    if layer.skip:
        raise UnsupportedError("theorem 3 is about a last layer without a skip connection")
    y = chain.given.get(y_, y_)
    shape = Shape(layer)
    if layer.has_bias:
        b = chain.b(depth)
        return Or(_residual_zero(chain, layer.g(b), y), solved(shape.stationary, b))
    found: list[Basic] = [_residual_zero(chain, shape.value(0, S.Zero), y)]
    if shape.sides(S.Zero) == (0, 0):
        found.append(S.true)
    if depth == 1:
        found.append(_is_zero(chain.given.get(x_, x_)))
    elif chain.layers[-2].skip or Shape(chain.layers[-2]).roots != S.EmptySet:
        found.append(Eq(a_(depth - 1), 0))
    return Or(*found)


def _is_zero(expr: Expr) -> Any:
    if expr.free_symbols:
        return Eq(expr, 0)
    return S.true if sign(expr) == 0 else S.false


def _residual_zero(chain: Chain, a: Expr, y: Expr) -> Any:
    """∂c/∂a(a, y) = 0, as an equation for y where it is linear in y."""
    expr = put(chain.loss.da, {real("a"): a, real("y"): y})
    if expr.has(sympy.Piecewise):
        return Eq(expr, 0, evaluate=False)
    whole: Any = sympy.together(expr)
    numerator = whole.as_numer_denom()[0]
    if (
        y == y_
        and numerator.is_polynomial(y_)
        and sympy.Poly(numerator, y_).degree() == 1
        and numerator.coeff(y_, 1).is_number
    ):
        return Eq(y_, sympy.expand(-numerator.coeff(y_, 0) / numerator.coeff(y_, 1)))
    if not numerator.free_symbols:
        return S.true if sign(numerator) == 0 else S.false
    return Eq(numerator, 0)


def critical_points(chain: Chain) -> CriticalPoints:
    """{∇C = 0} in all weights and biases, one sample, as a union of disjoint cases.

    Facts about g that are not decided make a case "undecided", with the reason in its verdict.

    >>> from symgrad.catalogue import sigmoid
    >>> [case.kind for case in critical_points(Chain(sigmoid, depth=2))]
    ['global minimum']
    """
    found = list(Cases(chain).all())
    return CriticalPoints(c for k, c in enumerate(found) if c not in found[:k])


class Cases:
    """The cases of one chain: from the last layer down, as long as ∂C/∂aˡ ≠ 0."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.depth = chain.depth
        self.shapes = [Shape(layer) for layer in chain.layers]
        self.x = chain.given.get(x_, x_)
        self.y = chain.given.get(y_, y_)
        self.convex = is_convex(chain.loss)
        # the first layer whose parameters matter at x = 0, and its input: no biases, a constant
        self.reach, self.start = 1, S.Zero
        for layer, shape in zip(chain.layers, self.shapes, strict=True):
            if layer.has_bias or sign(self.start):
                break
            self.reach, self.start = self.reach + 1, shape.value(0, S.Zero)

    def all(self) -> Iterator[CriticalCase]:
        from symgrad.chain.unbiased import one_weight, signed, signs_of

        if self.x.is_zero and self.reach > self.depth:
            yield self.constant()
            return
        yield self.zero_loss()
        try:
            if self.chain.tie_weights and not self.block_has_biases():
                yield from one_weight(self)
            elif signs_of(self) is not None:
                yield from signed(self)
            else:
                yield from self.descend(Path(self.depth))
        except (UndecidedError, UnsupportedError, DomainError) as why:
            yield self.other(str(why))
        if self.x.is_zero is None and self.reach > self.depth:
            yield self.constant(nonzero(self.residual(self.start)))

    def block_has_biases(self) -> bool:
        """Whether the last layers, down to the first one without a skip connection, have biases."""
        for layer in reversed(self.chain.layers):
            if not layer.has_bias or not layer.skip:
                return layer.has_bias
        return True

    # making a case

    def case(
        self, name: str, condition: Any, vanishing: tuple[Any, ...], kind: str, because: str,
        verdict: Verdict, occurs: Any = S.true, note: str = "", given: Iterable[Step] = (),
    ) -> CriticalCase:  # fmt: skip
        steps = [*given]
        rests = tuple(range(1, len(steps) + 1))
        gradient = tuple(Eq(f, 0, evaluate=False) for f in vanishing)
        claim = sympy.Implies(condition, And(*gradient), evaluate=False) if gradient else condition
        steps.append(Step(claim, because, verdict, rests))
        fact = Fact(f"chain.critical.{name}", claim, Derivation(tuple(steps)), (), _SOURCE)
        return CriticalCase(name, condition, tuple(vanishing), kind, occurs, fact, note)

    def residual(self, a: Expr | None) -> Expr:
        """∂c/∂a at output a, or at aᴸ where that is None."""
        at = a_(self.depth) if a is None else a
        return put(self.chain.loss.da, {real("a"): at, real("y"): self.y})

    def moving(self, l: int) -> tuple[Any, ...]:
        """x ≠ 0, where that is the condition that aˡ⁻¹ moves with the parameters."""
        return () if self.x.is_zero is False or self.reach < l else (Ne(self.x, 0),)

    def zero_loss(self) -> CriticalCase:
        """∂c/∂a = 0: every component has this factor, whatever the activations."""
        chain, end = self.chain, a_(self.depth)
        condition = _residual_zero(chain, end, self.y)
        if condition.has(sympy.Piecewise):
            condition = Eq(e_(self.depth), 0)
        verdict: Verdict = Proved("c is convex in a, so ∂c/∂a = 0 is its least value")
        kind = "global minimum"
        if not self.convex:
            kind, verdict = "undecided", Undecided(f"{chain.loss.name} is not shown convex in a")
        return self.case(
            "zero residual", condition, (e_(self.depth),), kind,
            "every component of ∇C has the factor ∂c/∂a", verdict, self._reached(condition),
            "the cost is not differentiable in a there"
            if self.chain.loss.kinks
            else "H = ∂²c/∂a² ∇aᴸ (∇aᴸ)ᵀ, of rank at most 1",
        )  # fmt: skip

    @property
    def outputs(self) -> Any:
        """All values of aᴸ, an interval; None where they are not known."""
        total, needs = FiniteSet(0), False
        for layer, shape in zip(reversed(self.chain.layers), reversed(self.shapes), strict=True):
            needs = needs or not layer.has_bias
            total = summed(total, shape.range)
            if not layer.skip:
                break
        else:
            total = summed(total, FiniteSet(self.x))
        if not needs:
            return total
        # without a bias at the one last layer z = w a, where a takes other values than 0
        fed = self.x.is_zero is False or any(layer.has_bias for layer in self.chain.layers[:-1])
        free = fed and not self.chain.tie_weights and not self.chain.layers[-1].skip
        return total if free else None

    def _reached(self, condition: Any) -> Any:
        """For which y some weights reach a zero residual; true where that is not known."""
        try:
            outputs = self.outputs
        except UndecidedError:
            return S.true
        end = a_(self.depth)
        if outputs is None or condition in (S.true, S.false):
            return S.true
        if condition == Eq(self.y, end):
            return Contains(self.y, outputs)
        if self.y.free_symbols or outputs.free_symbols:
            return S.true
        found = zeros(self.residual(real("a")), outputs, x=real("a"))
        return S.false if found.verdict and found.set == S.EmptySet else S.true

    def constant(self, *condition: Any) -> CriticalCase:
        zero = tuple(a_(l - 1) for l in range(1, self.depth + 1))
        words = "x = 0 and no biases: no weight has any effect"
        if not condition:
            return self.case("constant", S.true, zero, "flat", words, T2)
        return self.case(
            "x = 0", And(Eq(self.x, 0), *condition), (x_,), "flat", words, T2, Eq(self.x, 0)
        )

    def other(self, why: str, *where: Any) -> CriticalCase:
        """What the theorems do not reach, as an honest case."""
        deltas = tuple(delta_(l) for l in range(1, self.depth + 1))
        zero = (Eq(d * a_(l), 0) for l, d in enumerate(deltas))
        condition = And(Ne(e_(self.depth), 0), *(where or zero))
        return self.case("beyond the theorems", condition, deltas, "undecided", why, Undecided(why))

    # the layers from the top down

    def descend(self, path: Path) -> Iterator[CriticalCase]:
        """∂C/∂aˡ ≠ 0: either g' = 0 at layer l, or the layer has no bias and aˡ⁻¹ = 0."""
        l = path.l
        if l == 0:
            if path.spots and not (path.zero == 0 and self.x.is_zero is False):
                above = (*path.above, Eq(self.x, 0)) if path.zero == 0 else path.above
                yield from self.typed(replace(path, above=above), self.x)
            return
        shape, layer = self.shapes[l - 1], self.chain.layers[l - 1]
        for spot in shape.spots:
            here = path.at(spot)
            if path.zero == l and (layer.skip or spot.value is None):
                here = replace(here, above=(*here.above, Eq(a_(l), 0)))
            elif path.zero == l and sign(spot.value) != 0:
                continue
            caught = not layer.has_bias and self.below(l).is_zero is not False
            alone = spot.even and not (path.spots or layer.skip)
            if caught and spot.on.contains(S.Zero) == S.true and not alone:
                yield from self.pinned(here, spot)
                here = replace(here, above=(*here.above, Ne(self.below(l), 0)))
            if layer.skip:
                yield from self.descend(replace(here, l=l - 1))
            else:
                yield from self.typed(here, S.Zero)
        left, right = shape.sides(S.Zero)
        blocked = path.zero == l and sign(shape.value(0, S.Zero)) != 0
        if layer.has_bias or left * right <= 0 or blocked:
            return
        if l > 1:
            yield from self.zero_input(path, shape)
        yield from self.descend(path.to_zero(self.chain, shape))

    def typed(
        self, path: Path, base: Expr, vanishing: tuple[Expr, ...] = ()
    ) -> Iterator[CriticalCase]:
        """g' = 0, or a kink, at every layer of the path: aᴸ is the sum of their g(z).

        With `vanishing` z is a product of these factors, so that a kink of g does not matter.
        """
        residual = self.residual(path.plus(base))
        where = And(*(solved(s.on, z_(l)) for l, s, _ in path.spots), *path.above)
        smooth = [l for l, s, _ in path.spots if s.curve is not None]
        kinked = len(smooth) < len(path.spots) and not vanishing
        factors = vanishing or tuple(self.chain.layers[l - 1].g.d(1)(z_(l)) for l in smooth)
        place = spot_names([l for l, _, _ in path.spots], self.depth)
        given = [step for l, _, _ in path.spots for step in self.shapes[l - 1].steps()]
        for sense, rho, spots in senses(path.spots, residual):
            signs = {side * s for side, spot in spots for s in spot.signs}
            curves = {side * spot.curve for side, spot in spots if spot.curve}
            name, because = _WORDS[len(signs)]
            if vanishing:
                name = "a kink of g and both factors of z = 0"
            elif kinked:
                name, because = "kink of g", "zero lies between the one-sided slopes of C"
            rows: list[tuple[str, Any, str, Any]] = [
                ("", nonzero(residual), "strict saddle" if curves else "degenerate saddle", S.true)
            ]
            if not signs:
                rows = [("", nonzero(residual), "flat", S.true)]
            elif len(signs) == 1:
                rows = list(self.extremes(path, residual, rho, *signs))
            elif len(curves) == 1 and not kinked:
                rows = [
                    ("", sided(rho * sum(curves), side), kind, S.true)
                    for side, kind in ((-1, "strict saddle"), (1, "degenerate saddle"))
                ]
            for words, side, kind, occurs in rows:
                condition = And(where, sense, side)
                note = "H = Σ ∂c/∂a g'' ∇z (∇z)ᵀ" if words else self.floor(path, residual)
                if kinked:
                    word = kind if words else "saddle"
                    kind, note = "kink", f"not differentiable; a {word}"
                if condition != S.false:
                    yield self.case(
                        f"{name} at {place}{words}", condition, () if kinked else factors, kind,
                        because, _T1, occurs, "" if vanishing else note, given,
                    )  # fmt: skip

    def extremes(
        self, path: Path, residual: Expr, rho: Expr, turn: int
    ) -> Iterator[tuple[str, Any, str, Any]]:
        """aᴸ is on one side of its value: (name, condition, type, where it occurs)."""
        for side, sense in ((1, ">"), (-1, "<")):
            kind = f"weak local {'minimum' if side * turn > 0 else 'maximum'}"
            if side * turn > 0 and self.least(path, side):
                kind = "global minimum"
            occurs = sided(residual, side) if path.zero is None else S.true
            yield f", residual {sense} 0", sided(rho, side), kind, occurs

    def least(self, path: Path, side: int) -> bool:
        """Whether aᴸ is the least possible (side 1) or the largest (side −1), for a convex cost."""
        shapes = [(self.shapes[l - 1], spot.at) for l, spot, _ in path.spots]
        return self.convex and path.zero is None and all(
            s.takes(s.ends.inf if side > 0 else s.ends.sup, at) for s, at in shapes
        )  # fmt: skip

    def floor(self, path: Path, residual: Expr) -> str:
        """Where a plateau is the least or the largest value of aᴸ."""
        for side, word in ((1, ">"), (-1, "<")):
            if self.least(path, side):
                return f"a global minimum where {residual} {word} 0"
        return ""

    def below(self, l: int) -> Expr:
        """aˡ⁻¹."""
        return self.x if l == 1 else a_(l - 1)

    def pinned(self, path: Path, spot: Spot) -> Iterator[CriticalCase]:
        """No bias, aˡ⁻¹ = 0, and z = 0 where g is no extremum: does z = w aˡ⁻¹ take both signs?"""
        l = path.l
        zero = (Eq(self.below(l), 0), *path.above)
        tangled = self.chain.layers[l - 1].skip or len(path.spots) > 1
        if l == 1 and not tangled:
            return  # x = 0: no weight has any effect
        both = Or(Eq(self.chain.w(l), 0), self.swings(l - 1)) if l > 1 else S.true
        if not tangled:
            zero = (*zero, *self.moving(l))
            both = both.subs(Ne(self.x, 0), True) if self.moving(l) else both
        if tangled or not self.smooth_below(l):
            yield self.other("g' = 0 or a kink at z = 0 in a layer without a bias", *zero)
            return
        w = self.chain.w(l)
        if spot.curve is None:  # z = w aˡ⁻¹ is of second order at w = 0
            yield from self.typed(
                replace(path, above=(*zero, Eq(w, 0))), S.Zero, (w, self.below(l))
            )
            yield from self.typed(
                replace(path, above=(*zero, Ne(w, 0), self.swings(l - 1))), S.Zero
            )
        else:
            yield from self.typed(replace(path, above=(*zero, both)), S.Zero)
        if both != S.true:
            why = "aˡ⁻¹ = 0 is an extremum of aˡ⁻¹"
            yield self.other(why, *zero, sympy.Not(both))

    def swings(self, l: int) -> Any:
        """A condition under which aˡ takes both larger and smaller values nearby."""
        layer = self.chain.layers[l - 1]
        if layer.skip:
            return self.moves(l)
        turns = [s for s in self.shapes[l - 1].spots if len(s.signs) == 1]
        free: Any = Ne(self.below(l), 0)
        if l > 1:
            free = Or(free, Eq(self.chain.w(l), 0), self.swings(l - 1))
        off = (sympy.Not(solved(s.on, z_(l))) for s in turns)
        return And(S.true if layer.has_bias else free, *off)

    def smooth_below(self, l: int) -> bool:
        """No kink and no plateau below layer l: aˡ⁻¹ is not constant near any point."""
        return all(s.smooth for s in self.shapes[: l - 1])

    def moves(self, l: int) -> Any:
        """∇aˡ ≠ 0, as a condition: a free zˡ with g' ≠ 0, or ∇aˡ⁻¹ ≠ 0 passed on."""
        if l == 0:
            return S.false
        shape, layer, z = self.shapes[l - 1], self.chain.layers[l - 1], z_(l)
        slope: Any = S.true
        if shape.stationary != S.EmptySet or layer.kinks:
            slope = Ne(layer.g.d(1)(z), 0)
        free = S.true if layer.has_bias else Ne(self.below(l), 0)
        step = self.chain.w(l) * layer.g.d(1)(z) + 1 if layer.skip else self.chain.w(l)
        passed = And(Ne(step, 0), S.true if layer.skip else slope, self.moves(l - 1))
        return Or(And(free, slope), passed)

    def zero_input(self, path: Path, shape: Shape) -> Iterator[CriticalCase]:
        """aʲ⁻¹ = 0 and ∂aʲ/∂aʲ⁻¹ = 0: a product of two factors that vanish, and only one is wʲ."""
        from symgrad.chain.unbiased import pairs

        j, chain = path.l, self.chain
        w, a, under = chain.w(j), a_(j - 1), self.shapes[j - 2]
        residual = nonzero(self.residual(path.plus(shape.value(0, S.Zero))))
        if residual == S.false or (not under.layer.skip and under.roots == S.EmptySet):
            return
        above = And(residual, *path.above, *self.moving(j))
        bent = path.bent or shape.kinked_at_zero or bool(path.spots)  # they bend C, too
        simple = not path.spots and not any(layer.skip for layer in chain.layers) and all(
            s.crosses and not s.kinked_at_zero and not s.layer.has_bias
            for s in self.shapes[: j - 1]
        )  # fmt: skip
        if simple and not bent:
            yield from pairs(self, j, above, under.steps())
            return
        zero = (Eq(w, no_slope(shape)), Eq(a, 0), above)
        for where, kind in self.below_zero(j, bent):
            condition = And(*zero, where)
            if condition != S.false:
                yield self.case(
                    f"w{j} = {zero[0].rhs} and a{j - 1} = 0", condition, (w - zero[0].rhs, a), kind,
                    "∂aʲ/∂aʲ⁻¹ and aʲ⁻¹ itself vanish: both factors of a product",
                    T2 if kind != "undecided" else Undecided("a plateau or a kink below"),
                    given=under.steps() if not under.layer.skip else (),
                )  # fmt: skip

    def below_zero(self, j: int, bent: bool) -> Iterator[tuple[Any, str]]:
        """How aʲ⁻¹ behaves near a zero: (condition, type of the product)."""
        under, z = self.shapes[j - 2], z_(j - 1)
        strict, weak = ("saddle", "saddle") if bent else ("strict saddle", "degenerate saddle")
        if self.smooth_below(j):
            moves = self.moves(j - 1)
            if not under.layer.skip and under.roots.intersect(under.stationary) == S.EmptySet:
                moves = moves.subs(Ne(under.layer.g.d(1)(z), 0), True)
            yield moves, strict
            yield sympy.Not(moves), weak
            return
        free = under.layer.has_bias and not under.layer.skip
        for part in parts(under.roots) if free else ():
            flats = [p.intersect(part) for p in under.plateaus]
            for flat in flats:
                if flat != S.EmptySet:
                    yield solved(flat, z), "flat"
            ends: Any = part.args if isinstance(part, FiniteSet) else (part.start, part.end)
            for p in ends:
                if p.is_finite and not any(p in flat for flat in flats):
                    slopes = under.sides(p)
                    kinked = any(k.at == p for k in under.layer.kinks)
                    yield Eq(z, p), "saddle" if kinked else strict if slopes[0] else weak
        if not free:
            yield S.true, "undecided"


_WORDS = {
    0: ("g constant", "C is locally constant and H = 0"),
    1: ("g' = 0", "the signs of g − g(z) beside the zeros of g' decide"),
    2: (
        "inflection of g",
        "aᴸ takes both smaller and larger values nearby, H = ∂c/∂a Σ g'' ∇z (∇z)ᵀ",
    ),
}
