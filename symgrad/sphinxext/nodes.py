"""What pages are made of beside docutils' own nodes, and formulas for builders of plain text."""

from __future__ import annotations

from typing import Any

from docutils import nodes

__all__ = ["Scroll", "entitle", "formulas_as_text", "visitors"]


class Scroll(nodes.Element):
    """A box around something wide, which scrolls and can be reached by keyboard."""


def entitle(shown: nodes.Element, title: list[nodes.Node]) -> None:
    """Give a table or a figure this title, in place of the one it may have."""
    kind = nodes.title if isinstance(shown, nodes.table) else nodes.caption
    shown.children = [node for node in shown.children if not isinstance(node, kind)]
    shown.insert(0 if kind is nodes.title else len(shown), kind("", "", *title))
    if isinstance(shown.parent, Scroll):
        shown.parent["label"] = next(shown.findall(kind)).astext()


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
