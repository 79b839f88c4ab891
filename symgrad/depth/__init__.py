"""Depth laws: how δ¹/δᴸ behaves as a chain of equal layers, or of random ones, grows."""

from symgrad.depth.find import depth_law
from symgrad.depth.law import KINDS, DepthLaw
from symgrad.depth.map import LayerMap
from symgrad.depth.mean import Mean, mean_log_slope
from symgrad.depth.phase import Basin, Phase, boundaries, phase
from symgrad.depth.random import (
    Comparison,
    RandomLaw,
    Weights,
    compare_initialisations,
    constant_weight,
    distributed,
    initialisations,
    normal,
    random_law,
    sampled,
    signs,
    simulate,
    uniform,
)

__all__ = [
    "KINDS",
    "Basin",
    "Comparison",
    "DepthLaw",
    "LayerMap",
    "Mean",
    "Phase",
    "RandomLaw",
    "Weights",
    "boundaries",
    "compare_initialisations",
    "constant_weight",
    "depth_law",
    "distributed",
    "initialisations",
    "mean_log_slope",
    "normal",
    "phase",
    "random_law",
    "sampled",
    "signs",
    "simulate",
    "uniform",
]
