"""Global facts about functions of one variable, proved: sup and inf with the points that take them."""

from symgrad.bounds.extrema import Extrema, Extremum, extrema

__all__ = ["Extrema", "Extremum", "extrema"]
