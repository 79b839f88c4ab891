"""Update maps on small problems, and what is exactly true of them.

Gradient descent w ↦ w − η∇f, Newton w ↦ w − H⁻¹∇f, Adagrad w_i ↦ w_i − η g_i/√(Σ g_i²) (Duchi,
Hazan, Singer 2011). A demonstration of descent, not a trainer: few variables, exact numbers or
numbers of many digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Matrix, S, Symbol

from symgrad.errors import DomainError, InputError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Refuted, Result, Step
from symgrad.render import Block, Formula, Para, Shown, Table
from symgrad.rigor import sign
from symgrad.tails import tail

__all__ = [
    "Adagrad",
    "GradientDescent",
    "Newton",
    "QuadraticLaw",
    "Trajectory",
    "escape_time",
    "invariance",
    "newton_step",
    "quadratic_law",
    "trajectory",
]

N = Symbol("n", integer=True, nonnegative=True)
ALGEBRA = Proved("exact algebra")

State = tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class GradientDescent:
    """w ↦ w − η ∇f(w), η = `rate`."""

    rate: Any

    def step(self, g: Matrix, H: Matrix, memory: State) -> tuple[Matrix, State]:
        return -sympy.sympify(self.rate) * g, memory


@dataclass(frozen=True, slots=True)
class Newton:
    """w ↦ w − H(w)⁻¹ ∇f(w)."""

    def step(self, g: Matrix, H: Matrix, memory: State) -> tuple[Matrix, State]:
        if H.det() == 0:
            raise DomainError("Newton's step needs an invertible Hessian, got a singular one")
        return -H.LUsolve(g), memory


@dataclass(frozen=True, slots=True)
class Adagrad:
    """w_i ↦ w_i − η g_i/√(Σ g_i² so far), η = `rate`, and no step where all of them are 0."""

    rate: Any

    def step(self, g: Matrix, H: Matrix, memory: State) -> tuple[Matrix, State]:
        sums = tuple(s + gi**2 for s, gi in zip(memory, g.flat(), strict=True))
        rate = sympy.sympify(self.rate)
        moves = [
            S.Zero if s == 0 else -rate * gi / sympy.sqrt(s)
            for gi, s in zip(g.flat(), sums, strict=True)
        ]
        return Matrix(moves), sums


Method = GradientDescent | Newton | Adagrad


@dataclass(frozen=True, slots=True)
class Trajectory(Shown):
    """The points w_0, w_1, ... of an update map, with f and ∇f at each."""

    method: Method
    variables: tuple[Symbol, ...]
    points: tuple[tuple[Expr, ...], ...]
    values: tuple[Expr, ...]
    gradients: tuple[tuple[Expr, ...], ...]

    def first(self, holds: Callable[[tuple[Expr, ...]], bool]) -> int | None:
        """The number of the first point with the property, or None."""
        return next((k for k, point in enumerate(self.points) if holds(point)), None)

    def _blocks(self) -> Iterable[Block]:
        last = len(self.points) - 1
        shown = sorted({k for k in (0, 1, 2, 3, last // 2, last) if k <= last})
        head = ("n", *self.variables, "f", "size of the gradient")
        rows = []
        for k in shown:
            size = sympy.sqrt(sum((g**2 for g in self.gradients[k]), S.Zero))
            numbers = (*self.points[k], self.values[k], size)
            rows.append((str(k), *(str(sympy.N(v, 8)) for v in numbers)))
        yield Table(head, tuple(rows), str(self.method))


def trajectory(
    f: Expr,
    start: Mapping[Symbol, Any],
    steps: int,
    method: Method,
    *,
    digits: int | None = 30,
    progress: Callable[[int, int], None] | None = None,
) -> Trajectory:
    """`steps` updates of the variables in `start`, in `digits` digits, or exactly with None.

    An interrupt gives back the points so far. Raises `InputError` where f has other symbols,
    `DomainError` where a step is not defined.

    >>> from sympy import Rational, Symbol
    >>> x = Symbol("x", real=True)
    >>> trajectory(x**2, {x: 1}, 3, GradientDescent(Rational(1, 4)), digits=None).points
    ((1,), (1/2,), (1/4,), (1/8,))
    """
    variables = tuple(start)
    foreign = f.free_symbols - set(variables)
    if foreign or steps < 0:
        raise InputError(
            f"f must be a function of {variables} and steps >= 0, got {foreign}, {steps}"
        )
    slopes = Matrix([f.diff(v) for v in variables])
    bends = slopes.jacobian(variables) if isinstance(method, Newton) else Matrix()
    fix = (lambda e: e) if digits is None else (lambda e: sympy.N(e, digits))
    point = tuple(fix(sympy.sympify(v)) for v in start.values())
    memory: State = (S.Zero,) * len(variables)
    points, values, gradients = [], [], []
    try:
        for k in range(steps + 1):
            at = dict(zip(variables, point, strict=True))
            g = slopes.xreplace(at).applyfunc(fix)
            points.append(point)
            values.append(fix(f.xreplace(at)))
            gradients.append(tuple(g))
            if k < steps:
                move, memory = method.step(g, bends.xreplace(at).applyfunc(fix), memory)
                point = tuple(fix(p + m) for p, m in zip(point, move.flat(), strict=True))
                if progress is not None:
                    progress(k + 1, steps)
    except KeyboardInterrupt:
        count = min(len(points), len(values), len(gradients))
        points, values, gradients = points[:count], values[:count], gradients[:count]
    return Trajectory(method, variables, tuple(points), tuple(values), tuple(gradients))


@dataclass(frozen=True, slots=True)
class QuadraticLaw(Result):
    """Gradient descent on ½ Σ λ_i (w_i − c_i)²: w_i(n) = c_i + (1 − ηλ_i)ⁿ (w_i(0) − c_i)."""

    variables: tuple[Symbol, ...]
    optimum: tuple[Expr, ...]
    curvatures: tuple[Expr, ...]
    rate: Expr
    fact: Fact

    @property
    def factors(self) -> tuple[Expr, ...]:
        """1 − ηλ_i, by which each distance shrinks in a step."""
        return tuple(1 - self.rate * lam for lam in self.curvatures)

    @property
    def stable_below(self) -> Expr:
        """2/max λ: gradient descent converges from everywhere exactly for 0 < η < 2/max λ."""
        return 2 / max(self.curvatures)

    @property
    def best_rate(self) -> Expr:
        """2/(min λ + max λ), where the slowest factor is least: (κ − 1)/(κ + 1)."""
        return 2 / (min(self.curvatures) + max(self.curvatures))

    @property
    def condition_number(self) -> Expr:
        return max(self.curvatures) / min(self.curvatures)

    def at(self, n: Expr | int, start: Sequence[Any]) -> tuple[Expr, ...]:
        """The point after n steps, in closed form."""
        moved = zip(self.optimum, self.factors, start, strict=True)
        return tuple(c + q**n * (sympy.sympify(w) - c) for c, q, w in moved)

    def steps_to(self, tolerance: Any, start: Sequence[Any]) -> int | None:
        """The least n from which |w_i(n) − c_i| ≤ tolerance for all i; None if there is none.

        Decided by exact comparison of the two candidates next to the logarithm.
        """
        tol = sympy.sympify(tolerance)
        needed = 0
        for c, q, w in zip(self.optimum, self.factors, start, strict=True):
            distance = abs(sympy.sympify(w) - c)
            if sign(distance - tol) <= 0 and sign(abs(q) - 1) <= 0:
                continue
            if sign(abs(q) - 1) >= 0:
                return None
            if q == 0:
                needed = max(needed, 1)
                continue
            n = max(0, int(sympy.floor(sympy.N(sympy.log(tol / distance) / sympy.log(abs(q)), 30))))
            while sign(distance * abs(q) ** n - tol) > 0:
                n += 1
            while n > 0 and sign(distance * abs(q) ** (n - 1) - tol) <= 0:
                n -= 1
            needed = max(needed, n)
        return needed

    def _blocks(self) -> Iterable[Block]:
        start = [Symbol(f"{v.name}_0") for v in self.variables]
        for v, e in zip(self.variables, self.at(N, start), strict=True):
            yield Formula(sympy.Function(v.name)(N), e)
        yield Para("it converges for 0 < rate < ", self.stable_below)
        yield from self.fact._blocks()


def quadratic_law(f: Expr, variables: Sequence[Symbol], rate: Any) -> QuadraticLaw:
    """The closed form of gradient descent on a separable quadratic with positive curvatures.

    Raises `UnsupportedError` where f has products of two variables (turn the axes first).

    >>> from sympy import Rational, symbols
    >>> u, v = symbols("u v", real=True)
    >>> law = quadratic_law(u**2 / 1000 + v**2, (u, v), Rational(1, 2))
    >>> law.factors, law.stable_below, law.condition_number
    ((999/1000, 0), 1, 1000)
    """
    eta = sympy.sympify(rate)
    hessian = sympy.hessian(f, variables)
    if hessian.free_symbols & set(variables) or not hessian.is_diagonal():
        raise UnsupportedError(
            f"needs a quadratic with a diagonal Hessian, got the Hessian {hessian}"
        )
    curvatures = tuple(hessian[i, i] for i in range(len(variables)))
    if any(sign(lam) <= 0 for lam in curvatures):
        raise DomainError(f"every curvature must be positive, got {curvatures}")
    zero = dict.fromkeys(variables, S.Zero)
    slopes: Any = [f.diff(v).xreplace(zero) for v in variables]
    optimum = tuple(-slope / lam for slope, lam in zip(slopes, curvatures, strict=True))
    steps, claims = [], []
    for v, c, lam in zip(variables, optimum, curvatures, strict=True):
        update = sympy.expand(v - eta * f.diff(v) - c - (1 - eta * lam) * (v - c))
        verdict = ALGEBRA if update == 0 else Refuted(None, f"the difference is {update}")
        claim = sympy.Eq(v - eta * f.diff(v) - c, (1 - eta * lam) * (v - c), evaluate=False)
        steps.append(
            Step(claim, f"one step multiplies the distance of {v} to its optimum", verdict)
        )
        claims.append(
            sympy.Eq(
                sympy.Function(v.name)(N), c + (1 - eta * lam) ** N * (Symbol(f"{v.name}_0") - c)
            )
        )
    statement = sympy.And(*claims)
    given = tuple(range(1, len(steps) + 1))
    steps.append(Step(statement, "induction on n", ALGEBRA, given))
    fact = Fact(
        "descent.quadratic", statement, Derivation(tuple(steps)), (), "Nesterov 2004, section 1.2"
    )
    return QuadraticLaw(tuple(variables), optimum, curvatures, eta, fact)


def _scaled_map(method: Method, scale_f: Expr, scale_x: Expr) -> tuple[Expr, Expr, str]:
    """The step on c·f(o + k(x − o)), in y = o + k(x − o), and the method on f with another rate."""
    y, eta, past = Symbol("y", real=True), Symbol("eta", positive=True), Symbol("s", positive=True)
    f1, f2 = sympy.Function("f'")(y), sympy.Function("f''")(y)
    g, H = Matrix([scale_f * scale_x * f1]), Matrix([[scale_f * scale_x**2 * f2]])
    if isinstance(method, GradientDescent):
        move, _ = GradientDescent(eta).step(g, H, (S.Zero,))
        return scale_x * move[0], -eta * scale_f * scale_x**2 * f1, "rate times c k²"
    if isinstance(method, Newton):
        move, _ = Newton().step(g, H, (S.Zero,))
        return scale_x * move[0], -f1 / f2, "the same step"
    move, _ = Adagrad(eta).step(g, H, ((scale_f * scale_x) ** 2 * past,))
    return scale_x * move[0], -eta * scale_x * f1 / sympy.sqrt(past + f1**2), "rate times k"


def invariance(method: Method) -> Fact:
    """What the method does on c·f(o + k(x − o)), c, k > 0, in terms of its step on f, for every f.

    >>> invariance(Newton()).verdict
    Proved(by='exact algebra')
    """
    c, k = sympy.symbols("c k", positive=True)
    got, wanted, words = _scaled_map(method, c, k)
    gap = sympy.simplify(got - wanted)
    verdict = ALGEBRA if gap == 0 else Refuted(None, f"the steps differ by {gap}")
    claim = sympy.Eq(Symbol("k") * Symbol("Delta_x"), wanted, evaluate=False)
    because = f"the step in y = o + k(x − o) is the method's step on f with {words}"
    name = type(method).__name__.lower()
    return Fact(f"descent.{name}.invariance", claim, Derivation((Step(claim, because, verdict),)))


def newton_step(f: Expr, x: Symbol, toward: Expr, terms: int = 2) -> Any:
    """The tail of Newton's step −f'/f'' toward ±oo: where a plateau sends it.

    >>> from sympy import Rational, Symbol, exp, oo
    >>> z = Symbol("z", real=True)
    >>> newton_step((1 / (1 + exp(-z)) - Rational(9, 10)) ** 2 / 2, z, -oo, 1).terms
    (-1,)
    """
    return tail(-f.diff(x) / f.diff(x, 2), toward, terms=terms, x=x)


def escape_time(slope: Expr, x: Symbol, toward: Expr) -> Expr:
    """The time ∫ dx/|slope| gradient flow takes to come in from x in the tail, to leading order.

    For an exponentially small slope m(x) = c x^a e^{S} the integral is ~ 1/(|m| |S'|) (one
    integration by parts); for a power c x^{-a} it is x^{a+1}/(c (a + 1)); oo where the slope is 0.
    """
    leading = tail(slope, toward, terms=1, x=x)
    if not leading.terms or leading.terms[0] == 0:
        return S.Infinity
    m = leading.terms[0]
    factors = sympy.Mul.make_args(m)
    exponents: Any = [e.args[0] for e in factors if isinstance(e, sympy.exp)]
    S_ = sympy.Add(*exponents)
    if S_ != 0:
        return 1 / (sympy.Mul(*[_size(e) for e in factors]) * _size(S_.diff(x)))
    t = Symbol("t", positive=True)
    side = 1 if toward is S.Infinity else -1
    size = abs(m.subs(x, side * t))
    power = -sympy.cancel(t * size.diff(t) / size)
    if power.has(t):
        raise UnsupportedError(f"the time is known for exponential and power tails, got {m}")
    return sympy.powsimp(t / (size * (power + 1))).subs(t, side * x)


def _size(e: Any) -> Any:
    """|e| with no bars around what is positive, and -x for |x| toward −oo left as it is."""
    return abs(e) if e.is_number or e.is_Symbol or not isinstance(e, sympy.exp) else e
