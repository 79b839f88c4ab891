"""Kernels: NumPy functions that are accurate on the whole floating-point line."""

from __future__ import annotations

from symgrad.kernels.kernel import Kernel, lambdify

__all__ = ["Kernel", "lambdify"]
