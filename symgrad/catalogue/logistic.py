"""Activations made of the logistic function."""

from __future__ import annotations

import sympy
from sympy import exp

from symgrad.activation import Activation, X

__all__ = ["sigmoid", "tanh"]

sigmoid = Activation.from_expr(
    "sigmoid", 1 / (1 + exp(-X)), X, latex=r"\sigma", unicode="σ",
    source="Verhulst 1845, Recherches mathématiques sur la loi d'accroissement de la population",
)  # fmt: skip
tanh = Activation.from_expr(
    "tanh", sympy.tanh(X), X, latex=r"\tanh", unicode="tanh",
    source="LeCun, Bottou, Orr, Müller 1998, Efficient BackProp, section 4.4",
)  # fmt: skip
