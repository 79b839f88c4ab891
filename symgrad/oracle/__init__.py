"""Values to a wanted accuracy, by two independent roads: mpmath and Arb."""

from symgrad.oracle.value import digits_of, enclosure

__all__ = ["digits_of", "enclosure"]
