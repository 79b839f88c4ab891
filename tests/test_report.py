"""The report: its six parts, the same in text, HTML and JSON, on real chains."""

from __future__ import annotations

import json
import pathlib
import re
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree

import mpmath
import pytest
import sympy
from sympy import Rational, Symbol

from symgrad import words
from symgrad.activation import X
from symgrad.catalogue import activations, sigmoid
from symgrad.chain import Chain, Layer
from symgrad.cli import main
from symgrad.fact import Fact
from symgrad.render import latex, to_text
from symgrad.report import CODEC, report, sections, to_json_text
from symgrad.report.page import mathml

CHAINS = pathlib.Path(__file__).parents[1] / "examples" / "chains"
PARTS = ["chain", "closed_forms", "activations", "bounds", "numbers", "diagnosis"]


@cache
def of(name):
    """The report on one of the example chains."""
    return report(Chain.from_file(CHAINS / f"{name}.toml"), title=name, points=300)


@cache
def document(name):
    """Its JSON, after a way through text."""
    return json.loads(to_json_text(of(name).to_json()))


def result(name, part):
    return document(name)["result"][part]


@pytest.mark.parametrize("name", ["sigmoid4", "symbols4", "cross_entropy", "deep100"])
def test_every_part_is_there_and_holds(name):
    found = of(name)
    assert [part.key for part in found.parts] == PARTS
    assert [part.failure for part in found.parts] == [""] * 6
    assert found.holds
    text = to_text(found._blocks())
    for number, part in enumerate(found.parts, 1):
        assert f"{number}. {part.title}" in text
    assert document(name)["schema"] == "symgrad/report/1"
    assert document(name)["warnings"] == []


def by_hand(digits=40):
    """Every gradient of sigmoid4.toml, by the recurrences in mpmath."""
    mp = mpmath.mp.clone()
    mp.dps = digits
    w = [mp.mpf(v) for v in ("0.8", "-1.2", "2.0", "1.5")]
    b = [mp.mpf(v) for v in ("0.1", "0.3", "-0.5", "0.25")]
    a, slopes = [mp.mpf(1)], []
    for weight, bias in zip(w, b, strict=True):
        z = weight * a[-1] + bias
        s = 1 / (1 + mp.exp(-z))
        a.append(s)
        slopes.append(mp.exp(-z) / (1 + mp.exp(-z)) ** 2)
    values = {"C": a[4] ** 2 / 2}
    delta = a[4] * slopes[3]
    for l in range(4, 0, -1):
        values |= {f"delta__{l}": delta, f"b__{l}": delta, f"w__{l}": delta * a[l - 1]}
        arrow = w[l - 1] * delta
        delta = arrow * slopes[l - 2]
    return {**values, "x": arrow}


def test_the_values_are_right_by_another_road():
    values = result("sigmoid4", "numbers")["values"]
    expected = by_hand()
    assert set(values) == set(expected)
    for name, true in expected.items():
        proved = mpmath.mpf(values[name]["true"]["value"])
        assert abs(proved - true) <= abs(true) * mpmath.mpf("1e-15")
        # the given decimals are rounded once, each operation and kernel errs by a few ulp
        assert abs(float(values[name]["numpy"]) - float(true)) <= 1e-14 * abs(float(true))
        assert float(values[name]["relative_error"]) < 1e-14


def test_the_closed_forms_are_derivatives_by_another_road():
    symbols = {
        n: Symbol(n, real=True) for n in "w__1 w__2 w__3 w__4 b__1 b__2 b__3 b__4 x y".split()
    }
    names = words.names(symbols)
    a = symbols["x"]
    for l in range(1, 5):
        z = symbols[f"w__{l}"] * a + symbols[f"b__{l}"]
        a = 1 / (1 + sympy.exp(-z))
    cost = (a - symbols["y"]) ** 2 / 2
    numbers = list(map(Rational, "4/5 -6/5 2 3/2 1/10 3/10 -1/2 1/4 1 0".split()))
    point = dict(zip(symbols.values(), numbers, strict=True))
    checked = 0
    for entry in result("sigmoid4", "closed_forms")["gradients"]:
        if entry["of"] == "delta":
            continue
        explicit = words.parse(entry["explicit"]["text"], names).doit()
        variable = symbols[entry["name"]]
        gap = (cost.diff(variable) - explicit).subs(point).evalf(30)
        assert abs(gap) < 1e-25
        checked += 1
    assert checked == 9


def test_the_textbook_form():
    forms = {g["name"]: g for g in result("sigmoid4", "closed_forms")["gradients"]}
    assert forms["delta__1"]["textbook"]["text"] == (
        "w__2*w__3*w__4*sigmoid'(z__1)*sigmoid'(z__2)*sigmoid'(z__3)*delta__4"
    )
    assert {g["verdict"] for g in forms.values()} == {"proved"}
    assert set(forms) == {f"{k}__{l}" for k in ("delta", "w", "b") for l in range(1, 5)} | {"x"}


def test_a_deep_chain_is_short():
    entries = result("deep100", "closed_forms")["gradients"]
    assert {e["layer"] for e in entries if e["of"] == "delta"} == {1, 2, 99, 100}
    assert all("explicit" not in e for e in entries)
    assert len(to_text(of("deep100")._blocks()).splitlines()) < 600
    smallest = float(result("deep100", "numbers")["values"]["delta__1"]["true"]["value"])
    assert 0 < abs(smallest) < 1e-30


def test_the_activation_s_facts():
    (entry,) = result("sigmoid4", "activations")["activations"]
    assert entry["sup_abs"]["text"] == "1/4"
    tail = entry["toward_oo"]
    assert [t["text"] for t in tail["terms"]] == ["exp(-x)", "-2*exp(-2*x)", "3*exp(-3*x)"]
    assert tail["class"] == "exponential"
    assert tail["remainder"]["growth"]["text"] == "exp(-4*x)"


def test_the_bounds():
    bounds = {b["layer"]: b for b in result("sigmoid4", "bounds")["bounds"]}
    assert set(bounds) == {1, 2, 3, 4}
    assert "/64" in bounds[1]["statement"]["text"]
    assert bounds[1]["verdict"] == "proved"


def test_the_checks():
    checks = [CODEC.decode(c) for c in result("sigmoid4", "numbers")["checks"]]
    x = Symbol("x", real=True)
    assert [c.expr for c in checks] == [sigmoid(x), sigmoid.d(1)(x)]
    for found in checks:
        assert found.points >= 300
        assert found.max_ulp <= 4
        assert found.wrong_zeros.count == 0


def facts(tree):
    """Every exact record of a fact in the document."""
    if isinstance(tree, dict):
        if isinstance(tree.get("record"), dict) and "id" in tree:
            yield tree
        for value in tree.values():
            yield from facts(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from facts(value)


def test_every_fact_loads_back():
    found = list(facts(document("sigmoid4")))
    assert len(found) >= 7
    for tree in found:
        fact = CODEC.decode(tree["record"])
        assert isinstance(fact, Fact)
        assert fact.id == tree["id"]
        assert CODEC.encode(fact) == tree["record"]


def test_the_diagnosis():
    data = result("sigmoid4", "diagnosis")
    assert data["is_critical"] is False
    assert [row["layer"] for row in data["layers"]] == [1, 2, 3, 4]
    expected = by_hand()
    for row in data["layers"]:
        true = float(expected[f"w__{row['layer']}"])
        assert abs(float(row["weight_gradient"]["value"]) - true) <= 1e-12 * abs(true)


def test_symbols_have_no_values_but_critical_points():
    assert "values" not in result("symbols4", "numbers")
    assert len(result("symbols4", "diagnosis")["cases"]) >= 1


def test_all_of_it_on_request():
    net = Chain.from_file(CHAINS / "symbols4.toml")
    few = sum(
        1 for b in of("symbols4").parts[1].blocks if getattr(b, "title", "").startswith("Der")
    )
    whole = report(net, full=True, points=50).parts[1]
    titles = [b.title for b in whole.blocks if getattr(b, "title", "").startswith("Derivation")]
    assert (few, len(titles)) == (4, 13)


@pytest.mark.parametrize(
    "net",
    [
        Chain([Layer(sigmoid, skip=True), Layer(sigmoid, bias=False)]),
        Chain(sigmoid, depth=2, tie_weights=True, bias=False),
        Chain(sigmoid, depth=1),
    ],
    ids=["skip", "tied", "one layer"],
)
def test_other_chains(net):
    found = report(net, points=50)
    closed = found.parts[1]
    assert closed.failure == ""
    assert closed.holds
    to_json_text(found.to_json())
    found.to_html()


class Page(HTMLParser):
    """Collects the elements of a page, and fails where they are not closed in order."""

    VOID = frozenset({"meta", "mspace", "br", "link"})

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", ["sigmoid4", "cross_entropy", "deep100"])
def test_the_page_needs_nothing_else(name):
    text = of(name).to_html()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.links == []
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert page.seen.count("math") >= 20
    assert re.findall(r"<m\w+>[^<]*\\|<code>", text.replace("<pre><code", "")) == []
    assert text.count("<h2>") == 6


CORE = set(
    "math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover "
    "mtable mtr mtd".split()
)


@pytest.mark.parametrize("g", activations(), ids=str)
def test_formulas_of_the_catalogue_are_mathml(g):
    for n in range(3):
        found = mathml(latex(sympy.Eq(g.d(n)(X), g.d(n)(X).doit(), evaluate=False)), True)
        tree = ElementTree.fromstring(found)
        assert {e.tag for e in tree.iter()} <= CORE
        assert "\\" not in "".join(tree.itertext())


def test_primes_and_names_are_set_apart():
    assert "<msup>" not in mathml(r"g''\left(x\right)")
    assert mathml(r"2 \cos{x}").count("<mspace") == 1


@pytest.mark.parametrize("source", ["{", "^", "x^", r"\left(", r"\left", "&", "a^b^c", "{" * 2000])
def test_what_is_no_latex_is_shown_as_it_is(source):
    assert mathml(source) == f"<code>{source.replace('&', '&amp;')}</code>"


def test_text_in_a_file_is_escaped(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('title = "<script>alert(1)</script>"\nactivation = "relu"\ndepth = 1', "utf-8")
    out = tmp_path / "c.html"
    assert (
        main(["report", str(path), "--html", str(out), "--points", "50", "-o", str(tmp_path / "t")])
        == 0
    )
    assert "<script" not in out.read_text("utf-8")


def test_the_command_writes_all_three_forms(tmp_path, capsys):
    html, data = tmp_path / "r.html", tmp_path / "r.json"
    argv = ["report", str(CHAINS / "sigmoid4.toml"), "--html", str(html), "--json", str(data)]
    assert main([*argv, "--points", "50"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("Four sigmoid layers\n===")
    assert "w²·w³·w⁴·σ'(z¹)·σ'(z²)·σ'(z³)·δ⁴" in out
    assert json.loads(data.read_text("utf-8"))["result"].keys() == set(PARTS)
    assert html.read_text("utf-8").startswith("<!DOCTYPE html>")
    first = data.read_bytes(), html.read_bytes()
    assert main([*argv, "--points", "50"]) == 0
    assert (data.read_bytes(), html.read_bytes()) == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html", "r.json"]


def test_a_part_that_fails_says_so_in_its_place(monkeypatch):
    from symgrad.errors import UnsupportedError
    from symgrad.report import document as room

    def fails(work):
        raise UnsupportedError("no such case")

    table = tuple((k, t, fails if k == "bounds" else b) for k, t, b in room.SECTIONS)
    monkeypatch.setattr(room, "SECTIONS", table)
    found = report(Chain(sigmoid, depth=1), points=50)
    assert not found.holds
    assert "Not done: no such case" in to_text(found._blocks())
    assert found.to_json()["warnings"] == ["bounds: no such case"]


def test_explicit_forms_of_a_deep_chain_are_refused_in_words():
    net = Chain(sigmoid, depth=sections.NESTED_DEPTH + 1)
    part = sections.closed_forms(sections.Work(net, True, 1, 10))
    entries = part.data["gradients"]
    assert {entry["explicit_error"] for entry in entries} == {"written out for at most 40 layers"}
    assert part.holds
