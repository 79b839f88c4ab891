"""Depth laws: how δ¹/δᴸ behaves as a chain of equal layers, or of random ones, grows."""

from symgrad.depth.find import depth_law
from symgrad.depth.law import KINDS, DepthLaw
from symgrad.depth.map import LayerMap
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
    "DepthLaw",
    "LayerMap",
    "RandomLaw",
    "Weights",
    "constant_weight",
    "depth_law",
    "initialisations",
    "normal",
    "random_law",
    "signs",
    "simulate",
    "uniform",
]
