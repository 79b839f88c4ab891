"""The Sphinx extension, on a small project that is not symgrad's own."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

pytest.importorskip("sphinx", reason="the Sphinx extension is tested where Sphinx is installed")

from sympy import Lambda, Rational, Reals, S, Symbol

from symgrad.activation import univariate
from symgrad.catalogue import activation
from symgrad.sphinxext import options
from symgrad.sphinxext.results import bounds, functions, kernels
from symgrad.sphinxext.setting import broken
from symgrad.sphinxext.shelf import Shelf
from symgrad.tails import tail

CONF = """
extensions = ["symgrad.sphinxext"]
html_theme = "basic"
project = "foreign"
symgrad_activations = {"bent": "x + (sqrt(x^2 + 1) - 1)/2"}
"""

INDEX = """
Foreign
=======

.. toctree::

   more

Inline :symgrad:expr:`sigmoid'(x)*w__2`; equation :eq:`eq-sigma`; :ref:`the table <kinks>`.

.. symgrad:definition:: sigmoid
   :orders: 0 1 2 3
   :label: eq-sigma

.. symgrad:definition:: leaky_relu(alpha=1/5)
   :orders: 0 1
   :caption: What happens at the kink of :symgrad:expr:`leaky_relu(x)`
   :name: kinks
"""

MORE = """
More
====

.. symgrad:definition:: bent
   :class: wide

.. symgrad:plot:: sigmoid
   :orders: 1
   :range: -4 4
   :name: picture

See :ref:`picture <picture>`, and the first tail, :symgrad:fact:`sigmoid.d1.tail+`.

.. symgrad:tails:: sigmoid'(x)
   :at: 1 10 -10

.. symgrad:claim:: tanh'(x) <= 4*exp(-2*x)
   :on: [0, oo)

.. symgrad:claim:: tanh(x) <= x
   :verdict: refuted

.. symgrad:depth-law:: softplus
   :class: open

.. symgrad:facts:: arctan
   :orders: 0 1
   :proof:

.. symgrad:bound:: sigmoid'(x)
   :label: eq-bound

By :eq:`eq-bound`.

.. symgrad:saturation:: arctan
   :eps: 1/100

.. symgrad:survey:: sigmoid | tanh | bent
   :plot:

.. symgrad:derivation::
   :chain: two.toml
   :steps: 3 4

.. symgrad:derivation:: sigmoid
   :layers: L

.. symgrad:bound:: sigmoid'(x)

.. symgrad:kernel:: sigmoid'(x)
   :points: 50
   :source:
"""

CHAIN = """
activation = "tanh"
depth = 2
weights = "1/2"
"""


def write(folder: pathlib.Path, **documents: str) -> pathlib.Path:
    folder.mkdir(exist_ok=True)
    (folder / "conf.py").write_text(documents.pop("conf", CONF), "utf-8")
    (folder / "two.toml").write_text(CHAIN, "utf-8")
    for name, text in documents.items():
        (folder / f"{name}.rst").write_text(textwrap.dedent(text), "utf-8")
    return folder


def build(
    source: pathlib.Path, builder: str = "html", *more: str, out: str = "out"
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-b", builder, "-d", str(source / "trees"), *more]
    return subprocess.run(
        [*command, str(source), str(source / out)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
    )


def read_count(done: subprocess.CompletedProcess[str]) -> tuple[int, int]:
    """(added, changed) as Sphinx reports them."""
    found = re.search(r"(\d+) added, (\d+) changed", done.stdout)
    assert found, done.stdout
    return int(found[1]), int(found[2])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> pathlib.Path:
    folder = write(tmp_path_factory.mktemp("foreign") / "docs", index=INDEX, more=MORE)
    done = build(folder, "html", "-W", "-n", "-j", "2")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder


def test_what_is_shown(site):
    page = (site / "out" / "index.html").read_text("utf-8")
    assert r"w^{2} \sigma&#39;\left(x\right)" in page or r"w^{2} \sigma'\left(x\right)" in page
    assert 'href="#equation-eq-sigma"' in page
    assert 'id="equation-eq-sigma"' in page
    assert page.count("symgrad-formula") >= 6 or page.count('class="math') >= 6
    assert 'role="region"' in page
    assert 'tabindex="0"' in page
    assert 'aria-label="What happens at the kink of' in page
    assert 'href="#kinks"' in page
    assert 'id="kinks"' in page


def test_facts_bounds_thresholds_and_surveys(site):
    page = (site / "out" / "more.html").read_text("utf-8")
    assert "Proof of arctan.extrema" in page
    assert 'href="#equation-eq-bound"' in page
    assert r"0 \leq \sigma" in page
    assert "Algebraic tails" not in page  # bent grows: the survey draws what vanishes
    assert "Exponential tails as x → −∞" in page


def test_a_plot_is_a_picture_with_words(site):
    page = (site / "out" / "more.html").read_text("utf-8")
    image = re.search(r'<img alt="([^"]+)"[^>]*src="([^"]+\.svg)"', page)
    assert image, page
    assert "-4" in image[1]
    assert (site / "out" / image[2]).read_text("utf-8").startswith("<?xml")


def test_claims_stand_with_their_verdicts(site):
    page = (site / "out" / "more.html").read_text("utf-8")
    assert "Its certificate was checked." in page
    assert "Refuted [inequality]" in page
    assert "Undecided [softplus" in page
    assert 'href="#fact-sigmoid-d1-tail-plus"' in page
    assert page.count('id="fact-sigmoid-d1-tail-plus"') == 1
    assert page.count('id="fact-sigmoid-d1-tail-minus"') == 1


def test_a_kernel_is_shown_without_its_numbers(site):
    page = (site / "out" / "more.html").read_text("utf-8")
    assert re.search(r"# [\d,]+ numbers", page)
    assert "Regime" in page
    assert "wrong zeros" in page


def test_a_chain_is_read_again_when_its_file_changes(site):
    page = site / "out" / "more.html"
    assert r"\delta^{2}" in page.read_text("utf-8")
    assert r"\delta^{3} w^{2}" not in page.read_text("utf-8")
    (site / "two.toml").write_text(CHAIN.replace("depth = 2", "depth = 3"), "utf-8")
    done = build(site, "html", "-W", "-n")
    assert read_count(done) == (0, 1), done.stderr
    assert r"\delta^{3}" in page.read_text("utf-8")


def test_nothing_changed_reads_nothing(site):
    before = sorted((site / "trees" / "symgrad").rglob("*.answer"))
    done = build(site, "html", "-W", "-n", "-j", "2")
    assert read_count(done) == (0, 0)
    assert sorted((site / "trees" / "symgrad").rglob("*.answer")) == before


def test_the_shelf_is_used_when_a_document_is_read_again(site, tmp_path):
    entries = list((site / "trees" / "symgrad").rglob("*.answer"))
    assert entries
    times = {path: path.stat().st_mtime_ns for path in entries}
    document = site / "more.rst"
    document.write_text(document.read_text("utf-8") + "\nOne more line.\n", "utf-8")
    done = build(site, "html", "-W", "-n")
    assert read_count(done) == (0, 1)
    assert {path: path.stat().st_mtime_ns for path in entries} == times


def test_another_version_is_read_again(site):
    environment = site / "trees" / "environment.pickle"
    import pickle

    with environment.open("rb") as stream:
        env = pickle.load(stream)
    made_by = env.domaindata["symgrad"]["documents"]
    assert set(made_by) == {"index", "more"}
    made_by["more"] = ["another version", "svg"]
    with environment.open("wb") as stream:
        pickle.dump(env, stream)
    done = build(site, "html", "-W", "-n")
    assert read_count(done) == (0, 1)


def test_pictures_are_the_same_from_build_to_build(site, tmp_path):
    first = {p.name: p.read_bytes() for p in (site / "trees" / "symgrad").rglob("*.svg")}
    assert len(first) > 2
    drawn = [part for part in MORE.split("\n\n") if ":range:" in part or ":plot:" in part]
    again = write(tmp_path / "docs", index="\n\n".join(["T\n=", *drawn]))
    done = build(again, "html", "-W", "-n")
    assert done.returncode == 0, done.stderr
    second = {p.name: p.read_bytes() for p in (again / "trees" / "symgrad").rglob("*.svg")}
    assert first == second


def test_the_text_builder_shows_text(site):
    done = build(site, "text", "-W", "-n", out="text")
    assert done.returncode == 0, done.stderr
    page = (site / "text" / "index.txt").read_text("utf-8")
    assert "sigmoid(x) = 1/(1 + exp(-x))   (1)" in page
    assert "w__2*sigmoid'(x); equation (1)" in page
    assert "\\frac" not in page


def test_the_latex_builder_takes_the_vector_picture(site):
    done = build(site, "latex", "-W", "-n", out="latex")
    assert done.returncode == 0, done.stderr
    page = (site / "latex" / "foreign.tex").read_text("utf-8")
    picture = re.search(r"\\sphinxincludegraphics.*?\{+([^{}]+)\}", page)
    assert picture
    assert list((site / "latex").glob(f"{picture[1]}.pdf"))
    assert r"\sigma'\left(x\right)" in page


WRONG = {
    "no number": (".. symgrad:definition:: sigmoid\n   :orders: one", "whole number from 0 to 6"),
    "too high": (".. symgrad:definition:: sigmoid\n   :orders: 7", "whole number from 0 to 6"),
    "twice": (".. symgrad:definition:: sigmoid\n   :orders: 1 1", "each once"),
    "no option": (".. symgrad:definition:: sigmoid\n   :order: 1", 'unknown option: "order"'),
    "no argument": (".. symgrad:definition::", "1 argument(s) required"),
    "a typo": (".. symgrad:definition:: sigmod", "did you mean 'sigmoid'?"),
    "no activation": (".. symgrad:definition:: exp(x)", "an activation is needed"),
    "no formula": (".. symgrad:plot:: sigmoid\n   :label: eq-none", "nothing here is a formula"),
    "empty range": (".. symgrad:plot:: sigmoid\n   :range: 3 3", "low < high"),
    "a word": (".. symgrad:plot:: sigmoid\n   :range: 0 far", "a decimal number or a fraction"),
    "no rate": (
        ".. symgrad:plot:: u^2 + v^2\n   :kind: descent\n   :method: newton\n   :rate: 1",
        "has no :rate:",
    ),
    "another kind": (".. symgrad:plot:: tanh\n   :steps: 5", "has no option :steps:"),
    "a choice": (".. symgrad:plot:: sigmoid\n   :kind: pie", "one of curve, tail, error"),
    "an attack": (".. symgrad:plot:: __import__('os').getcwd()", "(column 1)"),
    "a false claim": (".. symgrad:claim:: tanh(x) <= x", "tanh(x) <= x is refuted"),
    "a true claim": (
        ".. symgrad:claim:: exp(x) >= 1 + x\n   :verdict: refuted",
        "is proved, and the page says",
    ),
    "no statement": (".. symgrad:claim:: exp(x)", "a comparison such as"),
    "no file": (".. symgrad:derivation::\n   :chain: nowhere.toml", "cannot read nowhere.toml"),
    "file and name": (".. symgrad:derivation:: tanh\n   :chain: two.toml", "not from both"),
    "no layer": (".. symgrad:derivation:: tanh\n   :layer: 2", "the layers are 1..1"),
    "a far step": (".. symgrad:derivation:: tanh\n   :steps: 99", "has the steps 1 to"),
    "two depths": (".. symgrad:derivation:: tanh | tanh\n   :layers: 3", "2 activations are named"),
    "a strict limit": (
        ".. symgrad:kernel:: sigmoid'(x)\n   :limit: 0.1\n   :points: 20",
        "exceed the limit of 0.1",
    ),
    "one function": (".. symgrad:compare:: tanh", "two functions are compared"),
    "no eps": (".. symgrad:saturation:: tanh\n   :eps: small", "a decimal number or a fraction"),
    "a role": (":symgrad:expr:`1/0`", "not defined"),
    "no fact": (":symgrad:fact:`sigmoid.nothing`", "no fact of this id is shown"),
}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory) -> tuple[list[str], str]:
    """The warnings of a project in which everything is wrong, and its page."""
    lines = ["Wrong", "=====", ""]
    for text, _ in WRONG.values():
        lines += [*text.splitlines(), ""]
    folder = write(tmp_path_factory.mktemp("wrong") / "docs", index="\n".join(lines))
    done = build(folder, "html", "-n")
    assert done.returncode == 0
    return done.stderr.splitlines(), (folder / "out" / "index.html").read_text("utf-8")


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_file_and_line(wrong, case):
    line = 4
    for name, (text, _) in WRONG.items():
        if name == case:
            break
        line += len(text.splitlines()) + 1
    _, said = WRONG[case]
    found = [k for k, w in enumerate(wrong[0]) if re.search(rf"index\.rst:{line}: ", w)]
    assert found, wrong[0]
    assert any(said in "\n".join(wrong[0][k : k + 8]) for k in found), wrong[0]


def test_a_false_claim_fails_the_build(tmp_path):
    claim = WRONG["a false claim"][0]
    folder = write(tmp_path / "docs", index=f"T\n=\n\n{claim}\n")
    assert build(folder, "html", "-n").returncode == 0
    assert build(folder, "html", "-n", "-W", "-E").returncode != 0


def test_a_failure_is_seen_on_the_page(wrong):
    assert "did you mean &#39;sigmoid&#39;?" in wrong[1] or "did you mean 'sigmoid'?" in wrong[1]


def test_a_tail_that_claims_too_much_is_caught():
    found = tail(activation("sigmoid").d(1))
    _, wrong = functions.held_against_mpmath([found], [1.0, 10.0])
    assert wrong == []
    small = replace(found.remainder, coefficient=found.remainder.coefficient / 100)
    _, wrong = functions.held_against_mpmath([replace(found, remainder=small)], [1.0, 10.0])
    assert any("at 1 is outside" in line for line in wrong)


def test_a_bound_that_is_too_narrow_is_caught():
    slope = univariate(activation("sigmoid").d(1))
    assert bounds.escapes(slope, Reals, S.Zero, Rational(1, 4)) == ()
    assert bounds.escapes(slope, Reals, S.Zero, Rational(249, 1000))
    assert bounds.escapes(slope, Reals, Rational(1, 1000), Rational(1, 4))


def test_a_derivative_that_is_wrong_is_caught():
    good = activation("sigmoid")
    assert [w for n in (1, 2, 3) for w in functions.differences(good, n)] == []

    class Wrong:
        free_symbols: frozenset[Symbol] = frozenset()
        name = "wrong"
        formula = good.formula

        @staticmethod
        def derivative(n: int) -> Lambda:
            return good.derivative(n + 1)

    assert functions.differences(Wrong(), 1)


def test_the_time_limit(tmp_path):
    conf = CONF + "symgrad_timeout = 0.01\n"
    document = "T\n=\n\n.. symgrad:definition:: sigmoid\n"
    folder = write(tmp_path / "docs", conf=conf, index=document)
    done = build(folder, "html", "-n")
    assert re.search(r"index\.rst:4: .*may take 0\.01 s", done.stderr), done.stderr
    assert list((folder / "trees" / "symgrad").rglob("*.answer")) == []


def test_setup_is_cheap():
    code = (
        "import sys, symgrad.sphinxext as e\n"
        "import sphinx.application\n"
        "import symgrad.sphinxext.domain\n"
        "print([m for m in ('sympy', 'flint', 'matplotlib', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("converter", "good", "value", "bad"),
    [
        (options.whole(1, 9), " 7 ", 7, "10"),
        (options.wholes(0, 6), "0, 2", [0, 2], "0 7"),
        (options.numbers(2), "-1.5 1/3", ["-1.5", "1/3"], "1 2 3"),
        (options.numbers(), "1e-6", ["1e-6"], ""),
        (options.number, "2", "2", "1/0"),
        (options.choice("oo", "-oo"), "-oo", "-oo", "infinity"),
        (options.flag, None, True, "yes"),
        (options.text, "a\n b", "a b", " "),
    ],
)
def test_converters(converter, good, value, bad):
    assert converter(good) == value
    with pytest.raises(ValueError, match=r"needed|allowed"):
        converter(bad)


def test_wide_formulas_are_broken_outside_brackets():
    sides = [r"\delta", r"\left(a + b\right) c + \frac{1 + d}{2} - e^{1 + x}"]
    assert broken(sides) == r"\delta = " + sides[1]
    rows = broken(sides, width=8).split(r" \\ ")
    assert rows == [
        r"\delta & = \left(a + b\right) c",
        r"& \quad + \frac{1 + d}{2}",
        r"& \quad - e^{1 + x}",
    ]
    assert "".join(rows).replace(r"& \quad", "").replace("& ", "").split() == broken(sides).split()


def test_a_lost_picture_is_made_again(tmp_path):
    shelf = Shelf(tmp_path)
    request = {"row": "plot", "argument": "tanh", "options": {"range": ["0", "1"]}, "files": {},
               "activations": {}}  # fmt: skip
    try:
        first = shelf.ask(request, 60, ["svg", "pdf"])
        lost, other = (shelf.folder / f"{first['figures'][0]}.{kind}" for kind in ("svg", "pdf"))
        assert other.is_file()
        before = lost.read_bytes()
        lost.unlink()
        again = shelf.ask(request, 60)
    finally:
        from symgrad.sphinxext.shelf import stop

        stop()
    assert str(again) == str(first)
    assert lost.read_bytes() == before


def test_a_regime_is_read_whole():
    source = "# 0 <= x < 1: from 0: a;\n#   from 1: b.\n# 1 <= |x| < inf: zero.\n# nothing: else\n"
    wanted = [("0 <= x < 1", "from 0: a; from 1: b."), ("1 <= |x| < inf", "zero.")]
    assert kernels.regimes(source) == wanted
