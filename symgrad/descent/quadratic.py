"""Gradient descent on quadratics: the closed form, its stability, exact counts of steps.

On f = ½ (w − c)ᵀ H (w − c), H symmetric, a step is w − c ↦ (I − ηH)(w − c). With the distinct
eigenvalues λ_j of H and the Lagrange–Sylvester projectors P_j = ∏_{i≠j} (H − λ_i)/(λ_j − λ_i),

    w(n) = c + Σ_j (1 − ηλ_j)ⁿ P_j (w(0) − c),

and |w(n) − c|² = Σ_j (1 − ηλ_j)^{2n} |P_j (w(0) − c)|², as the P_j are orthogonal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from flint import arb, arb_mat
from sympy import Expr, Matrix, S, Symbol

from symgrad.bounds import zeros
from symgrad.bounds.numbers import is_closed
from symgrad.depth.map import exact_number
from symgrad.descent.maps import positive_rate
from symgrad.errors import DomainError, InputError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Refuted, Result, Step
from symgrad.render import Block, Formula, Para
from symgrad.rigor import constant, precision, sign, sign_of

__all__ = ["QuadraticLaw", "quadratic_law"]

N = Symbol("n", integer=True, nonnegative=True)
ALGEBRA = Proved("exact algebra")


@dataclass(frozen=True)
class QuadraticLaw(Result):
    """Gradient descent on ½ (w − c)ᵀ H (w − c): w(n) = c + Σ_j (1 − ηλ_j)ⁿ P_j (w(0) − c).

    `curvatures` are the eigenvalues λ_j of H with their multiplicity (in the order of the variables
    where H is diagonal), `projectors` to the distinct ones where they have closed forms, and `step`
    is I − ηH.
    """

    variables: tuple[Symbol, ...]
    optimum: tuple[Expr, ...]
    curvatures: tuple[Expr, ...]
    projectors: tuple[tuple[Expr, Any], ...]
    rate: Expr
    step: Any
    fact: Fact

    @cached_property
    def factors(self) -> tuple[Expr, ...]:
        """1 − ηλ_j, by which the distance along each eigenvector shrinks in a step."""
        return tuple(1 - self.rate * lam for lam in self.curvatures)

    @property
    def stable_below(self) -> Expr:
        """2/max λ: descent converges from everywhere exactly for 0 < η < 2/max λ; 0 if some λ < 0.

        A negative λ is a direction in which every rate grows.
        """
        low, high = self._ends
        return 2 / high if sign(low) > 0 else S.Zero

    @property
    def best_rate(self) -> Expr:
        """2/(min λ + max λ), where the slowest factor is least: (κ − 1)/(κ + 1)."""
        low, high = self._definite()
        return 2 / (low + high)

    @property
    def condition_number(self) -> Expr:
        """κ = max λ/min λ."""
        low, high = self._definite()
        return high / low

    @cached_property
    def _ends(self) -> tuple[Expr, Expr]:
        ordered = _sorted(self.curvatures)
        return ordered[0], ordered[-1]

    def _definite(self) -> tuple[Expr, Expr]:
        low, high = self._ends
        if sign(low) <= 0:
            raise DomainError(f"it takes positive curvatures, got the least one {low}")
        return low, high

    def at(self, n: Expr | int, start: Sequence[Any]) -> tuple[Expr, ...]:
        """The point after n steps, in closed form."""
        gap = self._gap(start)
        if isinstance(n, int):
            return tuple(Matrix(self.optimum) + self.step**n * gap)
        if not self.projectors:
            raise UnsupportedError("the eigenvalues have no closed form: ask for an integer n")
        parts = ((1 - self.rate * lam) ** n * P * gap for lam, P in self.projectors)
        moved: Any = sum(parts, Matrix(self.optimum))
        return tuple(moved)

    def _gap(self, start: Sequence[Any]) -> Matrix:
        """start − c."""
        if len(start) != len(self.variables):
            raise InputError(f"a start has {len(self.variables)} numbers, got {len(start)}")
        return Matrix([sympy.sympify(w) for w in start]) - Matrix(self.optimum)

    def steps_to(self, tolerance: Any, start: Sequence[Any]) -> int | None:
        """The least n from which |w(n) − c| ≤ tolerance in the Euclidean norm; None if none is.

        The norm does not grow once every factor along an eigenvector that the start has is at most
        1 in size, and the n is found by halving; each comparison is exact.
        """
        tol = exact_number(tolerance, "the tolerance")
        if sign(tol) <= 0:
            raise InputError(f"a tolerance is positive, got {tolerance}")
        gap = self._gap([exact_number(w, "a start") for w in start])
        within = lambda n: self._excess(n, gap, tol) <= 0
        limit = S.Zero
        for lam, P in self.projectors or [(lam, None) for lam in self.curvatures]:
            growth = sign(abs(1 - self.rate * lam) - 1)
            if P is None and growth >= 0:
                raise UnsupportedError(
                    f"whether the start has a part along the eigenvalue {lam}, which does not "
                    "shrink, is not decided"
                )
            size = S.One if P is None else _square(P * gap)
            if sign(size) != 0 and growth > 0:
                return None
            limit += size if growth == 0 else S.Zero
        if sign(limit - tol**2) >= 0 and not within(1):
            return None
        low, high = -1, 1
        while not within(high):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if within(middle) else (middle, high)
        return high

    def _excess(self, n: int, gap: Matrix, tol: Expr) -> int:
        """The sign of |(I − ηH)ⁿ gap| − tol: by balls, by exact numbers where these can't tell."""
        with precision(256):
            ball = lambda M: arb_mat([[constant(e, 256) for e in row] for row in M.tolist()])
            moved = ball(self.step) ** n * ball(gap)
            square = sum((moved[k, 0] ** 2 for k in range(len(gap))), arb(0))
            known = sign_of(square - constant(tol, 256) ** 2)
        return sign(_square(self.step**n * gap) - tol**2) if known is None else known

    def _blocks(self) -> Iterable[Block]:
        if self.projectors:
            start = [Symbol(f"{v.name}_0") for v in self.variables]
            for v, e in zip(self.variables, self.at(N, start), strict=True):
                yield Formula(sympy.Function(v.name)(N), e)
        limit = self.stable_below
        if limit == 0:
            yield Para("A curvature is not positive: no rate converges from everywhere.")
        else:
            yield Para("it converges for 0 < rate < ", limit)
        yield from self.fact._blocks()


def quadratic_law(f: Expr, variables: Sequence[Symbol], rate: Any) -> QuadraticLaw:
    """The closed form of gradient descent on a quadratic with an invertible Hessian.

    The eigenvalues are exact numbers: radicals, or isolated roots of the characteristic polynomial.

    Raises `UnsupportedError` where f is no quadratic with rational or closed coefficients,
    `DomainError` where the Hessian is singular.

    >>> from sympy import Rational, symbols
    >>> u, v = symbols("u v", real=True)
    >>> law = quadratic_law(u**2 / 1000 + v**2, (u, v), Rational(1, 2))
    >>> law.factors, law.stable_below, law.condition_number
    ((999/1000, 0), 1, 1000)
    >>> quadratic_law(u**2 + u * v + v**2, (u, v), Rational(1, 2)).curvatures
    (1, 3)

    Source: Nesterov 2004, Introductory Lectures on Convex Optimization, section 1.2.
    """
    eta = positive_rate(rate)
    names = tuple(variables)
    H: Any = sympy.hessian(f, names)
    if H.free_symbols or f.free_symbols - set(names):
        raise UnsupportedError(f"needs a quadratic in {names} alone, got the Hessian {H}")
    if sign(sympy.expand(H.det())) == 0:
        raise DomainError(f"the Hessian {H} is singular: there is no single critical point")
    gradient = Matrix([f.diff(v) for v in names])
    zero = dict.fromkeys(names, S.Zero)
    optimum = H.LUsolve(-gradient.xreplace(zero)).applyfunc(sympy.radsimp)
    curvatures = tuple(H.diagonal()) if H.is_diagonal() else _eigenvalues(H)
    closed = all(is_closed(lam) for lam in curvatures)
    projectors = tuple(_projectors(H, tuple(dict.fromkeys(curvatures)))) if closed else ()
    start = Matrix([Symbol(f"{v.name}_0") for v in names])
    if closed:
        parts = ((1 - eta * lam) ** N * P * (start - optimum) for lam, P in projectors)
        moved: Any = sum(parts, Matrix(optimum))
        each = zip(names, moved, strict=True)
        rows: list[Any] = [sympy.Eq(sympy.Function(v.name)(N), e) for v, e in each]
        statement: Any = sympy.And(*rows)
    else:
        power = sympy.MatPow(sympy.ImmutableMatrix(sympy.eye(H.rows) - eta * H), N)
        gap = sympy.ImmutableMatrix(start - optimum)
        statement = sympy.Eq(Symbol("w_n") - Symbol("c"), sympy.MatMul(power, gap), evaluate=False)
    steps = [
        *_one_step(f, names, optimum, H, eta),
        *_spectral(H, projectors),
    ]
    given = tuple(range(1, len(steps) + 1))
    steps.append(Step(statement, "induction on n: (I − ηH) P_j = (1 − ηλ_j) P_j", ALGEBRA, given))
    source = "Nesterov 2004, section 1.2"
    fact = Fact("descent.quadratic", statement, Derivation(tuple(steps)), (), source)
    step = sympy.ImmutableMatrix(sympy.eye(H.rows) - eta * H)
    return QuadraticLaw(names, tuple(optimum), curvatures, projectors, eta, step, fact)


def _eigenvalues(H: Any) -> tuple[Expr, ...]:
    """The eigenvalues of a symmetric matrix, least first: radicals, or isolated roots."""
    t = Symbol("t", real=True)
    polynomial: Any = H.charpoly(t).as_expr(t)
    found: list[Expr] = []
    for factor, times in sympy.factor_list(polynomial, t)[1]:
        if sympy.Poly(factor, t).degree() <= 2:
            roots = [sympy.radsimp(r) for r in sympy.roots(factor, t)]
        else:
            roots = list(zeros(factor, x=t).points)
        found += [r for r in roots for _ in range(times)]
    if len(found) != H.rows:
        raise UnsupportedError(f"the eigenvalues of {H} are not found; turn the axes")
    return tuple(_sorted(found))


def _square(v: Any) -> Expr:
    """|v|²."""
    return sum((c**2 for c in v), S.Zero)


def _sorted(numbers: Iterable[Expr]) -> list[Expr]:
    ordered: list[Expr] = []
    for number in numbers:
        place = sum(1 for other in ordered if sign(number - other) > 0)
        ordered.insert(place, number)
    return ordered


def _projectors(H: Any, distinct: tuple[Expr, ...]) -> Iterable[tuple[Expr, Any]]:
    one = sympy.eye(H.rows)
    for lam in distinct:
        P = one
        for other in distinct:
            if other != lam:
                P = P * (H - other * one) / (lam - other)
        yield lam, sympy.ImmutableMatrix(P.applyfunc(lambda e: sympy.radsimp(sympy.expand(e))))


def _one_step(
    f: Expr, names: tuple[Symbol, ...], optimum: Any, H: Any, eta: Expr
) -> Iterable[Step]:
    """One step multiplies the distance to the optimum by I − ηH, row by row."""
    gap = Matrix(names) - Matrix(optimum)
    for k, v in enumerate(names):
        left, right = v - eta * f.diff(v) - optimum[k], (gap - eta * H * gap)[k]
        difference = sympy.radsimp(sympy.expand(left - right))
        verdict = ALGEBRA if difference == 0 else Refuted(None, f"they differ by {difference}")
        after, before = Symbol(f"{v.name}_1"), Matrix([Symbol(f"{w.name}_0") for w in names])
        shown = (sympy.eye(H.rows) - eta * H) * (before - Matrix(optimum))
        claim = sympy.Eq(after - optimum[k], shown[k], evaluate=False)
        yield Step(claim, f"one step, by the slope of f in {v}", verdict)


def _spectral(H: Any, projectors: Sequence[tuple[Expr, Any]]) -> Iterable[Step]:
    """H P_j = λ_j P_j and Σ P_j = 1, needed where H is not diagonal."""
    if H.is_diagonal() or not projectors:
        return
    clean = lambda M: M.applyfunc(lambda e: sympy.radsimp(sympy.expand(e)))
    whole = clean(sum((P for _, P in projectors), sympy.zeros(H.rows)))
    holds = whole == sympy.eye(H.rows) and all(
        clean(H * P - lam * P).is_zero_matrix for lam, P in projectors
    )
    verdict = ALGEBRA if holds else Refuted(None, "the projectors do not add up to 1")
    values = sympy.FiniteSet(*(lam for lam, _ in projectors))
    claim = sympy.Eq(Symbol("spectrum"), values, evaluate=False)
    yield Step(claim, "the projectors of the eigenvalues add up to 1", verdict)
