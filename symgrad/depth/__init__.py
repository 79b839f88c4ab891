"""Depth laws: how δ¹/δᴸ behaves as a chain of equal layers grows."""

from symgrad.depth.find import depth_law
from symgrad.depth.law import KINDS, DepthLaw
from symgrad.depth.map import LayerMap

__all__ = ["KINDS", "DepthLaw", "LayerMap", "depth_law"]
