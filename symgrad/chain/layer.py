"""A layer: its activation, and what is given of its weight and bias."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from sympy import Expr, Symbol

from symgrad.activation import Activation, Derived, Kink, univariate
from symgrad.chain.notation import exact
from symgrad.errors import InputError

__all__ = ["Layer"]


@dataclass(frozen=True)
class Layer:
    """z = w·a + b and then g(z), or a + g(z) with `skip`.

    `weight` and `bias` are None where they stay symbols, numbers or expressions where they are
    given; `bias=False` leaves the bias out. The activation is any function of one variable: a
    record, `g.d(n)`, a SymPy function, or an expression in one symbol.

    >>> import sympy
    >>> Layer(sympy.tanh, weight=2, bias=False).has_bias
    False
    """

    activation: Any
    weight: Any = None
    bias: Any = None
    skip: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.activation, (Activation, Derived)):
            object.__setattr__(self, "activation", _record(self.activation))
        if self.weight is not None:
            object.__setattr__(self, "weight", exact(self.weight, "a weight"))
        if self.bias is True:
            object.__setattr__(self, "bias", None)
        elif self.bias is not None and self.bias is not False:
            object.__setattr__(self, "bias", exact(self.bias, "a bias"))
        object.__setattr__(self, "skip", bool(self.skip))

    @property
    def g(self) -> Activation | Derived:
        """The activation as a callable head: `g(z)`, `g.d(1)(z)`."""
        return self.activation

    @property
    def bare(self) -> Layer:
        """The layer without its numbers: what layers with the same g and skip share."""
        return Layer(self.g, skip=self.skip)

    @property
    def has_bias(self) -> bool:
        """Whether the layer has a bias at all, given or not."""
        return self.bias is not False

    @property
    def record(self) -> Activation:
        """The activation record behind `g`."""
        return self.g.activation if isinstance(self.g, Derived) else self.g

    @property
    def order(self) -> int:
        """n where g is the n-th derivative of the record."""
        return int(self.g.order) if isinstance(self.g, Derived) else 0

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """The kinks of g, each with the value of g' that is used there."""
        return self.record.kinks if self.order == 0 else ()

    def formula(self, n: int = 0) -> Expr:
        """g⁽ⁿ⁾ in elementary functions of the variable `activation.X`; kinks as stated."""
        return cast("Expr", self.record.derivative(self.order + n).expr)

    @cached_property
    def elementary(self) -> tuple[Expr, Expr]:
        """g and g', elementary, with the stated value of g' at each kink."""
        return self.formula(), self.formula(1)


def _record(f: Any) -> Activation:
    u = univariate(f)
    if not u.expr.has(u.x):
        raise InputError(f"an activation depends on its variable, got the constant {u.expr}")
    undefined = u.expr.free_symbols - {u.x}
    if undefined - {s for s in undefined if isinstance(s, Symbol)}:
        raise InputError(f"an activation is an expression in symbols, got {u.expr}")
    return Activation.from_expr(u.name if u.name.isidentifier() else "g", u.elementary, u.x)
