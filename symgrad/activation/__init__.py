"""An activation is its record: name, formula, parameters; and the one head g⁽ⁿ⁾(z)."""

from symgrad.activation.function import Univariate, univariate
from symgrad.activation.head import Head, elementary
from symgrad.activation.record import Activation, Definition, Derived, Kink, X

__all__ = [
    "Activation",
    "Definition",
    "Derived",
    "Head",
    "Kink",
    "Univariate",
    "X",
    "elementary",
    "univariate",
]
