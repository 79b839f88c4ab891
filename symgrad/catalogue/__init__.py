"""The tables of activations: one record is one activation, and this is the only list of them."""

from __future__ import annotations

from symgrad.activation import Activation
from symgrad.catalogue.algebraic import arctan
from symgrad.catalogue.logistic import sigmoid, tanh
from symgrad.catalogue.piecewise import identity, leaky_relu, relu
from symgrad.errors import UnknownNameError

__all__ = ["activation", "activations", "arctan", "identity", "leaky_relu", "relu", "sigmoid", "tanh"]

_ALL: dict[str, Activation] = {g.name: g for g in (sigmoid, tanh, arctan, relu, leaky_relu, identity)}


def activations() -> tuple[Activation, ...]:
    """Every record of the catalogue, in the order of the tables."""
    return tuple(_ALL.values())


def activation(name: str) -> Activation:
    """The record of that name; raises `UnknownNameError` with the nearest name otherwise.

    >>> activation("sigmoid")
    sigmoid
    """
    if name not in _ALL:
        raise UnknownNameError("activation", name, _ALL)
    return _ALL[name]
