"""The document: a tuple of blocks that text, LaTeX, HTML and Sphinx each write in their own way.

A result says what it shows once, as `_blocks()`; the mixin `Shown` makes every display protocol
(terminal, IPython, Jupyter) out of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sympy import Basic

__all__ = ["Block", "Cell", "Formula", "Listing", "Para", "Section", "Shown", "Steps", "Table"]

Cell = str | Basic
"""Plain words, or a formula set inline."""


@dataclass(frozen=True)
class Para:
    """Words and inline formulas in one paragraph: `Para("where ", x, " is real")`."""

    parts: tuple[Cell, ...]

    def __init__(self, *parts: Cell) -> None:
        object.__setattr__(self, "parts", parts)


@dataclass(frozen=True)
class Formula:
    """One displayed formula, or a chain a = b = c when several sides are given."""

    sides: tuple[Basic, ...]
    relation: str = "="

    def __init__(self, *sides: Basic, relation: str = "=") -> None:
        object.__setattr__(self, "sides", sides)
        object.__setattr__(self, "relation", relation)


@dataclass(frozen=True)
class Table:
    """A table with a head; a cell is words or a formula."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(f"a row has {len(row)} cells under a head of {len(self.head)}")


@dataclass(frozen=True)
class Steps:
    """Numbered steps, each a tuple of blocks."""

    items: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True)
class Listing:
    """Source code, shown as it is."""

    code: str
    language: str = "python"


@dataclass(frozen=True)
class Section:
    """A titled part of a document."""

    title: str
    blocks: tuple[Block, ...] = field(default=())


Block = Para | Formula | Table | Steps | Listing | Section


class Shown:
    """Mixin: a result that implements `_blocks()` shows itself everywhere.

    `repr` and `str` are plain text, as SymPy's are; IPython shows Unicode where the terminal has
    it, Jupyter HTML or LaTeX.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        # in the class itself, where a dataclass keeps what it finds and IPython looks first
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = Shown.__str__  # type: ignore[method-assign]
        if "_repr_pretty_" not in cls.__dict__:
            cls._repr_pretty_ = Shown._repr_pretty_  # type: ignore[method-assign]

    def _blocks(self) -> Iterable[Block]:
        raise TypeError(f"{type(self).__name__} must implement _blocks()")

    def __str__(self) -> str:
        from symgrad.render.plain import to_text

        return to_text(self._blocks())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        from symgrad.render.formula import text
        from symgrad.render.line import line
        from symgrad.render.plain import to_text

        unicode = (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
        width = getattr(printer, "max_width", 79)
        shown = to_text(self._blocks(), width=width, formula=line if unicode else text)
        rows = shown.strip("\n").split("\n")
        for number, row in enumerate(rows if len(rows) > 1 else [rows[0].strip()]):
            if number:
                printer.break_()
            printer.text(row)

    def _repr_latex_(self) -> str:
        from symgrad.render.tex import to_latex

        return to_latex(self._blocks())

    def _repr_html_(self) -> str:
        from symgrad.render.html import to_html

        return to_html(self._blocks())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # not text/plain: IPython would take it instead of `_repr_pretty_`
        return {"text/latex": self._repr_latex_(), "text/html": self._repr_html_()}
