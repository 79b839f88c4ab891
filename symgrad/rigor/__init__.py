"""Rigorous evaluation: a SymPy expression becomes a program on Arb balls."""

from symgrad.rigor.balls import (
    contains_zero,
    interval,
    lower,
    precision,
    sign_of,
    union,
    upper,
)
from symgrad.rigor.constants import constant, sign
from symgrad.rigor.enclosure import Enclosure
from symgrad.rigor.program import Program, program

__all__ = [
    "Enclosure",
    "Program",
    "constant",
    "contains_zero",
    "interval",
    "lower",
    "precision",
    "program",
    "sign",
    "sign_of",
    "union",
    "upper",
]
