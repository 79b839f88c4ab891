"""Global facts about functions of one variable, proved: sup, inf, zeros, Lipschitz constants."""

from symgrad.bounds.extrema import Extrema, Extremum, extrema

__all__ = ["Extrema", "Extremum", "extrema"]
