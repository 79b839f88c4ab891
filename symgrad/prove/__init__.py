"""Inequalities in one variable: proved with a certificate, refuted with a witness, or open."""

from symgrad.prove.inequality import Inequality, prove

__all__ = ["Inequality", "prove"]
