"""Formulas and documents as text, LaTeX and HTML; this room knows no other room of symgrad."""

from symgrad.render.blocks import Block, Formula, Listing, Para, Section, Shown, Steps, Table
from symgrad.render.formula import latex, text
from symgrad.render.html import to_html
from symgrad.render.line import line
from symgrad.render.plain import to_text
from symgrad.render.tex import to_latex

__all__ = [
    "Block",
    "Formula",
    "Listing",
    "Para",
    "Section",
    "Shown",
    "Steps",
    "Table",
    "latex",
    "line",
    "text",
    "to_html",
    "to_latex",
    "to_text",
]
