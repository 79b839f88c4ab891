"""The kernel directive: how the function is computed, where it switches, what was measured."""

from __future__ import annotations

import re
from functools import lru_cache

from sympy import Expr, Symbol

from symgrad.check import check
from symgrad.kernels import Kernel, lambdify
from symgrad.render import Block, Listing, Table
from symgrad.sphinxext.results.reading import Request, made
from symgrad.sphinxext.setting import Answer

__all__ = ["abridged", "kernel_of", "regimes"]

_NUMBERS = re.compile(r"\s*-?\d[-\d.e+, ]*$")
_ROW = re.compile(r"\s*(# t\*\*\d+|\[|\],?)$")


@lru_cache(maxsize=16)
def kernel_of(x: Symbol, expr: Expr) -> Kernel:
    """The kernel of an expression; a page asks for the same one several times."""
    return lambdify(x, expr)


def regimes(source: str) -> list[tuple[str, str]]:
    """(where, how) for each regime, from the comments of the source."""
    whole = source.replace("\n#   ", " ")  # a comment that goes on
    found = re.findall(r"^# (.*?[<=].*?\|?x\|?.*?): (.*)$", whole, re.MULTILINE)
    return [(where.strip(), how.strip()) for where, how in found]


def abridged(source: str) -> str:
    """The part of the source that is about this function, each table of numbers cut to its size."""
    first = re.search(r"^# .*<=.*x", source, re.MULTILINE)
    lines: list[str] = []
    cut = 0
    for line in [*source[first.start() if first else 0 :].splitlines(), ""]:
        if _NUMBERS.match(line) or (cut and _ROW.match(line)):
            cut += line.count(",") - line.count("]")
            continue
        if _ROW.match(line):
            continue
        if cut:
            lines.append(f"    ...,  # {cut} numbers")
            cut = 0
        if line.strip() or (lines and lines[-1].strip()):
            lines.append(line)
    return "\n".join(lines).rstrip() + "\n"


@made
def kernel(ask: Request) -> Answer:
    """The source of a kernel with its switch points and measured figures."""
    f = ask.function()
    made_of = kernel_of(f.x, f.expr)
    rows = tuple(regimes(made_of.source))
    report = check(made_of, ask.get("points", 1000), second=100)
    blocks: list[Block] = [Table(("Where", "How it is computed"), rows)] if rows else []
    blocks += report._blocks()
    if "source" in ask.options:
        blocks.append(Listing(abridged(made_of.source)))
    limit = float(ask.get("limit", "4"))
    return Answer(blocks, wrong=[f"kernel of {f.name}: {law}" for law in report.failures(limit)])
