"""Activations that are put together from pieces."""

from __future__ import annotations

from sympy import Piecewise, Rational, S, Symbol

from symgrad.activation import Activation, Kink, X

__all__ = ["identity", "leaky_relu", "relu"]

_ALPHA = Symbol("alpha", positive=True)

identity = Activation.from_expr("identity", X, X, latex=r"\mathrm{id}", source="by definition")
relu = Activation.from_expr(
    "relu", Piecewise((X, X > 0), (0, True)), X, latex=r"\mathrm{ReLU}",
    source="Nair, Hinton 2010, Rectified linear units improve restricted Boltzmann machines",
    kinks=[Kink(S.Zero, S.Zero, "the value 0 of the left side, as in PyTorch and JAX")],
)  # fmt: skip
leaky_relu = Activation.from_expr(
    "leaky_relu", Piecewise((X, X > 0), (_ALPHA * X, True)), X, latex=r"\mathrm{LReLU}",
    defaults={_ALPHA: Rational(1, 100)},
    source="Maas, Hannun, Ng 2013, Rectifier nonlinearities improve neural network acoustic models",
    kinks=[Kink(S.Zero, _ALPHA, "the slope of the left side, as in PyTorch and JAX")],
)  # fmt: skip
