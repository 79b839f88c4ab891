"""The update maps, and the paths they take.

Gradient descent w ↦ w − η∇f, Newton w ↦ w − H⁻¹∇f, Adagrad w_i ↦ w_i − η g_i/√(Σ g_i²) (Duchi,
Hazan, Singer 2011), on a formula in a few variables or on the cost of a chain. A demonstration of
descent, not a trainer: few variables, exact numbers or numbers of many digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sympy
from flint import arb
from sympy import Expr, Matrix, S, Symbol

from symgrad.chain import Chain
from symgrad.depth.map import exact_number
from symgrad.errors import DomainError, InputError
from symgrad.fact import Derivation, Fact, Proved, Refuted, Step, Undecided, Verdict
from symgrad.render import Block, Para, Shown, Table
from symgrad.rigor import constant, precision, sign
from symgrad.rigor.constants import exact

__all__ = ["Adagrad", "GradientDescent", "Newton", "Trajectory", "invariance", "trajectory"]

ALGEBRA = Proved("exact algebra")
State = tuple[Expr, ...]


def positive_rate(rate: Any) -> Expr:
    """A rate η > 0: an exact number, or a symbol that is declared positive.

    Raises `InputError` otherwise.
    """
    if isinstance(rate, Expr) and rate.free_symbols and rate.is_positive:
        return rate
    eta = exact_number(rate, "the rate")
    if sign(eta) <= 0:
        raise InputError(f"a rate must be positive, got {rate}")
    return eta


@dataclass(frozen=True, slots=True)
class GradientDescent:
    """w ↦ w − η ∇f(w), η = `rate`."""

    rate: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", positive_rate(self.rate))

    def step(self, g: Matrix, H: Callable[[], Matrix], memory: State) -> tuple[Matrix, State]:
        return -self.rate * g, memory


@dataclass(frozen=True, slots=True)
class Newton:
    """w ↦ w − H(w)⁻¹ ∇f(w)."""

    def step(self, g: Matrix, H: Callable[[], Matrix], memory: State) -> tuple[Matrix, State]:
        matrix: Any = H()
        size = matrix.det()
        if size == 0:
            raise DomainError("Newton's step needs an invertible Hessian, got a singular one")
        if matrix.free_symbols:  # Cramer's rule: no fractions in fractions
            return -matrix.adjugate() * g / sympy.factor(size), memory
        return -matrix.LUsolve(g), memory


@dataclass(frozen=True, slots=True)
class Adagrad:
    """w_i ↦ w_i − η g_i/√(Σ g_i² so far), η = `rate`, and no step where all of them are 0."""

    rate: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", positive_rate(self.rate))

    def step(self, g: Matrix, H: Callable[[], Matrix], memory: State) -> tuple[Matrix, State]:
        sums = tuple(s + gi**2 for s, gi in zip(memory, g.flat(), strict=True))
        moves = [
            S.Zero if s == 0 else -self.rate * gi / sympy.sqrt(s)
            for gi, s in zip(g.flat(), sums, strict=True)
        ]
        return Matrix(moves), sums


Method = GradientDescent | Newton | Adagrad


class _Problem(Protocol):
    """What an update map asks of a cost at a point."""

    variables: tuple[Symbol, ...]

    def at(self, point: State) -> tuple[Expr, State, Callable[[], Matrix]]:
        """f, ∇f and, on request, the Hessian."""
        ...


class _Formula:
    def __init__(self, f: Expr, variables: tuple[Symbol, ...], digits: int | None) -> None:
        foreign = f.free_symbols - set(variables)
        if foreign:
            raise InputError(f"f must be a function of {variables}, and has {foreign} too")
        self.f, self.variables = f, variables
        self.slopes = Matrix([f.diff(v) for v in variables])
        self.digits = digits
        self.bends: Any = None

    def at(self, point: State) -> tuple[Expr, State, Callable[[], Matrix]]:
        at = dict(zip(self.variables, point, strict=True))

        def hessian() -> Matrix:
            if self.bends is None:
                self.bends = self.slopes.jacobian(self.variables)
            return self.bends.xreplace(at).applyfunc(self._fix)

        gradient = self.slopes.xreplace(at).applyfunc(self._fix)
        return self._fix(self.f.xreplace(at)), tuple(gradient), hessian

    def _fix(self, e: Any) -> Expr:
        value = e if self.digits is None else sympy.N(e, self.digits)
        if value.is_extended_real is False or value.is_finite is False:
            raise DomainError(f"f or a derivative of it is not a real number here: {value}")
        return value


class _Cost:
    """The mean cost of a chain over samples (x, y), by its straight-line program in balls."""

    def __init__(
        self, chain: Chain, start: dict[Symbol, Expr], samples: Sequence[Any], digits: int
    ) -> None:
        self.chain, self.bits = chain, int(3.33 * digits) + 32
        self.variables = chain.parameters
        whole = [dict(zip(("x", "y"), pair, strict=True)) for pair in samples] or [{}]
        self.samples = [
            {s.name: v for s, v in chain.point({**start, **sample}).items()} for sample in whole
        ]

    def at(self, point: State) -> tuple[Expr, State, Callable[[], Matrix]]:
        names = [v.name for v in self.variables]
        here = dict(zip(names, point, strict=True))
        count = len(self.samples)
        with precision(self.bits):
            total = [arb(0)] * (1 + len(names))
            for sample in self.samples:
                balls = {n: constant(v, self.bits) for n, v in {**sample, **here}.items()}
                found = self.chain.program.balls(balls, self.bits)
                total = [t + found[n] for t, n in zip(total, ("C", *names), strict=True)]
            cost, *gradient = (self._number(t / count) for t in total)

        def hessian() -> Matrix:
            n, hessian = len(names), self.chain.hessian()
            with precision(self.bits):
                parts = [hessian.at({**s, **here}, self.bits).dense() for s in self.samples]
                mean = lambda i, j: sum((p[int(i)][int(j)] for p in parts), arb(0)) / count
                return Matrix(n, n, lambda i, j: self._number(mean(i, j)))

        return cost, tuple(gradient), hessian

    def _number(self, ball: arb) -> Expr:
        if not ball.is_finite():
            raise DomainError("the cost or a gradient is not a finite number here")
        return sympy.Float(exact(ball.mid()), precision=self.bits)


@dataclass(frozen=True, slots=True)
class Trajectory(Shown):
    """The points w_0, w_1, ... of an update map, with f and ∇f at each.

    `interrupted` where it was stopped before its last step; `samples` counts those of a chain.
    """

    method: Method
    variables: tuple[Symbol, ...]
    points: tuple[State, ...]
    values: tuple[Expr, ...]
    gradients: tuple[State, ...]
    interrupted: bool = False
    samples: int = 1

    def first(self, holds: Callable[[State], bool]) -> int | None:
        """The number of the first point with the property, or None."""
        return next((k for k, point in enumerate(self.points) if holds(point)), None)

    def gradient_heights(self, prefix: str = "w__") -> dict[Symbol, tuple[float, ...]]:
        """log₁₀|∂f/∂v| at each step for the variables whose name starts so; −inf at zero."""
        return {
            v: tuple(
                float(sympy.log(abs(g[k]), 10).n(15)) if g[k] != 0 else -float("inf")
                for g in self.gradients
            )
            for k, v in enumerate(self.variables)
            if v.name.startswith(prefix)
        }

    def _blocks(self) -> Iterable[Block]:
        last = len(self.points) - 1
        shown = sorted({k for k in (0, 1, 2, 3, last // 2, last) if 0 <= k <= last})
        head = ("n", *self.variables, "f", "size of the gradient")
        rows = []
        for k in shown:
            size = sympy.sqrt(sum((g**2 for g in self.gradients[k]), S.Zero))
            numbers = (*self.points[k], self.values[k], size)
            rows.append((str(k), *(str(sympy.N(v, 8)) for v in numbers)))
        yield Table(head, tuple(rows), str(self.method))
        if self.interrupted:
            yield Para(f"Interrupted after {last} steps.")
        if self.samples > 1:
            yield Para(
                f"The mean cost of {self.samples} samples: the theorems on critical points are "
                "about one."
            )


def trajectory(
    f: Expr | Chain,
    start: Mapping[Any, Any],
    steps: int,
    method: Method,
    *,
    digits: int | None = 30,
    samples: Sequence[tuple[Any, Any]] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Trajectory:
    """`steps` updates of the variables in `start`, in `digits` digits, or exactly with None.

    f is a formula, or a chain: then its weights and biases move, x and y stay, and with `samples`
    (pairs x, y) the cost is their mean. With more than one sample the theorems on the critical
    points of a chain do not apply. An interrupt gives back the points so far.

    Raises `InputError` where f has other symbols or a start is not a real number, `DomainError`
    where a step is not defined.

    >>> from sympy import Rational, Symbol
    >>> x = Symbol("x", real=True)
    >>> trajectory(x**2, {x: 1}, 3, GradientDescent(Rational(1, 4)), digits=None).points
    ((1,), (1/2,), (1/4,), (1/8,))
    """
    if steps < 0 or (digits is not None and digits < 1):
        raise InputError(f"steps >= 0 and digits >= 1 are needed, got {steps} and {digits}")
    if not isinstance(method, Method):
        raise InputError(f"a method is GradientDescent, Newton or Adagrad, got {method!r}")
    problem: _Problem
    if isinstance(f, Chain):
        if digits is None:
            raise InputError("the path of a chain is in digits, not exact: give digits=")
        first = dict(zip("xy", samples[0], strict=True)) if samples else {}
        whole = f.point({**start, **first})
        problem = _Cost(f, whole, samples, digits)
        point = tuple(sympy.N(whole[v], digits) for v in problem.variables)
    else:
        if samples:
            raise InputError("samples belong to a chain; a formula has its numbers in it")
        problem = _Formula(sympy.sympify(f, strict=True), tuple(start), digits)
        numbers = [exact_number(v, f"the start of {name}") for name, v in start.items()]
        point = tuple(v if digits is None else sympy.N(v, digits) for v in numbers)
    memory: State = (S.Zero,) * len(point)
    rows: list[tuple[State, Expr, State]] = []
    stopped = False
    try:
        for k in range(steps + 1):
            value, gradient, hessian = problem.at(point)
            rows.append((point, value, gradient))
            if k < steps:
                move, memory = method.step(Matrix(gradient), hessian, memory)
                ends = (p + m for p, m in zip(point, move.flat(), strict=True))
                point = tuple(e if digits is None else sympy.N(e, digits) for e in ends)
                if progress is not None:
                    progress(k + 1, steps)
    except KeyboardInterrupt:
        stopped = True
        if not rows:
            raise
    points, values, gradients = zip(*rows, strict=True)
    seen = max(1, len(samples))
    return Trajectory(method, problem.variables, points, values, gradients, stopped, seen)


def _affine_family(method: Method) -> Matrix:
    """The matrices of two variables for which the theorem on the method holds, with symbols."""
    if isinstance(method, GradientDescent):
        a, b = sympy.symbols("a b", real=True)
        return Matrix([[a, -b], [b, a]])
    if isinstance(method, Newton):
        return Matrix(2, 2, sympy.symbols("a_11 a_12 a_21 a_22", real=True))
    return sympy.diag(*sympy.symbols("k_1 k_2", positive=True))


def invariance(method: Method, A: Any = None) -> Fact:
    """What the method does on c f(A x + b), c > 0, in terms of its step on f, for every f and b.

    By the chain rule the gradient is c Aᵀ∇f and the Hessian c AᵀHA at y = A x + b, so that y moves

    - by gradient descent as on f with the rate η c k², where A Aᵀ = k² (turns and one scale);
    - by Newton's method as on f, for every invertible A;
    - by Adagrad as on f with the rates η |A_ii|, where A is diagonal: x moves as if A were 1.

    Without A the theorem is shown for every such matrix of two variables; for a given A it is
    proved, or refuted by a gradient at which the two steps differ.

    Raises `InputError` where A is not square or not invertible.

    >>> invariance(Newton(), [[1, 2], [3, 4]]).verdict
    Proved(by='exact algebra')
    >>> turned, sheared = [[3, -4], [4, 3]], [[1, 1], [0, 1]]
    >>> [bool(invariance(GradientDescent(1), M).verdict) for M in (turned, sheared)]
    [True, False]
    >>> invariance(Adagrad(1), [[1, -1], [1, 1]]).verdict.at
    (2, 3)
    """
    M: Any = _affine_family(method) if A is None else Matrix(A)
    if M.rows != M.cols or M.det() == 0:
        raise InputError(f"a change of variables needs an invertible matrix, got {M.tolist()}")
    n, (c, eta) = M.rows, sympy.symbols("c eta", positive=True)
    g = Matrix(sympy.symbols(f"g_1:{n + 1}", real=True))
    H = Matrix(n, n, lambda i, j: Symbol(f"h_{min(i, j) + 1}{max(i, j) + 1}", real=True))
    past: Any = (S.Zero,) * n
    if isinstance(method, GradientDescent):
        method = GradientDescent(eta)
        wanted, words = -eta * c * (M * M.T)[0, 0] * g, "rate times c k²"
    elif isinstance(method, Newton):
        wanted, words = -H.adjugate() * g / H.det(), "the same step"
    else:
        method = Adagrad(eta)
        if M.is_diagonal():  # otherwise the sums of squares mix, and the first step tells
            past = sympy.symbols(f"s_1:{n + 1}", positive=True)
        sizes = zip(M.diagonal(), g.flat(), past, strict=True)
        wanted = Matrix([-eta * abs(k) * e / sympy.sqrt(s + e**2) for k, e, s in sizes])
        words = "rates times the sizes of the diagonal"
    before = tuple((c * k) ** 2 * s for k, s in zip(M.diagonal(), past, strict=True))
    move, _ = method.step(c * M.T * g, lambda: c * M.T * H * M, before)
    under_root = lambda e: e.is_Pow and e.exp.is_Rational and not e.exp.is_Integer
    tidy = lambda e: sympy.cancel(e.replace(under_root, lambda r: sympy.factor(r.base) ** r.exp))
    gap = (M * move - wanted).applyfunc(tidy)
    claim = sympy.Eq(
        sympy.MatMul(sympy.ImmutableMatrix(M), sympy.MatrixSymbol("Delta_x", n, 1)),
        sympy.ImmutableMatrix(wanted),
        evaluate=False,
    )
    because = f"the step in y = A x + b is the method's step on f with {words}"
    name = type(method).__name__.lower()
    step = Step(claim, because, _no_gap(gap, g))
    return Fact(f"descent.{name}.invariance", claim, Derivation((step,)))


def _no_gap(gap: Any, g: Any) -> Verdict:
    """Whether two steps are the same; if not, at primes in place of their symbols they differ."""
    if gap.is_zero_matrix:
        return ALGEBRA
    names = [*g, *sorted(gap.free_symbols - set(g), key=str)]
    at = {v: sympy.prime(k) for k, v in enumerate(names, 1)}
    values = [e.xreplace(at) for e in gap]
    if all(sign(e) == 0 for e in values):
        return Undecided(f"the steps are the same at {at}, and not shown to be everywhere")
    shown = ", ".join(map(str, values))
    return Refuted(sympy.Tuple(*(at[v] for v in g)), f"the steps differ by {shown} there")
