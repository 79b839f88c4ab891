"""Activations with algebraic tails."""

from __future__ import annotations

from sympy import atan

from symgrad.activation import Activation, X

__all__ = ["arctan"]

arctan = Activation.from_expr("arctan", atan(X), X, latex=r"\arctan", source="DLMF 4.23(ii)")
