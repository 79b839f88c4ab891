"""What each command does: from its options to a document on standard output, and an exit code."""

from __future__ import annotations

import argparse
import io
import json
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sympy import Symbol, oo

from symgrad import plot, words
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
from symgrad.prove import CertificateError, dumps, prove, verify
from symgrad.render import Block, Formula, Para, Section, Table, line, text, to_latex, to_text
from symgrad.report import (
    CODEC,
    envelope,
    extrema_form,
    fact_form,
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

_MAX_CERTIFICATE = 50_000_000


def run(options: argparse.Namespace) -> int:
    """Run the command that the options name; returns its exit code."""
    return _COMMANDS[options.command](options)


# --- reading and writing ----------------------------------------------------------------------


def _text_of(given: str) -> str:
    """The argument, or standard input for '-'."""
    return sys.stdin.read(100_000).strip() if given == "-" else given


def _function(options: argparse.Namespace) -> Univariate:
    """f of the expression, or its derivative of the order asked for."""
    positive = set(filter(None, (options.positive or "").replace(" ", "").split(",")))

    def symbol(name: str) -> Symbol:
        return Symbol(name, positive=True) if name in positive else Symbol(name, real=True)

    names = replace(words.names(), unknown=symbol)
    expr = words.parse(_text_of(options.expression), names)
    loose = sorted(map(str, expr.free_symbols))
    if options.variable is None and len(loose) > 1 and "x" not in loose:
        raise InputError(f"the symbols are {', '.join(loose)}: say which is the variable, -x NAME")
    named = options.variable or ("x" if len(loose) > 1 else None)
    f = univariate(expr, None if named is None else symbol(named))
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
    if options.ulp != 4:
        broken = found.failures(options.ulp)
        verdict = "every law holds" if not broken else "broken: " + "; ".join(broken)
        blocks.append(Para(f"At the limit of {options.ulp:g} ulp: {verdict}."))
    _show(options, f"Check of {f.name}", blocks, lambda: CODEC.encode(found), given)
    return 0 if found.passed(options.ulp) else 1


def _prove(options: argparse.Namespace) -> int:
    statement = words.parse_statement(_text_of(options.expression))
    found = prove(statement, on=words.parse_set(options.on))
    if options.certificate and found.verdict:
        write_whole(options.certificate, dumps(found) + "\n")
    given = {"statement": formula_form(statement), "on": formula_form(found.on)}
    blocks = [*found._blocks(), Section("Proof", tuple(found.derivation._blocks()))]
    _show(options, str(statement), blocks, lambda: fact_form(found.fact), given)
    return 0 if found.verdict else 1


def _verify(options: argparse.Namespace) -> int:
    try:
        with open(options.certificate, encoding="utf-8") as file:
            content = file.read(_MAX_CERTIFICATE)
    except OSError as error:
        raise InputError(f"{options.certificate}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{options.certificate}: not UTF-8 text") from None
    try:
        verdict = verify(content)
    except (CertificateError, RecursionError) as error:
        sys.stderr.write(f"symgrad: {options.certificate}: refused: {error}\n")
        return 1
    given = {"certificate": options.certificate}
    statement = CODEC.decode(json.loads(content)["statement"])
    blocks = [Formula(statement), Para(f"Verified: {verdict.by}.")]
    result = {"statement": formula_form(statement), **verdict_form(verdict)}
    _show(options, "Certificate", blocks, lambda: result, given)
    return 0


def _plot(options: argparse.Namespace) -> int:
    kind = pathlib.PurePath(options.output).suffix.removeprefix(".").lower()
    if kind not in ("svg", "png", "pdf"):
        raise InputError(f"a plot is written to a .svg, .png or .pdf file, got {options.output!r}")
    low, colon, high = options.range.partition(":")
    if not colon:
        raise InputError(f"a range is written LOW:HIGH, as in -8:8, got {options.range!r}")
    ends = (words.parse(low), words.parse(high))
    f = _function(options)
    if options.toward:
        toward = oo if options.toward == "oo" else -oo
        ax = plot.tail(tail(f.expr, toward=toward, terms=options.terms, x=f.x), on=ends)
    else:
        ax = plot.curves([f], on=ends)
    stream = io.BytesIO()
    figure: Any = ax.figure
    plot.save(figure, stream, kind)
    write_whole(options.output, stream.getvalue())
    return 0


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
        result = [
            {
                "name": g.name,
                "formula": formula_form(g(x).doit()),
                "parameters": dict(zip(map(str, g.parameters), map(str, g.values), strict=True)),
                "source": g.source,
            }
            for g in activations()
        ]
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
    "prove": _prove,
    "verify": _verify,
    "check": _check,
    "plot": _plot,
    "list": _list,
    "doctor": _doctor,
}
