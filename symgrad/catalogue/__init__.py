"""The tables of activations: one line of one table is one activation.

Every record is an attribute of this module by its name: `from symgrad.catalogue import sigmoid`.
"""

from __future__ import annotations

from symgrad.activation import Activation
from symgrad.catalogue import algebraic, exponential, logistic, normal, periodic, piecewise
from symgrad.catalogue.table import OFTEN
from symgrad.errors import UnknownNameError

__all__ = ["activation", "activations", "usual"]

_FAMILIES = (logistic, normal, exponential, algebraic, piecewise, periodic)
_ALL: dict[str, Activation] = {g.name: g for family in _FAMILIES for g in family.TABLE}


def activations() -> tuple[Activation, ...]:
    """Every record of the catalogue, in the order of the tables.

    >>> [g.name for g in activations()][:3]
    ['sigmoid', 'tanh', 'log_sigmoid']
    """
    return tuple(_ALL.values())


def activation(name: str) -> Activation:
    """The record of that name; raises `UnknownNameError` with the nearest name otherwise.

    >>> activation("sigmoid")
    sigmoid
    """
    if name not in _ALL:
        raise UnknownNameError("activation", name, _ALL)
    return _ALL[name]


def usual(g: Activation) -> Activation:
    """The record with numbers for the parameters that networks learn; the record if it has none.

    >>> usual(activation("prelu"))
    prelu[alpha=1/4]
    """
    return g.bind(**OFTEN.get(g.name, {}))


def __getattr__(name: str) -> Activation:
    if name in _ALL:
        return _ALL[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ALL})
