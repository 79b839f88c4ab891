"""Depth laws: how δ¹/δᴸ behaves as a chain of equal layers, or of random ones, grows."""

from symgrad.depth.find import depth_law
from symgrad.depth.law import KINDS, DepthLaw
from symgrad.depth.map import LayerMap
from symgrad.depth.phase import Basin, Phase, boundaries, phase
from symgrad.depth.random import (
    RandomLaw,
    Weights,
    constant_weight,
    initialisations,
    normal,
    random_law,
    signs,
    simulate,
    uniform,
)

__all__ = [
    "KINDS",
    "Basin",
    "DepthLaw",
    "LayerMap",
    "Phase",
    "RandomLaw",
    "Weights",
    "boundaries",
    "constant_weight",
    "depth_law",
    "initialisations",
    "normal",
    "phase",
    "random_law",
    "signs",
    "simulate",
    "uniform",
]
