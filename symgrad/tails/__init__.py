"""Tails: expansions at ±oo with a proved remainder, tail classes, and comparisons."""

from symgrad.tails.audit import Audit
from symgrad.tails.build import tail
from symgrad.tails.classify import TailClass
from symgrad.tails.compare import Comparison, compare
from symgrad.tails.leading import Leading, leading
from symgrad.tails.statement import BTerm
from symgrad.tails.tail import Remainder, Tail

__all__ = [
    "Audit",
    "BTerm",
    "Comparison",
    "Leading",
    "Remainder",
    "Tail",
    "TailClass",
    "compare",
    "leading",
    "tail",
]
