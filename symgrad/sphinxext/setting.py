"""A result's document blocks as JSON, set by the worker: every formula both as LaTeX and as text.

The JSON is what the shelf keeps, so a build that finds everything there imports no SymPy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sympy import And, Basic
from sympy.core.relational import Relational

from symgrad.render import Block, Formula, Listing, Para, Section, Steps, Table, latex, text

__all__ = ["Answer", "Drawing", "broken", "set_blocks"]

_RELATION = {"<=": r"\leq", ">=": r"\geq", "~": r"\sim", "!=": r"\neq", "==": "="}
WIDTH = 80
"""How many glyphs a row of a displayed formula holds before it is broken."""


@dataclass(frozen=True)
class Drawing:
    """A figure: `draw()` gives a matplotlib figure, `alt` says in words what it shows.

    `caption` stands below it where the page gives none.
    """

    draw: Callable[[], Any]
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Answer:
    """What a directive shows: blocks; `label` is the formula that the option :label: numbers.

    `failed` holds what is wrong with the claims shown, `facts` the ids of the facts.
    """

    blocks: tuple[Block | Drawing, ...]
    label: Formula | None = None
    failed: tuple[str, ...] = ()
    facts: tuple[str, ...] = field(default=())


def set_blocks(
    blocks: Iterable[Block | Drawing],
    *,
    label: Formula | None = None,
    save: Callable[[Drawing], str],
) -> list[Any]:
    """The blocks as lists that JSON holds; `save(drawing)` writes a figure and names its file."""

    def cell(part: str | Basic) -> Any:
        return part if isinstance(part, str) else {"latex": latex(part), "text": text(part)}

    def write(block: Block | Drawing) -> list[Any]:
        match block:
            case Para(parts=parts):
                return ["para", [cell(part) for part in parts]]
            case Formula():
                return ["formula", *_formula(block), block is label]
            case Table(head=head, rows=rows, caption=caption):
                return ["table", [*map(cell, head)], [[*map(cell, row)] for row in rows], caption]
            case Steps(items=items):
                return ["steps", [[write(inner) for inner in item] for item in items]]
            case Listing(code=code, language=language):
                return ["listing", code, language]
            case Section(title=title, blocks=inner):
                return ["section", title, [write(part) for part in inner]]
            case Drawing(alt=alt, caption=caption):
                return ["figure", save(block), alt, caption]
        raise TypeError(f"not a block: {block!r}")

    return [write(block) for block in blocks]


def _formula(formula: Formula) -> tuple[str, str]:
    sides, relation = formula.sides, formula.relation
    if len(sides) == 1 and isinstance(sides[0], Relational):
        whole: Any = sides[0]
        sides, relation = (whole.lhs, whole.rhs), whole.rel_op
    words = f" {relation} ".join(map(text, sides)).replace(" == ", " = ")
    if len(sides) == 1 and isinstance(sides[0], And) and len(latex(sides[0])) > WIDTH:
        return r" \\ ".join(f"& {latex(part)}" for part in sides[0].args), words
    return broken([latex(side) for side in sides], _RELATION.get(relation, relation)), words


def broken(sides: list[str], relation: str = "=", width: int = WIDTH) -> str:
    r"""The LaTeX of `sides[0] = sides[1] = ...`, in aligned rows where it is wider than `width`.

    A row is broken before a plus or minus that stands in no bracket.

    >>> broken(["a", "b + c"])
    'a = b + c'
    >>> broken(["a", "b + c"], width=3)
    'a & = b \\\\ & \\quad + c'
    """
    line = f" {relation} ".join(sides)
    if _width(line) <= width:
        return line
    if len(sides) == 1:
        first, *rest = _packed(_terms(sides[0]), width)
        return r" \\ ".join([f"& {first}", *(rf"& \quad {row}" for row in rest)]) if rest else first
    rows = []
    for number, side in enumerate(sides[1:]):
        room = width - (_width(sides[0]) if number == 0 else 0)
        head, *rest = _packed(_terms(side), max(room, width // 2))
        rows.append(f"{sides[0] if number == 0 else ''} & {relation} {head}".strip())
        rows += [rf"& \quad {row}" for row in rest]
    if len(rows) == 1:
        return line
    return r" \\ ".join(rows)


def _width(formula: str) -> int:
    """About how many glyphs the formula has; both halves of a fraction are counted."""
    flat = re.sub(r"\\(left|right|quad|begin|end|operatorname|mathrm|[,;!])|[\s^_{}]", "", formula)
    return len(re.sub(r"\\[A-Za-z]+", "x", flat))


def _terms(formula: str) -> list[str]:
    """The formula cut before each plus or minus that stands outside all brackets."""
    depth, start, cuts = 0, 0, []
    for token in re.finditer(r"\\(left|right|begin|end)\b|\\.|[{}()\[\]]| [+-] ", formula):
        found = token.group()
        if found in ("\\left", "\\begin", "{", "(", "["):
            depth += 1 if found in ("\\left", "\\begin", "{") else 0
        elif found in ("\\right", "\\end", "}"):
            depth -= 1
        elif found.strip() in ("+", "-") and depth == 0:
            cuts.append(formula[start : token.start()].strip())
            start = token.start()
    return [part for part in (*cuts, formula[start:].strip()) if part]


def _packed(terms: list[str], width: int) -> list[str]:
    """The terms put into as few rows of that width as they need, in order."""
    rows = [terms[0]]
    for term in terms[1:]:
        if _width(f"{rows[-1]} {term}") <= width:
            rows[-1] += f" {term}"
        else:
            rows.append(term)
    return rows
