"""The generated pages: one for each activation, the API, the directives, the references.

A page is written when it would change, so what is up to date is not read again.
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib
import pathlib
import re

from question import question_page

HERE = pathlib.Path(__file__).parent

#: The rooms of the API reference in reading order, with the names that users meet first.
ROOMS = {
    "Activations": ("symgrad.activation", "symgrad.catalogue", "symgrad.loss", "symgrad.pieces"),
    "Tails": ("symgrad.tails",),
    "Bounds and proofs": ("symgrad.bounds", "symgrad.prove"),
    "Kernels and checks": ("symgrad.kernels", "symgrad.check", "symgrad.oracle"),
    "Chains": ("symgrad.chain", "symgrad.chainfile", "symgrad.depth", "symgrad.descent"),
    "Facts": ("symgrad.fact", "symgrad.errors"),
    "Reading and showing": ("symgrad.words", "symgrad.parse", "symgrad.render", "symgrad.codec",
                            "symgrad.report", "symgrad.plot", "symgrad.sphinxext"),
    "Rigorous arithmetic": ("symgrad.rigor",),
}  # fmt: skip


def write(name: str, text: str) -> str:
    """Put the text into a file below docs/ if it is not what stands there; gives the name back."""
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")
    return name


def heading(title: str, rule: str = "=") -> str:
    return f"{title}\n{rule * len(title)}\n"


def directive(name: str, argument: str = "", **options: object) -> str:
    lines = [f".. {name}:: {argument}".rstrip()]
    lines += [f"   :{key.replace('_', '-')}: {value}".rstrip() for key, value in options.items()]
    return "\n".join(lines) + "\n"


def generate() -> None:
    """Write every generated page, and take away those that are no longer written."""
    kept = [*activation_pages(), *api_pages(), directive_list()]
    kept += [references(), changelog(), command_line(), question_page()]
    for folder in ("activations", "reference/api"):
        for path in (HERE / folder).glob("*.rst"):
            if path.relative_to(HERE).as_posix() not in kept:
                path.unlink()


# --- activations ------------------------------------------------------------------------------


def activation_pages() -> list[str]:
    from symgrad.catalogue import activations

    records = activations()
    names = [write(f"activations/{g.name}.rst", activation_page(g)) for g in records]
    tree = "\n".join(f"   {g.name}" for g in records)
    text = [
        heading("Activations"),
        f"The {len(records)} activations of the catalogue. Each page is made from one record and "
        "nothing else: definition, derivatives, tails, bounds, thresholds, kernel.\n",
        ".. toctree::\n   :maxdepth: 1\n",
        tree + "\n",
    ]
    return [*names, write("activations/index.rst", "\n".join(text))]


def activation_page(g) -> str:
    from symgrad.catalogue import usual

    open_ = bool(g.free_symbols)
    name = g.name
    shown = str(usual(g)).replace("[", "(").replace("]", ")")
    text = [
        heading(name),
        directive("symgrad:definition", name, orders="0 1 2 3", label=f"eq-{name}"),
        f"Source: {linked(g.source) or 'none given'}.\n",
    ]
    if not open_:
        text += [
            directive("symgrad:plot", name, orders="0 1 2 3", range="-6 6",
                      caption=f"{name} and its first three derivatives"),
        ]  # fmt: skip
    text += [
        heading("Tails", "-"),
        directive("symgrad:tails", name, terms=3),
        directive("symgrad:tails", f"{name}'(x)", terms=3, proof="",
                  **({} if open_ else {"at": "-50 -10 -4 4 10 50"})),
        directive("symgrad:tails", f"{name}''(x)", terms=2),
        directive("symgrad:tails", f"{name}'''(x)", terms=2),
    ]  # fmt: skip
    if open_:
        text.append(f"With its parameters left open there is no more to decide; below, {shown}.\n")
        text.append(directive("symgrad:tails", f"{shown}'(x)", terms=3, at="-50 -10 -4 4 10 50"))
    for toward, where in (("oo", "0 20"), ("-oo", "-20 0")):
        end = "∞" if toward == "oo" else "−∞"
        caption = f"The slope and its expansion as x → {end}; shaded, where it is proved to lie"
        options = {"kind": "tail", "toward": toward, "range": where, "caption": caption}
        text.append(directive("symgrad:plot", f"{shown}'(x)", **options))
    text += [
        heading("Global facts", "-"),
        directive("symgrad:facts", f"{shown}(x)" if open_ else name, orders="0 1 2"),
        heading("Thresholds", "-"),
        directive("symgrad:saturation", shown, eps="1/100 1e-6 1e-16"),
        heading("Depth", "-"),
        directive("symgrad:depth-law", shown),
        heading("Kernel", "-"),
        f"``symgrad.lambdify(x, {shown}(x).diff(x))`` and what it was measured at:\n",
        directive("symgrad:kernel", f"{shown}'(x)", points=500),
        directive("symgrad:plot", f"{shown}'(x)", kind="error",
                  caption="The kernel's error in ulp, measured against Arb"),
    ]
    return "\n".join(text)


# --- reference --------------------------------------------------------------------------------


def api_pages() -> list[str]:
    pages = []
    for title, modules in ROOMS.items():
        parts = [heading(title)]
        for module in modules:
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:
                if error.name != module:
                    raise
                continue
            parts += [
                heading(module, "-"),
                directive("automodule", module, members="", member_order="bysource"),
            ]
        name = re.sub(r"[^a-z]+", "-", title.lower())
        pages.append(write(f"reference/api/{name}.rst", "\n".join(parts)))
    return pages


def directive_list() -> str:
    """The table of directives, from the table that makes them."""
    from symgrad.sphinxext.rows import ROWS

    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 24 26 50", ""]
    lines += ["   * - Directive", "     - Argument", "     - Options"]
    for row in ROWS:
        options = ", ".join(f"``:{name}:``" for name in row.options) or "none"
        lines += [f"   * - ``symgrad:{row.name}``", f"     - {row.argument}", f"     - {options}"]
    return write("reference/directives.inc", "\n".join(lines) + "\n")


def references() -> str:
    """Every source that a record or a fact names, with what rests on it."""
    from symgrad.catalogue import activations
    from symgrad.loss import losses

    named = [(g.source, f":doc:`{g.name} </activations/{g.name}>`") for g in activations()]
    named += [(cost.source, f"cost ``{cost.name}``") for cost in losses()]
    for path in sorted((HERE.parent / "symgrad").rglob("*.py")):
        if path.name != "loss.py" and path.parent.name != "catalogue":
            named += [(source, f"``{path.relative_to(HERE.parent)}``") for source in stated(path)]
    used: dict[str, list[str]] = {}
    for sources, user in named:
        for source in filter(None, sources.split("; ")):
            used.setdefault(source, []).append(user)
    lines = [
        heading("References"),
        "The sources that the records and the facts of symgrad name, and what rests on each.\n",
        ".. list-table::\n   :header-rows: 1\n   :widths: 60 40\n",
        "   * - Source\n     - Used by",
    ]
    lines += [
        f"   * - {linked(source)}\n     - {', '.join(users)}"
        for source, users in sorted(used.items())
    ]
    return write("reference/references.rst", "\n".join(lines) + "\n")


def stated(path: pathlib.Path) -> list[str]:
    """The sources that a module gives to its facts, as `source="..."` or `source = "..."`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        named = node.arg if isinstance(node, ast.keyword) else ""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named = node.targets[0].id
        if named == "source" and isinstance(node.value, ast.Constant) and node.value.value:
            found.append(node.value.value)
    return found


def command_line() -> str:
    """The help of the command and of each of its subcommands, from the parser itself."""
    from symgrad.cli import build_parser

    def shown(parser: argparse.ArgumentParser) -> list[str]:
        raw = issubclass(parser.formatter_class, argparse.RawDescriptionHelpFormatter)
        kind = argparse.RawDescriptionHelpFormatter if raw else argparse.HelpFormatter
        parser.formatter_class = functools.partial(kind, width=88)
        lines = parser.format_help().rstrip().splitlines()
        return [".. code-block:: none", "", *(f"   {line}".rstrip() for line in lines), ""]

    whole = build_parser()
    groups = [a for a in whole._actions if isinstance(a, argparse._SubParsersAction)]
    text = [heading("Command line"), *shown(whole)]
    for name, parser in groups[0].choices.items():
        text += [heading(f"symgrad {name}", "-"), *shown(parser)]
    return write("reference/cli.rst", "\n".join(text))


def changelog() -> str:
    """CHANGELOG.md as reST: headings, and code in double backticks."""
    lines: list[str] = []
    for line in (HERE.parent / "CHANGELOG.md").read_text("utf-8").splitlines():
        mark, _, title = line.partition(" ")
        if mark in ("#", "##", "###"):
            lines += heading(title, "=-~"[len(mark) - 1]).splitlines()
        else:
            lines.append(re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", line.replace("*", "\\*")))
    return write("reference/changelog.rst", "\n".join(lines) + "\n")


def linked(source: str) -> str:
    """The source with what names a place on the web as a link: DLMF, arXiv, DOI."""
    source = source.replace("*", "\\*").replace("|", "\\|").replace("`", "\\`")
    rules = (
        (r"DLMF (\d+)\.(\d+)((?:\([ivx]+\))?)", r"`\g<0> <https://dlmf.nist.gov/\1.\2>`__"),
        (r"arXiv:(\d{4}\.\d{4,5})", r"`\g<0> <https://arxiv.org/abs/\1>`__"),
        (r"doi:(10\.\S+[\w/])", r"`\g<0> <https://doi.org/\1>`__"),
    )
    for pattern, link in rules:
        source = re.sub(pattern, link, source)
    return source
