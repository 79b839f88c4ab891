"""Tails side by side: what SymPy, giac and Maxima return for the slopes of the catalogue.

A case is g' toward one end, written as f(x) with x → oo. symgrad's own terms are judged first, by
mpmath alone: the error of their sum over the last of them must be below 1 and fall from each far
point to the next. A peer's answer has three terms right if its error is at most twice that of
these; its leading term is judged in the same way, and an answer with a larger error is wrong. No
peer states a constant and a start for its remainder.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import which
from typing import Any

import mpmath
import sympy
from sympy.core.function import AppliedUndef
from sympy.parsing.sympy_parser import parse_expr

import symgrad as sg
from symgrad.activation import X as SLOT

X = sympy.Symbol("x", positive=True)
SECONDS = 2
TERMS = 3


@contextmanager
def limited() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def cases() -> Iterator[tuple[str, sympy.Expr, sg.Tail, list[sympy.Expr], float]]:
    """The name, f(x), symgrad's tail of it, its terms in x, the seconds it took."""
    for g in sg.activations():
        if g.formula.expr.free_symbols - set(g.formula.variables):
            continue
        for sign in (1, -1):
            f = g.d(1)(SLOT).doit().subs(SLOT, sign * X)
            f = sympy.piecewise_fold(f) if f.has(sympy.Piecewise) else f
            start = time.perf_counter()
            tail = sg.tail(g.d(1), toward=sign * sympy.oo, terms=TERMS, x=SLOT)
            spent = time.perf_counter() - start
            if tail.remainder is not None and tail.tail_class.kind != "oscillating":
                terms = [t.subs(SLOT, sign * X) for t in tail.terms]
                yield f"{g.name}' toward {'+' if sign > 0 else '-'}oo", f, tail, terms, spent


def sympy_series(f: sympy.Expr) -> sympy.Expr:
    return f.series(X, sympy.oo, TERMS + 1).removeO()


def sympy_aseries(f: sympy.Expr) -> sympy.Expr:
    return f.aseries(X, TERMS + 1).removeO()


def sympy_rewritten(f: sympy.Expr) -> sympy.Expr:
    t = sympy.Symbol("t", positive=True)
    g = sympy.simplify(f.rewrite(sympy.exp)).subs(sympy.exp(X), 1 / t).subs(sympy.exp(-X), t)
    if g.has(X):
        raise NotImplementedError("not a function of exp(x) alone")
    return g.series(t, 0, TERMS + 2).removeO().subs(t, sympy.exp(-X))


def by_program(program: str, before: str, after: str) -> Callable[[sympy.Expr], sympy.Expr]:
    def run(f: sympy.Expr) -> sympy.Expr:
        if which(program) is None:
            raise FileNotFoundError(program)
        text = f"{before}{str(f).replace('**', '^')}{after}"
        argument = [program, text] if program == "giac" else [program, "--very-quiet", "-r", text]
        done = subprocess.run(argument, capture_output=True, text=True, timeout=SECONDS, check=True)
        answer = [line for line in done.stdout.splitlines() if line.strip()][-1]
        names = {"x": X, "order_size": lambda _: sympy.S.Zero, "%e": sympy.E, "%pi": sympy.pi}
        answer = answer.replace("%e", "E").replace("%pi", "pi").replace("^", "**")
        return parse_expr(answer.strip('"; '), names)

    return run


TOOLS: dict[str, Callable[[sympy.Expr], sympy.Expr]] = {
    "SymPy series": sympy_series,
    "SymPy aseries": sympy_aseries,
    "SymPy series in exp(-x)": sympy_rewritten,
    "giac series": by_program("giac", "series(", ",x=+infinity,4)"),
    "Maxima taylor": by_program(
        "maxima", "display2d:false$ assume(x>0)$ print(taylor(", ",x,inf,4))$"
    ),
}


def error(f: sympy.Expr, terms: Any, at: int) -> Any:
    with mpmath.workdps(2000):
        return abs(mpmath.mpf(sympy.N((f - terms).subs(X, at), 600, maxn=20000)))


def far(terms: list[sympy.Expr]) -> tuple[int, ...]:
    """The farthest three points where the last term is still above 10⁻¹⁵⁰⁰."""
    for points in ((30, 60, 120), (10, 15, 20), (2, 3, 4)):
        if abs(sympy.N(terms[-1].subs(X, points[-1]), 30)) > sympy.Float("1e-1500"):
            return points
    raise ValueError(f"no points for {terms[-1]}")


def our_verdict(f: sympy.Expr, tail: sg.Tail, terms: list[sympy.Expr]) -> str:
    falls = [error(f, sum(terms), at) / abs(error(terms[-1], 0, at)) for at in far(terms)]
    right = all(a > b for a, b in zip([1, *falls], falls, strict=False))
    proved = ", proved" if isinstance(tail.verdict, sg.Proved) else ""
    return f"three terms{proved}" if right else "wrong"


def verdict(f: sympy.Expr, answer: sympy.Expr, terms: list[sympy.Expr]) -> str:
    parts = sympy.Add.make_args(sympy.expand(answer))
    lead = max(parts, key=lambda t: abs(sympy.N(t.subs(X, far(terms)[-1]), 30)))
    for words, given, n in (("three terms", answer, None), ("leading term", lead, 1)):
        true = sum(terms[:n])
        if all(error(f, given, at) <= 2 * error(f, true, at) for at in far(terms)):
            return words
    return "wrong"


def test_tails(measured):
    rows = []
    for name, f, tail, terms, seconds in cases():
        rows.append([name, "symgrad", our_verdict(f, tail, terms), seconds])
        for tool, run in TOOLS.items():
            start = time.perf_counter()
            try:
                with limited():
                    answer = run(f)
                    said = None
            except (TimeoutError, subprocess.TimeoutExpired):
                said = "no answer in time"
            except FileNotFoundError:
                continue
            except Exception as refusal:  # noqa: BLE001 - a peer may fail in any way
                said = f"none: {type(refusal).__name__}"
            spent = time.perf_counter() - start
            if not said and answer.atoms(AppliedUndef):
                said = "none: left in other functions"
            rows.append([name, tool, said or verdict(f, answer, terms), spent])
    by = {t: [r for r in rows if r[1] == t] for t in ["symgrad", *TOOLS]}
    kinds = ("three terms", "leading term", "wrong")
    summary = [
        [
            t, len(found), *(sum(r[2].startswith(k) for r in found) for k in kinds),
            sum(r[2] not in kinds and "proved" not in r[2] for r in found),
            sum(r[2].endswith("proved") for r in found),
            sorted(r[3] for r in found)[len(found) // 2],
        ]
        for t, found in by.items() if found
    ]  # fmt: skip
    note = (
        f"Slopes of the catalogue whose tail is neither exact nor oscillating; {SECONDS} s each. "
        "Three terms, or the leading term alone, by their error at x = 30, 60 and 120 (nearer "
        "where the third term would be below 10⁻¹⁵⁰⁰)."
    )
    measured("tails-all", "Tails of g', case by case", ["case", "by", "answer", "seconds"], rows,
             note)  # fmt: skip
    measured("tails", "Tails of g'", ["by", "cases", *kinds, "none", "with a bound",
             "median seconds"], summary, note)  # fmt: skip
    assert all(row[2] == "three terms, proved" for row in rows if row[1] == "symgrad")
