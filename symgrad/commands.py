"""What each command does: from its options to a document on standard output, and an exit code."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable
from typing import Any

from sympy import Symbol, oo

from symgrad import words
from symgrad.activation import Univariate, univariate
from symgrad.bounds import extrema
from symgrad.catalogue import activations
from symgrad.chain import Chain
from symgrad.chainfile import read_chain
from symgrad.check import check
from symgrad.errors import InputError
from symgrad.fact import Fact
from symgrad.kernels import lambdify
from symgrad.loss import losses
from symgrad.render import Block, Formula, Para, Table, line, text, to_latex, to_text
from symgrad.report import (
    CODEC,
    envelope,
    extrema_form,
    formula_form,
    page,
    report,
    tail_form,
    to_json_text,
    verdict_form,
    write_whole,
)
from symgrad.tails import Tail, tail

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command that the options name; returns its exit code."""
    return _COMMANDS[options.command](options)


# --- reading and writing ----------------------------------------------------------------------


def _text_of(given: str) -> str:
    """The argument, or standard input for '-'."""
    return sys.stdin.read(100_000).strip() if given == "-" else given


def _function(options: argparse.Namespace) -> Univariate:
    """f of the expression, or its derivative of the order asked for."""
    expr = words.parse(_text_of(options.expression))
    f = univariate(expr)
    order = options.order
    if not order:
        return f
    if f.activation is not None:
        return univariate(f.activation.d(f.order + order), f.x)
    return Univariate(f.elementary.diff(f.x, order), f.x, f"{f.name}.d{order}")


def _width() -> int:
    return min(shutil.get_terminal_size((80, 24)).columns, 120) if sys.stdout.isatty() else 80


def _plain(blocks: Iterable[Block], options: argparse.Namespace, depth: int = 0) -> str:
    """Text for a terminal or a file, in Unicode where the place can take it."""
    unicode = options.output or (sys.stdout.encoding or "").lower().startswith("utf")
    return to_text(blocks, width=_width(), depth=depth, formula=line if unicode else text) + "\n"


def _emit(content: str, options: argparse.Namespace) -> None:
    if options.output:
        write_whole(options.output, content)
        return
    try:
        sys.stdout.write(content)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(content.encode(encoding, "replace").decode(encoding))


def _show(
    options: argparse.Namespace,
    title: str,
    blocks: Iterable[Block],
    result: Callable[[], Any],
    given: dict[str, Any],
) -> None:
    """The document in the form that the options ask for."""
    if options.json:
        content = to_json_text(envelope(options.command, given, result(), []))
    elif options.latex:
        content = to_latex(blocks) + "\n"
    elif options.html:
        content = page(title, blocks)
    else:
        content = _plain(blocks, options).lstrip("\n")
    _emit(content, options)


def _progress(options: argparse.Namespace) -> Callable[[str], None] | None:
    """A line on standard error that says what is being done; none off a terminal."""
    if options.quiet or not sys.stderr.isatty():
        return None

    def tell(what: str) -> None:
        sys.stderr.write(f"\r\033[K{what} ...")
        sys.stderr.flush()

    return tell


def _done(tell: Callable[[str], None] | None) -> None:
    if tell is not None:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


# --- commands ---------------------------------------------------------------------------------


def _report(options: argparse.Namespace) -> int:
    spec = read_chain(options.chain)
    chain = Chain.from_file(options.chain)
    tell = _progress(options)
    found = report(
        chain, title=spec.title, full=options.full, terms=options.terms, points=options.points,
        progress=tell,
    )  # fmt: skip
    _done(tell)
    if options.html:
        write_whole(options.html, found.to_html())
    if options.json and options.json != "-":
        write_whole(options.json, to_json_text(found.to_json()))
    if options.json == "-":
        _emit(to_json_text(found.to_json()), options)
    else:
        head = f"{found.title}\n{'=' * len(found.title)}\n"
        _emit(head + _plain(found._blocks(), options, depth=1), options)
    return 0 if found.holds else 1


def _tail(options: argparse.Namespace) -> int:
    f = _function(options)
    ends = {"oo": (oo,), "-oo": (-oo,), "both": (oo, -oo)}[options.toward]
    found = [tail(f.expr, toward=end, terms=options.terms, x=f.x) for end in ends]
    blocks: list[Block] = []
    for one in found:
        blocks += [*one._blocks(), Para(f"Class: {one.tail_class}."), _verdict(one.fact)]
    given = {"f": formula_form(f.expr), "toward": options.toward, "terms": options.terms}
    _show(options, f"Tails of {f.name}", blocks, lambda: [_with_end(t) for t in found], given)
    return 0 if all(bool(t.verdict) for t in found) else 1


def _with_end(found: Tail) -> dict[str, Any]:
    return {"toward": str(found.toward), **tail_form(found)}


def _verdict(fact: Fact) -> Block:
    form = verdict_form(fact.verdict)
    return Para(f"{form['verdict'].capitalize()}: {form.get('by') or form.get('why')}.")


def _bound(options: argparse.Namespace) -> int:
    f = _function(options)
    found = extrema(f, words.parse_set(options.on))
    given = {"f": formula_form(f.expr), "on": formula_form(found.on)}
    blocks = [Formula(f.expr, f.elementary), *found._blocks()]
    _show(options, f"Bounds of {f.name}", blocks, lambda: extrema_form(found), given)
    return 0 if found.verdict else 1


def _check(options: argparse.Namespace) -> int:
    f = _function(options)
    kernel = lambdify(f.x, f.expr)
    found = check(
        kernel, options.points, options.seed, options.dtype, options.oracle,
    )  # fmt: skip
    given = {"f": formula_form(f.expr), "points": options.points, "ulp": repr(options.ulp)}
    blocks = [*found._blocks()]
    _show(options, f"Check of {f.name}", blocks, lambda: CODEC.encode(found), given)
    return 0 if found.passed(options.ulp) else 1


def _list(options: argparse.Namespace) -> int:
    x = Symbol("x", real=True)
    rows: list[tuple[Any, ...]]
    if options.what == "costs":
        rows = [(c.name, c.formula, c.domain or "R", c.source) for c in losses()]
        head = ("cost", "c(a, y)", "where", "source")
        result = [CODEC.encode(c) for c in losses()]
    else:
        rows = [(g.name, _parameters(g), g.source) for g in activations()]
        head = ("activation", "parameters", "source")
        result = [{"name": g.name, "formula": formula_form(g(x).doit()),
                   "parameters": {p.name: str(v) for p, v in zip(g.parameters, g.values, strict=True)},
                   "source": g.source} for g in activations()]  # fmt: skip
    _show(options, f"The {options.what}", [Table(head, tuple(rows))], lambda: result, {})
    return 0


def _parameters(g: Any) -> str:
    return ", ".join(f"{p} = {v}" for p, v in zip(g.parameters, g.values, strict=True)) or "-"


def _doctor(options: argparse.Namespace) -> int:
    import importlib.metadata
    import platform

    from sympy.core.cache import USE_CACHE
    from sympy.external.gmpy import GROUND_TYPES

    rows = [("Python", platform.python_version()), ("platform", platform.platform())]
    for name in "symgrad sympy mpmath numpy python-flint matplotlib ipython rich".split():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"
        rows.append((name, version))
    rows += [("SymPy ground types", GROUND_TYPES), ("SymPy cache", USE_CACHE)]
    rows.append(("standard output", f"{sys.stdout.encoding}, terminal: {sys.stdout.isatty()}"))
    blocks = [Table(("part", "version"), tuple(rows))]
    _show(options, "symgrad doctor", blocks, lambda: dict(rows), {})
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "report": _report,
    "tail": _tail,
    "bound": _bound,
    "check": _check,
    "list": _list,
    "doctor": _doctor,
}
