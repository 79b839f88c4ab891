"""What each command does: from its options to one answer, shown in the form asked for."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from sympy import Symbol, oo

from symgrad import plot, words
from symgrad.activation import Univariate, univariate
from symgrad.bounds import extrema
from symgrad.catalogue import activations
from symgrad.chain import Chain
from symgrad.chainfile import read_chain
from symgrad.check import check, check_all
from symgrad.check.run import errors_at
from symgrad.errors import InputError, UndecidedError
from symgrad.files import read_text, write_whole
from symgrad.kernels import lambdify
from symgrad.loss import losses
from symgrad.parse import Names
from symgrad.progress import Progress
from symgrad.prove import CertificateError, dumps, prove, verify
from symgrad.render import Block, Formula, Para, Section, Table, line, text, to_latex, to_text
from symgrad.report import (
    CODEC,
    envelope,
    form,
    page,
    report,
    schema,
    to_json_text,
    verdict_words,
)
from symgrad.tails import tail

__all__ = ["run"]

_MAX_CERTIFICATE = 50_000_000
_PARTS = "symgrad sympy mpmath numpy python-flint latex2mathml matplotlib ipython rich"


@dataclass(frozen=True)
class Answer:
    """What a command found: a document, what its JSON holds, and whether what it claims holds."""

    title: str
    blocks: Iterable[Block]
    result: Any
    given: dict[str, Any]
    holds: bool = True
    interrupted: bool = False
    headed: bool = False
    warnings: Iterable[str] = ()


def run(options: argparse.Namespace) -> int:
    """Run the command that the options name; returns its exit code."""
    with Progress(options.quiet) as progress:
        answer = _COMMANDS[options.command](options, progress)
    if answer is None:
        return 0
    chosen = "text"
    for kind in ("json", "latex", "html"):
        where = getattr(options, kind)  # a flag; or, for the report, a file or "-"
        if where is True or where == "-":
            chosen = kind
        elif where:
            write_whole(where, _content(answer, kind, options))
    _emit(_content(answer, chosen, options), options)
    return 130 if answer.interrupted else 0 if answer.holds else 1


def _content(answer: Answer, kind: str, options: argparse.Namespace) -> str:
    match kind:
        case "json":
            parts = answer.given, answer.result, answer.warnings
            return to_json_text(envelope(options.command, *parts))
        case "latex":
            return to_latex(answer.blocks) + "\n"
        case "html":
            return page(answer.title, answer.blocks)
    unicode = options.output or (sys.stdout.encoding or "").lower().startswith("utf")
    head = f"{answer.title}\n{'=' * len(answer.title)}\n" if answer.headed else ""
    body = to_text(
        answer.blocks, width=_width(), depth=int(answer.headed), formula=line if unicode else text
    )
    return head + body.lstrip("" if answer.headed else "\n") + "\n"


def _width() -> int:
    return min(shutil.get_terminal_size((80, 24)).columns, 120) if sys.stdout.isatty() else 80


def _emit(content: str, options: argparse.Namespace) -> None:
    if options.output:
        write_whole(options.output, content)
        return
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(content.encode(encoding, "replace").decode(encoding))


# --- reading ----------------------------------------------------------------------------------


def _text_of(given: str) -> str:
    """The argument, or standard input for '-'."""
    if given != "-":
        return given
    if sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        return sys.stdin.read(100_000).strip()
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: not text (byte {error.start})") from None


def _names(options: argparse.Namespace) -> Names:
    """Real symbols, positive where the options say so."""
    positive = set(filter(None, (options.positive or "").replace(" ", "").split(",")))

    def symbol(name: str) -> Symbol:
        return Symbol(name, positive=True) if name in positive else Symbol(name, real=True)

    return replace(words.names(), unknown=symbol)


def _variable(expr: Any, options: argparse.Namespace) -> Symbol | None:
    """The variable that is named, or x where there are several symbols."""
    loose = {s.name: s for s in expr.free_symbols}
    if options.variable is not None:
        if loose and options.variable not in loose:
            raise InputError(f"no symbol {options.variable}; there are: {', '.join(sorted(loose))}")
        return loose.get(options.variable, Symbol(options.variable, real=True))
    if len(loose) > 1 and "x" not in loose:
        shown = ", ".join(sorted(loose))
        raise InputError(f"the symbols are {shown}: say which is the variable, -x NAME")
    return loose["x"] if len(loose) > 1 else None


def _function(options: argparse.Namespace) -> Univariate:
    """f of the expression, or its derivative of the order asked for."""
    expr = words.parse(_text_of(options.expression), _names(options))
    f = univariate(expr, _variable(expr, options))
    order = options.order
    if not order:
        return f
    if f.activation is not None:
        return univariate(f.activation.d(f.order + order), f.x)
    return Univariate(f.elementary.diff(f.x, order), f.x, f"{f.name}.d{order}")


# --- commands ---------------------------------------------------------------------------------


def _report(options: argparse.Namespace, progress: Progress) -> Answer:
    found = report(
        Chain.from_file(options.chain), title=read_chain(options.chain).title, full=options.full,
        terms=options.terms, points=options.points, progress=progress,
    )  # fmt: skip
    return Answer(
        found.title, found._blocks(), found.result, found.given, found.holds, found.interrupted,
        headed=True, warnings=found.warnings,
    )  # fmt: skip


def _tail(options: argparse.Namespace, progress: Progress) -> Answer:
    f = _function(options)
    names = ("oo", "-oo") if options.toward == "both" else (options.toward,)
    found, stopped = [], False
    try:
        for done, end in enumerate(names):
            progress(done, len(names), f"tail toward {end}")
            toward = oo if end == "oo" else -oo
            found.append(tail(f.expr, toward=toward, terms=options.terms, x=f.x))
    except KeyboardInterrupt:
        if not found:
            raise
        stopped = True
    blocks: list[Block] = []
    for one in found:
        blocks += [*one._blocks(), Para(f"Class: {one.tail_class}."), Para(verdict_words(one.fact))]
    given = {"f": f.expr, "toward": options.toward, "terms": options.terms}
    return Answer(
        f"Tails of {f.name}", blocks, [{"toward": str(t.toward), **form(t)} for t in found], given,
        all(t.verdict for t in found), stopped,
    )  # fmt: skip


def _bound(options: argparse.Namespace, progress: Progress) -> Answer:
    f = _function(options)
    progress(0, 1, f"sup and inf of {f.name}")
    found = extrema(f, words.parse_set(options.on))
    blocks = [Formula(f.expr, f.elementary), *found._blocks()]
    given = {"f": f.expr, "on": found.on}
    return Answer(f"Bounds of {f.name}", blocks, found, given, bool(found.verdict))


def _check(options: argparse.Namespace, progress: Progress) -> Answer:
    f = _function(options)
    progress(0, 1, f"kernel of {f.name}")
    kernel = lambdify(f.x, f.expr)
    tell = lambda done, total: progress(done, total, f"check of {f.name}")
    if options.exhaustive:
        pool = ProcessPoolExecutor(options.processes) if options.processes > 1 else None
        with pool or contextlib.nullcontext():
            found = check_all(kernel, options.exhaustive, pool, tell, options.state)
    else:
        found = check(
            kernel, options.points, options.seed, options.dtype, options.oracle, progress=tell
        )
    points = found.points if options.exhaustive else options.points
    given = {"f": f.expr, "points": points, "ulp": repr(options.ulp)}
    blocks = [*found._blocks()]
    if options.ulp != 4:
        broken = found.failures(options.ulp)
        verdict = "every law holds" if not broken else "broken: " + "; ".join(broken)
        blocks.append(Para(f"At the limit of {options.ulp:g} ulp: {verdict}."))
    holds = found.passed(options.ulp)
    return Answer(f"Check of {f.name}", blocks, found, given, holds, not found.complete)


def _prove(options: argparse.Namespace, progress: Progress) -> Answer:
    statement = words.parse_statement(_text_of(options.statement), _names(options))
    progress(0, 1, "proof")
    found = prove(statement, _variable(statement, options), words.parse_set(options.on))
    if options.certificate and found.verdict:
        write_whole(options.certificate, dumps(found) + "\n")
    given = {"statement": statement, "on": found.on}
    blocks = [*found._blocks(), Section("Proof", tuple(found.derivation._blocks()))]
    return Answer(str(statement), blocks, found.fact, given, bool(found.verdict))


def _verify(options: argparse.Namespace, progress: Progress) -> Answer:
    content = read_text(options.certificate, _MAX_CERTIFICATE)
    progress(0, 1, "certificate")
    given = {"certificate": options.certificate}
    try:
        verdict = verify(content)
    except (CertificateError, RecursionError) as error:
        raise UndecidedError(f"{options.certificate}: refused: {error}") from None
    statement = CODEC.decode(json.loads(content)["statement"])
    blocks = [Formula(statement), Para(f"Verified: {verdict.by}.")]
    return Answer("Certificate", blocks, {"statement": statement, **form(verdict)}, given)


def _plot(options: argparse.Namespace, progress: Progress) -> None:
    kind = pathlib.PurePath(options.output).suffix.removeprefix(".").lower()
    if kind not in ("svg", "png", "pdf"):
        raise InputError(f"a plot is written to a .svg, .png or .pdf file, got {options.output!r}")
    low, colon, high = options.range.partition(":")
    if not colon:
        raise InputError(f"a range is written LOW:HIGH, as in -8:8, got {options.range!r}")
    ends = (words.parse(low), words.parse(high))
    f = _function(options)
    progress(0, 1, f"plot of {f.name}")
    if options.errors:
        kernel = lambdify(f.x, f.expr)
        at = [float(ends[0] + (ends[1] - ends[0]) * k / 2000) for k in range(2001)]
        pairs = list(zip(at, map(float, errors_at(kernel, at)), strict=True))
        inside = [s for s in map(float, kernel.switch_points) if at[0] <= s <= at[-1]]
        ax = plot.errors(pairs, switches=inside)
    elif options.toward in ("oo", "-oo"):
        toward = oo if options.toward == "oo" else -oo
        ax = plot.tail(tail(f.expr, toward=toward, terms=options.terms, x=f.x), on=ends)
    else:
        ax = plot.curves([f], on=ends)
    stream = io.BytesIO()
    figure: Any = ax.figure
    plot.save(figure, stream, kind)
    write_whole(options.output, stream.getvalue())


def _list(options: argparse.Namespace, progress: Progress) -> Answer | None:
    if options.what == "schema":
        _emit(schema(), options)
        return None
    x = Symbol("x", real=True)
    rows: list[tuple[Any, ...]] = []
    if options.what == "costs":
        head = ("cost", "c(a, y)", "where", "source")
        rows = [(c.name, c.formula, c.domain or "R", c.source) for c in losses()]
        result = list(losses())
    else:
        head = ("activation", "parameters", "source")
        result = []
        for g in activations():
            bound = {p.name: str(v) for p, v in zip(g.parameters, g.values, strict=True)}
            shown = ", ".join(f"{p} = {v}" for p, v in bound.items()) or "-"
            rows.append((g.name, shown, g.source))
            shape = {"name": g.name, "formula": g(x).doit(), "source": g.source}
            result.append({**shape, "parameters": bound})
    table = Table(head, tuple(rows))
    return Answer(f"The {options.what}", [table], result, {"what": options.what})


def _doctor(options: argparse.Namespace, progress: Progress) -> Answer:
    import importlib.metadata
    import platform

    from sympy.core.cache import USE_CACHE
    from sympy.external.gmpy import GROUND_TYPES

    rows = [("Python", platform.python_version()), ("platform", platform.platform())]
    for name in _PARTS.split():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"
        rows.append((name, version))
    rows += [("SymPy ground types", GROUND_TYPES), ("SymPy cache", USE_CACHE)]
    rows.append(("standard output", f"{sys.stdout.encoding}, terminal: {sys.stdout.isatty()}"))
    blocks = [Table(("part", "version"), tuple(rows))]
    return Answer("symgrad doctor", blocks, dict(rows), {})


_COMMANDS: dict[str, Callable[[argparse.Namespace, Progress], Answer | None]] = {
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
