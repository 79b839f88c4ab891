"""A result's document blocks as docutils nodes, set by the worker.

The shelf keeps the nodes, so a build that finds everything there imports no SymPy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from docutils import nodes
from sympy import And
from sympy.core.relational import Relational

from symgrad.fact import Fact, Refuted
from symgrad.render import Block, Formula, Listing, Para, Section, Steps, Table, latex, text
from symgrad.render.blocks import Cell
from symgrad.render.formula import sign
from symgrad.sphinxext.nodes import Scroll, entitle

__all__ = ["Answer", "Drawing", "broken", "set_blocks"]

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
    """What a directive shows: blocks, the facts that they rest on, and what is found wrong.

    `label` is the formula that the option :label: numbers, the first one if none is named;
    `linked` lets pages refer to the facts.
    """

    blocks: Sequence[Block | Drawing]
    facts: Sequence[Fact] = ()
    wrong: Iterable[str] = ()
    label: Formula | None = None
    linked: bool = True

    @property
    def failed(self) -> list[str]:
        """A complaint for each fact that is refuted, and what else is wrong."""
        verdicts = ((fact.id, fact.verdict) for fact in self.facts)
        refuted = (f"{name} is refuted: {v.why}" for name, v in verdicts if isinstance(v, Refuted))
        return [*refuted, *self.wrong]


def set_blocks(
    found: Answer, save: Callable[[Drawing], str]
) -> tuple[list[nodes.Node], nodes.math_block | None]:
    """The nodes of the blocks, and the formula among them that a label numbers.

    `save(drawing)` writes a figure and names its file.
    """
    formulas = (block for block in found.blocks if isinstance(block, Formula))
    label = found.label or next(formulas, None)
    labelled: list[nodes.math_block] = []

    def write(block: Block | Drawing) -> Iterator[nodes.Node]:
        match block:
            case Para(parts=parts):
                yield nodes.paragraph("", "", *map(_inline, parts))
            case Formula():
                tex, words = _formula(block)
                shown = nodes.math_block(tex, tex, number=None, label=None)
                shown["classes"], shown["symgrad-text"] = ["symgrad-formula"], words
                shown["no-wrap"] = shown["nowrap"] = False
                labelled.extend([shown] * (block is label))
                yield shown
            case Table():
                yield _table(block)
            case Steps(items=items):
                yield nodes.enumerated_list(
                    "", *(nodes.list_item("", *every(item)) for item in items),
                    enumtype="arabic", prefix="(", suffix=")", classes=["symgrad-steps"],
                )  # fmt: skip
            case Listing(code=code, language=language):
                yield nodes.literal_block(code, code, language=language)
            case Section(title=title, blocks=inner):
                yield nodes.rubric("", title, classes=["symgrad-part"])
                yield from every(inner)
            case Drawing(alt=alt, caption=caption):
                image = nodes.image("", uri=save(block), alt=alt, width="100%")
                figure = nodes.figure("", image, classes=["symgrad-plot"], align="center")
                if caption:
                    entitle(figure, [nodes.Text(caption)])
                yield figure
            case _:
                raise TypeError(f"not a block: {block!r}")

    def every(blocks: Iterable[Block | Drawing]) -> list[nodes.Node]:
        return [node for block in blocks for node in write(block)]

    return every(found.blocks), labelled[-1] if labelled else None


def _inline(part: Cell) -> nodes.Node:
    if isinstance(part, str):
        return nodes.Text(part)
    node = nodes.math(latex(part), latex(part))
    node["symgrad-text"] = text(part)
    return node


def _table(table: Table) -> Scroll:
    rows = [table.head, *table.rows]
    head, *body = (
        nodes.row("", *(nodes.entry("", nodes.paragraph("", "", _inline(c))) for c in row))
        for row in rows
    )
    group = nodes.tgroup("", cols=len(table.head))
    for column in zip(*rows, strict=True):
        longest = max(len(c if isinstance(c, str) else text(c)) for c in column)
        group += nodes.colspec(colwidth=min(max(longest, 4), 40))
    group += [nodes.thead("", head), nodes.tbody("", *body)]
    shown = nodes.table("", group, classes=["symgrad-table"])
    box = Scroll("", shown, label="table")
    if table.caption:
        entitle(shown, [nodes.Text(table.caption)])
    return box


def _formula(formula: Formula) -> tuple[str, str]:
    sides, relation = formula.sides, formula.relation
    if len(sides) == 1 and isinstance(sides[0], Relational):
        whole: Any = sides[0]
        sides, relation = (whole.lhs, whole.rhs), whole.rel_op
    words = f" {relation} ".join(map(text, sides)).replace(" == ", " = ")
    if len(sides) == 1 and isinstance(sides[0], And) and len(latex(sides[0])) > WIDTH:
        return r" \\ ".join(f"& {latex(part)}" for part in sides[0].args), words
    return broken([latex(side) for side in sides], sign(relation)), words


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
