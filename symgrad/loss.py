"""Costs c(a, y) of the last activation a and the target y: one line of the table is one cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy
from sympy import Expr, Piecewise, Symbol, cosh, exp, log, sinh, tanh

from symgrad.activation import Kink, elementary
from symgrad.calculus import smooth_derivative
from symgrad.errors import InputError, UnknownNameError

__all__ = [
    "A",
    "Loss",
    "Y",
    "absolute_error",
    "cross_entropy",
    "cross_entropy_on_logits",
    "hinge",
    "huber",
    "log_cosh",
    "loss",
    "losses",
    "squared_error",
]

A = Symbol("a", real=True)
Y = Symbol("y", real=True)
_DELTA = Symbol("delta", positive=True)


@dataclass(frozen=True)
class Loss:
    """c(a, y) as a formula in the symbols `A` and `Y`, and in parameters that have values.

    `kinks` are the a, in terms of y, where ∂c/∂a is not continuous, with the value used there.

    Raises `InputError` where the formula has a symbol that is none of these.

    >>> squared_error.da, huber.bind(delta=2)(A, 0)
    (a - y, Piecewise((-2*a - 2, a < -2), (a**2/2, a <= 2), (2*a - 2, True)))
    """

    name: str
    formula: Expr
    source: str = ""
    domain: str = ""
    """Where a and y must lie for c to be what it is meant to be, in words."""
    kinks: tuple[Kink, ...] = ()
    family: Expr | None = None
    """The formula with its parameters as symbols, where it has any."""

    def __post_init__(self) -> None:
        if not isinstance(self.formula, Expr):
            raise InputError(f"a cost is a formula in a and y, got {self.formula!r} in {self.name}")
        foreign = sorted(map(str, self.formula.free_symbols - {A, Y}))
        if foreign:
            raise InputError(
                f"a cost is a formula in a and y, got the symbols {foreign} in {self.name}"
            )

    def __call__(self, a: Any, y: Any) -> Any:
        table: Any = {A: sympy.sympify(a), Y: sympy.sympify(y)}
        return self.formula.subs(table, simultaneous=True)

    @cached_property
    def da(self) -> Expr:
        """∂c/∂a; at a kink the value that `kinks` states."""
        return _slope(self.formula)

    @cached_property
    def daa(self) -> Expr:
        """∂²c/∂a², off the kinks."""
        return _slope(self.da)

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """The symbols that `bind` gives values."""
        found = set() if self.family is None else self.family.free_symbols - {A, Y}
        return tuple(sorted((s for s in found if isinstance(s, Symbol)), key=str))

    def bind(self, **values: Any) -> Loss:
        """The same cost with parameters given: `huber.bind(delta=2)`."""
        table = {p.name: p for p in self.parameters}
        if values.keys() != table.keys():
            known = ", ".join(table) or "none"
            raise InputError(f"{self.name} has the parameters: {known}; got {sorted(values)}")
        given: Any = {table[k]: sympy.sympify(v, strict=True) for k, v in values.items()}
        for symbol, value in given.items():
            if symbol.is_positive and not value.is_positive:
                raise InputError(f"{self.name} needs a positive {symbol}, got {value}")
        formula: Any = self.family.subs(given) if self.family is not None else self.formula
        return replace(self, formula=formula)

    @classmethod
    def from_callable(cls, name: str, c: Callable[[Expr, Expr], Expr]) -> Loss:
        """The cost c(a, y) that a Python function writes down.

        >>> Loss.from_callable("fourth", lambda a, y: (a - y) ** 4).da
        4*(a - y)**3
        """
        formula: Any = sympy.sympify(c(A, Y), strict=True)
        bent = formula.atoms(sympy.Max, sympy.Min, sympy.Heaviside)
        return cls(name, formula.xreplace({e: elementary(e) for e in bent}))


def _slope(expr: Any) -> Any:
    """∂/∂a, of pieces piece by piece; sinh/cosh comes out as tanh."""
    if isinstance(expr, Piecewise):
        pairs: Any = expr.args
        return Piecewise(*((_slope(part), on) for part, on in pairs))
    if expr.has(Piecewise, sympy.Abs, sympy.sign):
        slope = expr.diff(A)
        return slope.xreplace(dict.fromkeys(slope.atoms(sympy.DiracDelta), sympy.S.Zero))
    slope = sympy.Add(*(smooth_derivative(t, A, 1) for t in expr.as_independent(Y, as_Add=True)))
    for gap in {c.args[0] for c in slope.atoms(cosh)}:
        slope = slope.subs(sinh(gap) / cosh(gap), tanh(gap))
    return slope


u = A - Y
outer = _DELTA * u - _DELTA**2 / 2
huber_family = Piecewise(
    (outer.xreplace({A: -A, Y: -Y}), u < -_DELTA), (u**2 / 2, u <= _DELTA), (outer, True)
)
COX = "Cox 1958, The regression analysis of binary sequences"

squared_error = Loss(
    "squared_error", u**2 / 2, "Legendre 1805, Nouvelles méthodes pour la détermination des orbites"
)
absolute_error = Loss(
    "absolute_error", sympy.Abs(u), "Boscovich 1757; Laplace 1793",
    kinks=(Kink(Y, sympy.S.Zero, "the subgradient 0, as in PyTorch and JAX"),),
)  # fmt: skip
cross_entropy = Loss(
    "cross_entropy", -Y * log(A) - (1 - Y) * log(1 - A), COX, "0 < a < 1, 0 <= y <= 1"
)
cross_entropy_on_logits = Loss(
    "cross_entropy_on_logits", log(1 + exp(-A)) + A - A * Y, f"{COX}; a is the logit",
    "0 <= y <= 1",
)  # fmt: skip
hinge = Loss(
    "hinge", Piecewise((1 - Y * A, Y * A < 1), (0, True)),
    "Cortes, Vapnik 1995, Support-vector networks", "y = -1 or y = 1",
    (Kink(1 / Y, sympy.S.Zero, "the slope 0 of the flat side, where y a = 1"),),
)  # fmt: skip
log_cosh = Loss(
    "log_cosh", log(cosh(u)), "Green 1990, Bayesian reconstructions from emission tomography data"
)
huber = Loss(
    "huber", huber_family.subs(_DELTA, 1),
    "Huber 1964, Robust estimation of a location parameter, eq. 1.2", family=huber_family,
)  # fmt: skip

_ALL = {
    c.name: c
    for c in (squared_error, absolute_error, cross_entropy, cross_entropy_on_logits, hinge,
              log_cosh, huber)
}  # fmt: skip


def losses() -> tuple[Loss, ...]:
    """Every cost of the table."""
    return tuple(_ALL.values())


def loss(name: str) -> Loss:
    """The cost of that name; raises `UnknownNameError` with the nearest name otherwise.

    >>> loss("huber").source
    'Huber 1964, Robust estimation of a location parameter, eq. 1.2'
    """
    if name not in _ALL:
        raise UnknownNameError("cost", name, _ALL)
    return _ALL[name]
