"""Tails: expansions at ±oo with a proved remainder, tail classes, and comparisons."""

from symgrad.tails.build import tail
from symgrad.tails.statement import BTerm
from symgrad.tails.tail import Remainder, Tail

__all__ = ["BTerm", "Remainder", "Tail", "tail"]
