"""One document, three ways of writing it."""

from __future__ import annotations

import html.parser
from dataclasses import dataclass

import pytest
from sympy import Mul, Symbol, exp

from symgrad.catalogue import activations
from symgrad.render import (
    Formula,
    Listing,
    Para,
    Section,
    Shown,
    Steps,
    Table,
    latex,
    line,
    text,
    to_html,
    to_latex,
    to_text,
)  # fmt: skip

x = Symbol("x", real=True)
HOSTILE = "<script>alert('&')</script> 50% $x_1$ #{a}\\b ^~"
DOCUMENT = (
    Section("A <title> & more", (
        Para("where ", x, " is ", HOSTILE),
        Formula(exp(-x), x**2, relation="<="),
        Table(("name", x), (("a_b", exp(x)), (HOSTILE, x)), "Caption & all"),
        Steps(((Para("first"),), (Para("second"), Formula(x)))),
        Listing("def f(x):\n    return x < 1 & 2"),
        Section("Inner", (Para("deep"),)),
    )),
)  # fmt: skip


class Balance(html.parser.HTMLParser):
    """Checks that tags are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_balanced_and_escaped():
    page = to_html(DOCUMENT)
    reader = Balance()
    reader.feed(page)
    assert reader.open == []
    assert "script" not in reader.seen
    assert {"section", "table", "ol", "pre"} <= reader.seen
    assert "&lt;script&gt;" in page


def test_latex_is_balanced_and_escaped():
    source = to_latex(DOCUMENT)
    assert source.count(r"\begin{") == source.count(r"\end{") == 3
    prose = source.split(r"\begin{verbatim}")[0]
    for character, escaped in (("%", r"\%"), ("#", r"\#"), ("&", r"\&")):
        assert escaped in prose
        if character != "&":  # & also parts the columns
            assert prose.count(character) == prose.count(escaped)


def test_text_keeps_its_width_and_numbers_its_steps():
    shown = to_text((Para("word " * 60), *DOCUMENT), width=60)
    assert all(len(line) <= 60 for line in shown.splitlines() if "word" in line)
    assert "(1)" in shown
    assert "(2)" in shown
    assert "exp(-x) <= x**2" in shown


def test_a_table_with_a_short_row_is_refused():
    with pytest.raises(ValueError, match="1 cells under a head of 2"):
        Table(("a", "b"), (("only",),))


@pytest.mark.parametrize("g", activations(), ids=lambda g: g.name)
def test_formulas_of_heads(g):
    for n in (0, 1, 5):
        tex = latex(g.d(n)(x) ** 2)
        assert tex.count("{") == tex.count("}")
        assert r"\left(x\right)" in tex
        assert g.latex_name in tex
        assert text(g.d(n)(x)).startswith(g.name)


def test_the_layer_index_is_a_superscript_and_never_a_power():
    w = Symbol("w__2")
    assert latex(w) == "w^{2}"
    assert latex(w**2) != latex(Symbol("w__4"))
    assert "e^{" in latex(exp(-x))


@dataclass(frozen=True, slots=True)
class Found(Shown):
    """A result as the rooms make them."""

    value: object

    def _blocks(self):
        return DOCUMENT[0].blocks if self.value is None else [Formula(x**2, self.value)]


def test_a_result_shows_itself_in_every_place():
    assert repr(Found(exp(-x))) == str(Found(exp(-x))) == "    x**2 = exp(-x)"
    pretty = pytest.importorskip("IPython.lib.pretty").pretty
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    assert pretty(Found(exp(-x))) in ("x^2 = e^{-x}", "x**2 = exp(-x)")
    assert pretty([Found(x)]).startswith("[")
    assert max(map(len, pretty(Found(None), max_width=60).splitlines())) <= 60
    bundle, _ = formatter.format(Found(exp(-x)))
    assert bundle["text/plain"] == pretty(Found(exp(-x)))
    assert bundle["text/latex"] == Found(exp(-x))._repr_latex_()
    assert bundle["text/html"] == Found(exp(-x))._repr_html_()


def test_wide_tables_are_folded():
    words = "a source with many words, of which no line should be too long, " * 3
    table = Table(("name", "where", "source"), (("cross_entropy_on_logits", "R", words),) * 2)
    for width in (60, 80, 100):
        lines = to_text([table], width=width).splitlines()
        assert max(map(len, lines)) <= width
        assert sum("cross_entropy_on_logits" in line for line in lines) == 2
        assert sum(line.split().count("source") for line in lines[2:]) == 6


def test_factors_of_a_product_are_in_the_order_of_their_layers():
    w = [Symbol(f"w__{l}", real=True) for l in (2, 9, 10, 11)]
    product = Mul(*w) * abs(w[0] + 1)
    assert text(product) == "w__2*w__9*w__10*w__11*Abs(w__2 + 1)"
    assert line(product).startswith("w²·w⁹·w¹⁰·w¹¹")
    assert latex(product).startswith("w^{2} w^{9} w^{10} w^{11}")
    assert text(-Mul(*w)) == "-w__2*w__9*w__10*w__11"
