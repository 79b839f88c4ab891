"""Update maps on small problems and on the cost of a chain, and what is exactly true of them."""

from symgrad.descent.maps import (
    Adagrad,
    GradientDescent,
    Newton,
    Trajectory,
    invariance,
    trajectory,
)
from symgrad.descent.plateau import escape_time, newton_step
from symgrad.descent.quadratic import QuadraticLaw, quadratic_law

__all__ = [
    "Adagrad",
    "GradientDescent",
    "Newton",
    "QuadraticLaw",
    "Trajectory",
    "escape_time",
    "invariance",
    "newton_step",
    "quadratic_law",
    "trajectory",
]
