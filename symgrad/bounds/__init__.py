"""Global facts about functions of one variable, proved: sup, inf, zeros, Lipschitz constants."""

from symgrad.bounds.extrema import Extrema, Extremum, extrema
from symgrad.bounds.saturation import Lipschitz, Saturation, lipschitz, saturation
from symgrad.bounds.waves import Cells, CellZero
from symgrad.bounds.zeros import Signs, Zeros, monotone, signs, zeros

__all__ = [
    "CellZero",
    "Cells",
    "Extrema",
    "Extremum",
    "Lipschitz",
    "Saturation",
    "Signs",
    "Zeros",
    "extrema",
    "lipschitz",
    "monotone",
    "saturation",
    "signs",
    "zeros",
]
