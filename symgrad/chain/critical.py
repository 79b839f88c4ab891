"""Where the gradient of the chain is exactly zero, and what each such point is.

Theorems 1 to 3 of docs/theorems/chain, one sample. What they ask of an activation (its range, the
zeros of g and g', signs at 0) is computed and proved by `symgrad.bounds`; no name is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sympy
from sympy import Basic, Expr, FiniteSet, Interval, S

from symgrad.chain.cases import (
    And,
    Contains,
    CriticalCase,
    Eq,
    Ne,
    Or,
    inner,
    nonzero,
    parts,
    sided,
    solved,
)
from symgrad.chain.chain import Chain
from symgrad.chain.notation import a_, delta_, e_, put, real, x_, y_, z_
from symgrad.chain.shape import Shape
from symgrad.errors import DomainError, UndecidedError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Step, Undecided, Verdict
from symgrad.loss import A, Loss, Y
from symgrad.rigor import sign

__all__ = ["critical_points", "zero_weight"]

_SOURCE = "docs/theorems/chain, theorems 1 to 3"
_T1 = Proved(
    "theorem 1: with a bias at the last layer C is a function of zᴸ, which is a submersion"
)
_T2 = Proved("theorem 2: every component of the gradient is a product, and each has a zero factor")


def zero_weight(chain: Chain) -> Basic:
    """Exactly when ∇C = 0 at a point with wᴸ = 0 (theorem 3).

    >>> from symgrad.catalogue import sigmoid
    >>> zero_weight(Chain(sigmoid, depth=2, bias=False))
    Eq(y, 1/2)
    """
    _plain(chain)
    layer, depth = chain.layers[-1], chain.depth
    y = chain.given.get(y_, y_)
    shape = Shape(layer)
    if layer.has_bias:
        b = chain.b(depth)
        flat = solved(shape.stationary, b)
        return Or(_residual_zero(chain, layer.g(b), y), flat)
    start = shape.value(0, S.Zero)
    found: list[Basic] = [_residual_zero(chain, start, y)]
    left, right = shape.sides(S.Zero)
    if shape.kinked_at_zero and left * right <= 0:
        raise UndecidedError(
            f"wᴸ = 0 puts zᴸ on the kink of {layer.g}, where C is not differentiable in general; "
            "critical_points() lists these points as kinks"
        )
    if left == right == 0:
        found.append(S.true)
    below = chain.layers[-2] if depth > 1 else None
    if below is None:
        found.append(_is_zero(chain.given.get(x_, x_)))
    elif Shape(below).roots != S.EmptySet:
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


def _convex(loss: Loss) -> bool:
    """∂²c/∂a² ≥ 0 without a jump of ∂c/∂a; for 0 < a, y < 1 where logarithms leave no other a."""
    if loss.kinks:
        return False
    second: Any = loss.daa
    if second.is_nonnegative:
        return True
    if not (loss.formula.has(sympy.log(A)) and loss.formula.has(sympy.log(1 - A))):
        return False
    p, q, r, s = sympy.symbols("p q r s", positive=True)
    inside = second.xreplace({A: p / (p + q), Y: r / (r + s)})
    return bool(sympy.factor(sympy.together(inside)).is_nonnegative)


def _plain(chain: Chain) -> None:
    if chain.tie_weights or any(layer.skip for layer in chain.layers):
        raise UnsupportedError(
            "theorem 3 is about chains with free weights and without skip connections"
        )


def critical_points(chain: Chain) -> tuple[CriticalCase, ...]:
    """{∇C = 0} in all weights and biases, one sample, as a union of disjoint cases.

    Facts about g that are not decided make a case "undecided", with the reason in its verdict.

    >>> from symgrad.catalogue import sigmoid
    >>> [case.kind for case in critical_points(Chain(sigmoid, depth=2))]
    ['global minimum']
    """
    return tuple(_Cases(chain).all())


class _Cases:
    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.depth = chain.depth
        self.shapes = [Shape(layer) for layer in chain.layers]
        self.x = chain.given.get(x_, x_)
        self.y = chain.given.get(y_, y_)
        self.reach = self._lowest_free()
        self.convex = _convex(chain.loss)

    def _lowest_free(self) -> int:
        """The lowest layer whose parameters matter: with x = 0 an unbiased one is a constant."""
        start, l = self.x, 1
        while l <= self.depth and start.is_zero and not self.chain.layers[l - 1].has_bias:
            start = self.shapes[l - 1].value(0, S.Zero)
            l += 1
        return l

    def all(self) -> Iterator[CriticalCase]:
        chain = self.chain
        if self.reach > self.depth:
            yield self.constant()
            return
        yield self.zero_loss()
        if any(layer.skip for layer in chain.layers):
            yield self.other("skip connections: beyond eᴸ = 0 every layer must have a zero factor")
            return
        if chain.tie_weights and not chain.layers[-1].has_bias:
            yield self.other("tied weights without a bias at the last layer")
            return
        if self.unbiased() and all(shape.one_sided for shape in self.shapes):
            yield from self.onesided()
            return
        try:
            yield from self.last_layer()
            yield from self.below()
        except (UndecidedError, UnsupportedError, DomainError) as why:
            yield self.other(str(why))

    def unbiased(self) -> bool:
        return not any(layer.has_bias for layer in self.chain.layers)

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

    def residual(self, a: Expr) -> Expr:
        """∂c/∂a at output a."""
        return put(self.chain.loss.da, {real("a"): a, real("y"): self.y})

    def zero_loss(self) -> CriticalCase:
        """∂c/∂a = 0: every component has this factor, whatever the activations."""
        chain, end = self.chain, a_(self.depth)
        condition = _residual_zero(chain, end, self.y)
        verdict: Verdict = Proved("c is convex in a, so ∂c/∂a = 0 is its least value")
        kind = "global minimum"
        if not self.convex:
            kind, verdict = "undecided", Undecided(f"{chain.loss.name} is not shown convex in a")
        return self.case(
            "zero residual", condition, (e_(self.depth),), kind,
            "every component of ∇C has the factor ∂c/∂a", verdict, self._reached(condition),
            "H = ∂²c/∂a² ∇aᴸ (∇aᴸ)ᵀ, of rank at most 1",
        )  # fmt: skip

    def _reached(self, condition: Any) -> Any:
        """For which y some weights reach a zero residual; true where that is not known."""
        if not isinstance(condition, sympy.Eq) or self.chain.layers[-1].skip:
            return S.true
        end = a_(self.depth)
        wanted: Any = self.y if condition == Eq(y_, end) else None
        gap: Any = put(condition.lhs, {}) - put(condition.rhs, {})
        if wanted is None and gap.is_polynomial(end) and sympy.Poly(gap, end).degree() == 1:
            wanted = -gap.coeff(end, 0) / gap.coeff(end, 1)
        try:
            return S.true if wanted is None else Contains(wanted, self.shapes[-1].range)
        except UndecidedError:
            return S.true

    def constant(self) -> CriticalCase:
        zero = tuple(a_(l - 1) for l in range(1, self.depth + 1))
        return self.case(
            "constant", S.true, zero, "flat", "x = 0 and no biases: no weight has any effect", _T2
        )

    def other(self, why: str) -> CriticalCase:
        """What the theorems do not reach, as an honest case."""
        deltas = tuple(delta_(l) for l in range(1, self.depth + 1))
        condition = And(Ne(e_(self.depth), 0), *(Eq(d * a_(l), 0) for l, d in enumerate(deltas)))
        return self.case("beyond the theorems", condition, deltas, "undecided", why, Undecided(why))

    # δᴸ = 0 with a residual: the zeros of g' at the last layer

    def last_layer(self) -> Iterator[CriticalCase]:
        shape, z = self.shapes[-1], z_(self.depth)
        for part in parts(shape.stationary):
            if isinstance(part, FiniteSet):
                for point in part:
                    yield from self.isolated(shape, point)
            elif isinstance(part, Interval):
                yield from self.plateau(shape, part)
            else:
                yield self.case(
                    "g' = 0 at the last layer", And(Contains(z, part),
                    nonzero(self.residual(a_(self.depth)))),
                    (shape.layer.g.d(1)(z),), "undecided",
                    "the zeros of g' form an infinite family",
                    Undecided("the type at each member follows from g'' there"),
                    given=shape.steps(),
                )  # fmt: skip
        for kink in shape.layer.kinks:
            yield from self.kink(shape, kink.at)

    def isolated(self, shape: Shape, point: Any) -> Iterator[CriticalCase]:
        """A zero of g' where a derivative of higher order decides."""
        z, order = z_(self.depth), 2
        while (turn := sign(shape.value(order, point))) == 0:
            order += 1
            if order > 8:
                raise UndecidedError(f"derivatives 2..8 of {shape.layer.g} vanish at {point}")
        value = shape.value(0, point)
        residual = self.residual(value)
        factor = shape.layer.g.d(1)(z)
        order_step = Step(
            Ne(shape.layer.g.d(order)(z), 0, evaluate=False),
            f"the first derivative that is not 0 at {point}",
            Proved("the sign of an exact constant"),
        )  # fmt: skip
        given = [*shape.steps(), order_step]
        if order % 2:
            open_map = self.chain.layers[-1].has_bias or sign(point) != 0
            yield self.case(
                "inflection of g at the last layer", And(Eq(z, point), nonzero(residual)),
                (factor,),
                "degenerate saddle" if open_map else "undecided",
                "C is monotone in z through the point, and H = 0 there",
                _T1 if open_map else Undecided("z = 0 without a bias need not be a submersion"),
                given=given,
            )  # fmt: skip
            return
        ends = shape.ends
        for side in (1, -1):
            condition = And(Eq(z, point), sided(residual, side))
            kind = "weak local minimum" if side * turn > 0 else "weak local maximum"
            extreme = ends.inf if side > 0 else ends.sup
            if self.convex and kind == "weak local minimum" and shape.takes(extreme, point):
                kind = "global minimum"
            if condition != S.false:
                yield self.case(
                    f"g' = 0 at the last layer, residual {'>' if side > 0 else '<'} 0", condition,
                    (factor,), kind, "the sign of κ = ∂c/∂a g'' decides", _T1,
                    sided(residual, side),
                    "H = κ v vᵀ with v = ∇zᴸ", given,
                )  # fmt: skip

    def plateau(self, shape: Shape, part: Interval) -> Iterator[CriticalCase]:
        """g' = 0 on an interval: C does not change at all nearby."""
        z = z_(self.depth)
        inside = inner(part)
        value = shape.value(0, inside)
        residual = self.residual(value)
        interior = And(*(c for c in (z > part.start, z < part.end) if c is not S.true))
        note = self._plateau_note(shape, value, residual)
        if nonzero(residual) != S.false:
            yield self.case(
                "g constant at the last layer", And(interior, nonzero(residual)),
                (shape.layer.g.d(1)(z),),
                "flat", "C is locally constant and H = 0", _T1, note=note, given=shape.steps(),
            )  # fmt: skip

    def _plateau_note(self, shape: Shape, value: Expr, residual: Expr) -> str:
        ends = shape.ends
        for side, extreme in ((">", ends.inf), ("<", ends.sup)):
            if self.convex and ends.verdict and extreme.attained and extreme.value == value:
                return f"a global minimum where {residual} {side} 0"
        return ""

    def kink(self, shape: Shape, at: Expr) -> Iterator[CriticalCase]:
        """zᴸ on a kink of g: C has one-sided slopes there."""
        left, right = shape.sides(at)
        if left * right > 0:
            return
        if not self.chain.layers[-1].has_bias and sign(at) == 0:
            raise UndecidedError("a kink at z = 0 in a layer without bias")
        residual = self.residual(shape.value(0, at))
        z = z_(self.depth)
        for side in (1, -1):
            down, up = side * left, side * right
            kind = "weak local minimum" if down <= 0 <= up else "weak local maximum"
            extreme = shape.ends.inf if side > 0 else shape.ends.sup
            if self.convex and kind == "weak local minimum" and shape.takes(extreme, at):
                kind = "global minimum"
            condition = And(Eq(z, at), sided(residual, side))
            if condition != S.false:
                yield self.case(
                    f"kink of g at the last layer, residual {'>' if side > 0 else '<'} 0",
                    condition,
                    (), "kink", "zero lies between the one-sided slopes of C",
                    Proved("one-sided slopes"), sided(residual, side),
                    f"not differentiable; a {kind}",
                )  # fmt: skip

    # δᴸ ≠ 0: layers without bias, from the top down, whose input is zero

    def below(self) -> Iterator[CriticalCase]:
        chain, kept = self.chain, list[Any]()
        top = self.shapes[-1].value(0, S.Zero)
        for j in range(self.depth, 0, -1):
            shape, layer = self.shapes[j - 1], chain.layers[j - 1]
            if layer.has_bias:
                return
            if j < self.depth and shape.at_zero(0) != 0:
                return
            left, right = shape.sides(S.Zero)
            if shape.kinked_at_zero and left * right <= 0:
                raise UndecidedError(f"layer {j} has z = 0 on a kink; the theorems ask for g'(0)")
            if left * right == 0:
                return
            residual = nonzero(self.residual(top))
            if residual == S.false:
                return
            if j == 1:
                if self.x.is_zero is None:
                    yield self.case(
                        "x = 0", And(Eq(x_, 0), residual), (x_,), "flat",
                        "x = 0 and no biases: no weight has any effect", _T2, Eq(self.x, 0),
                    )  # fmt: skip
                return
            yield from self.zero_input(j, And(residual, *kept))
            kept.append(Ne(chain.w(j), 0))

    def zero_input(self, j: int, above: Any) -> Iterator[CriticalCase]:
        """aʲ⁻¹ = 0 and either wʲ = 0 or g' = 0 below: δʲ ≠ 0 but its component is δʲ aʲ⁻¹ = 0."""
        chain, under = self.chain, self.shapes[j - 2]
        w, a = chain.w(j), a_(j - 1)
        if under.roots == S.EmptySet:
            return
        given = under.steps()
        simple = j - 1 < self.depth and all(
            s.only_zero and not s.layer.has_bias for s in self.shapes[: j - 1]
        )
        if simple:
            yield from self.pairs(j, above, given)
        else:
            grows = under.layer.has_bias or under.roots.contains(S.Zero) == S.false
            smooth = under.stationary.intersect(under.roots) == S.EmptySet
            strict = grows and smooth
            kind = "strict saddle" if strict else "undecided"
            verdict: Verdict = (
                _T2
                if strict
                else Undecided(
                    f"whether ∇a{j - 1} = 0 where a{j - 1} = 0 is not decided by zeros of g alone"
                )
            )
            yield self.case(
                f"w{j} = 0 and a{j - 1} = 0", And(Eq(w, 0), Eq(a, 0), above), (w, a), kind,
                "zʲ = wʲ aʲ⁻¹ is a product of two independent factors that both vanish", verdict,
                given=given,
            )  # fmt: skip
        double = under.stationary.intersect(under.roots)
        if double != S.EmptySet:
            slope = under.layer.g.d(1)(z_(j - 1))
            yield self.case(
                f"a{j - 1} = 0 and g' = 0 at layer {j - 1}",
                And(solved(double, z_(j - 1)), Ne(w, 0), above), (a, slope), "undecided",
                "both aʲ⁻¹ and the slope below vanish",
                Undecided("a double zero of g: its type is that of g there"), given=given,
            )  # fmt: skip

    def pairs(self, j: int, above: Any, given: list[Step]) -> Iterator[CriticalCase]:
        """wʲ = 0 and weights below: two zero weights are a strict saddle, more a degenerate one."""
        chain, w = self.chain, self.chain.w(j)
        if any(shape.kinked_at_zero for shape in self.shapes):
            yield self.kinked_pairs(j, above, given)
            return
        hessian = chain.hessian()
        lower = [chain.w(i) for i in range(1, j)]
        nonzero_x = () if self.x.is_zero is False else (Ne(x_, 0),)
        for i in range(1, j):
            others = (Ne(chain.w(k), 0) for k in range(1, j) if k != i)
            at = {z_(k): S.Zero for k in range(i, self.depth + 1)}
            size = put(hessian.entry(chain.w(i), w), {w: S.Zero, delta_(j): self.error_at_zero(j)})
            size = put(size, at)
            note = f"the eigenvalues are 0 and ±H, H = {sympy.sstr(size)}"
            yield self.case(
                f"w{i} = w{j} = 0", And(Eq(chain.w(i), 0), Eq(w, 0), *others, above, *nonzero_x),
                (chain.w(i), w), "strict saddle",
                "the one entry of the Hessian that is not zero is off the diagonal", _T2,
                note=note, given=given,
            )  # fmt: skip
        if j > 2:
            count = sympy.Add(*(sympy.KroneckerDelta(v, 0) for v in lower))
            yield self.case(
                f"w{j} = 0 and two or more weights below", And(Eq(w, 0), count >= 2, above,
                *nonzero_x),
                (w, *lower), "degenerate saddle",
                "H = 0, and C - C(0) takes both signs nearby, with the sign of δʲ wʲ aʲ⁻¹", _T2,
                given=given,
            )  # fmt: skip

    def error_at_zero(self, j: int) -> Expr:
        """δʲ where zʲ = ... = zᴸ = 0."""
        layers = range(j, self.depth + 1)
        slopes = sympy.Mul(*(self.shapes[k - 1].value(1, S.Zero) for k in layers))
        weights = sympy.Mul(*(self.chain.w(k) for k in layers[1:]))
        return weights * slopes * self.residual(self.shapes[-1].value(0, S.Zero))

    def kinked_pairs(self, j: int, above: Any, given: list[Step]) -> CriticalCase:
        """The same where g has a kink at 0 and crosses it: no Hessian, but C changes sides."""
        lower = [self.chain.w(i) for i in range(1, j)]
        count = sympy.Add(*(sympy.KroneckerDelta(v, 0) for v in lower))
        nonzero_x = () if self.x.is_zero is False else (Ne(x_, 0),)
        return self.case(
            f"w{j} = 0 and a weight below", And(Eq(self.chain.w(j), 0), count >= 1, above,
            *nonzero_x),
            (self.chain.w(j), a_(j - 1)), "saddle",
            "aᴸ = O(|θ|²), so ∇C = 0, and C - C(0) takes both signs nearby", _T2,
            note="z is on the kink of g above; there is no Hessian", given=given,
        )  # fmt: skip

    # g(z) = p max(z, 0) in every layer, no biases

    def onesided(self) -> Iterator[CriticalCase]:
        chain, depth = self.chain, self.depth
        effective = [chain.w(1) * self.x, *(chain.w(l) for l in range(2, depth + 1))]
        residual = self.residual(S.Zero)
        dead = Or(*(v < 0 for v in effective))
        least = "a global minimum where the residual at a = 0 is ≥ 0"
        slopes = tuple(chain.layers[l - 1].g.d(1)(z_(l)) for l in range(1, depth + 1))
        yield self.case(
            "a layer is dead",
            And(dead, nonzero(residual)),
            slopes,
            "flat",
            "aᴸ = 0 in a neighbourhood, so C is constant there",
            _T2,
            note=least,
        )
        alive = And(*(v >= 0 for v in effective))
        count = sympy.Add(*(sympy.KroneckerDelta(v, 0) for v in effective))
        for side in (1, -1):
            kind = "global minimum" if side > 0 else "weak local maximum"
            condition = sided(residual, side)
            if condition == S.false:
                continue
            if depth > 1:
                yield self.case(
                    f"two or more zero weights, residual {'>' if side > 0 else '<'} 0",
                    And(alive, count >= 2, condition), tuple(effective), kind,
                    "aᴸ = O(|θ|²) and aᴸ ≥ 0, so C is differentiable with ∇C = 0; H does not exist",
                    _T2, condition,
                )  # fmt: skip
            yield self.case(
                f"one zero weight, residual {'>' if side > 0 else '<'} 0",
                And(alive, Eq(count, 1), condition), (), "kink",
                "the one-sided slopes are 0 and residual × product of the others", _T2, condition,
                f"not differentiable, zero lies between the one-sided slopes; a {kind}",
            )  # fmt: skip
