"""Set blocks as docutils nodes, for every builder: formulas, tables, steps, listings, figures."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from docutils import nodes

__all__ = ["Composer", "Scroll", "formulas_as_text", "visitors"]


class Scroll(nodes.Element):
    """A box around something wide, which scrolls and can be reached by keyboard."""


@dataclass
class Composer:
    """Builds the nodes of one answer and remembers those that names and labels are put on.

    `folder` holds the files of figures; `start` is the folder that their addresses are relative to.
    """

    folder: pathlib.Path
    start: str
    language: str = "python"
    caption: list[nodes.Node] = field(default_factory=list)
    alt: str = ""
    width: str = ""
    labelled: nodes.math_block | None = None
    named: nodes.Element | None = None

    def compose(self, blocks: list[Any]) -> list[nodes.Node]:
        """The nodes of the blocks, in order."""
        return [node for block in blocks for node in self._nodes(block)]

    def _nodes(self, block: list[Any]) -> Iterator[nodes.Node]:
        kind, *parts = block
        match kind:
            case "para":
                yield nodes.paragraph("", "", *map(_inline, parts[0]))
            case "formula":
                yield self._formula(*parts)
            case "table":
                yield self._table(*parts)
            case "steps":
                yield self._steps(parts[0])
            case "listing":
                code, language = parts
                yield nodes.literal_block(code, code, language=language)
            case "section":
                title, inner = parts
                yield nodes.rubric("", title, classes=["symgrad-part"])
                yield from self.compose(inner)
            case "figure":
                yield self._figure(*parts)
            case _:
                raise ValueError(f"not a set block: {kind}")

    def _formula(self, latex: str, text: str, label: bool) -> nodes.math_block:
        node = nodes.math_block(latex, latex, number=None, label=None, classes=["symgrad-formula"])
        node["no-wrap"] = node["nowrap"] = False
        node["symgrad-text"] = text
        if label:
            self.labelled = node
        return node

    def _table(self, head: list[Any], rows: list[list[Any]], caption: str) -> nodes.Element:
        group = nodes.tgroup("", cols=len(head))
        for column in range(len(head)):
            longest = max(_length(row[column]) for row in (head, *rows))
            group += nodes.colspec(colwidth=min(max(longest, 4), 40))
        group += nodes.thead("", _row(head))
        group += nodes.tbody("", *map(_row, rows))
        table = nodes.table("", classes=["symgrad-table"])
        title = self._title() or ([nodes.Text(caption)] if caption else [])
        if title:
            table += nodes.title("", "", *title)
        table += group
        self.named = self.named or table
        name = table[0].astext() if title else "table"
        return Scroll("", table, label=name)

    def _steps(self, items: list[list[Any]]) -> nodes.enumerated_list:
        body = nodes.enumerated_list(
            "", enumtype="arabic", prefix="(", suffix=")", classes=["symgrad-steps"]
        )
        for item in items:
            body += nodes.list_item("", *self.compose(item))
        return body

    def _figure(self, stem: str, alt: str, caption: str) -> nodes.figure:
        place = os.path.relpath(self.folder / f"{stem}.*", self.start)
        image = nodes.image("", uri=pathlib.PurePath(place).as_posix(), alt=self.alt or alt)
        image["width"] = self.width or "100%"
        figure = nodes.figure("", image, classes=["symgrad-plot"], align="center")
        title = self._title() or ([nodes.Text(caption)] if caption else [])
        if title:
            figure += nodes.caption("", "", *title)
        self.named = self.named or figure
        return figure

    def _title(self) -> list[nodes.Node]:
        """The caption asked for, once."""
        title, self.caption = self.caption, []
        return title


def _inline(part: Any) -> nodes.Node:
    if isinstance(part, str):
        return nodes.Text(part)
    node = nodes.math(part["latex"], part["latex"])
    node["symgrad-text"] = part["text"]
    return node


def _length(part: Any) -> int:
    return len(part if isinstance(part, str) else part["text"])


def _row(cells: list[Any]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", _inline(c))) for c in cells))


def formulas_as_text(doctree: nodes.document) -> None:
    """Put our formulas' text in place of their LaTeX, for builders that set plain text."""
    for node in list(doctree.findall(nodes.Element)):
        words = node.get("symgrad-text")
        if words is None:
            continue
        if isinstance(node, nodes.math):
            node.replace_self(nodes.Text(words))
        else:
            number = f"   ({node['number']})" if node.get("number") else ""
            node.replace_self(nodes.literal_block(words, words + number, language="none"))


def _open(translator: Any, node: Scroll) -> None:
    translator.body.append(
        translator.starttag(
            node, "div", CLASS="symgrad-scroll", role="region", tabindex="0",
            **{"aria-label": node["label"]},
        )
    )  # fmt: skip


def _close(translator: Any, node: Scroll) -> None:
    translator.body.append("</div>\n")


def _pass(translator: Any, node: Scroll) -> None:
    """A builder whose pages do not scroll shows what is inside."""


def visitors() -> dict[str, tuple[Any, Any]]:
    """How each builder writes `Scroll`."""
    plain = (_pass, _pass)
    others = dict.fromkeys(("latex", "text", "man", "texinfo"), plain)
    return {"html": (_open, _close), **others}
