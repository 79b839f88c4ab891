"""Values to a wanted accuracy, by two independent roads: mpmath and Arb."""

from symgrad.oracle.edges import Edge, edges
from symgrad.oracle.enclosed import arb_values, exact_value, nearest
from symgrad.oracle.formats import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    Format,
    Kind,
    Values,
    format_of,
    round_fraction,
    rounded,
    ulps,
)
from symgrad.oracle.mp import mp_values
from symgrad.oracle.points import around, points, product_points
from symgrad.oracle.roads import DisagreementError, true_values
from symgrad.oracle.value import digits_of, enclosure

__all__ = [
    "BFLOAT16",
    "FLOAT16",
    "FLOAT32",
    "FLOAT64",
    "DisagreementError",
    "Edge",
    "Format",
    "Kind",
    "Values",
    "arb_values",
    "around",
    "digits_of",
    "edges",
    "enclosure",
    "exact_value",
    "format_of",
    "mp_values",
    "nearest",
    "points",
    "product_points",
    "round_fraction",
    "rounded",
    "true_values",
    "ulps",
]
