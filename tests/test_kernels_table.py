"""The table of kernels: catalogue × orders × types, each against the oracle.

`python tests/test_kernels_table.py docs/theorems/kernels.csv` writes it; the numeric environment
measures every row again.
"""

from __future__ import annotations

import csv
import pathlib
import sys
import time
import warnings

import numpy as np
import pytest
from sympy import Abs, Rational, log

from symgrad.activation import X
from symgrad.catalogue import activations
from symgrad.check import check
from symgrad.kernels import lambdify

HEAD = (
    "entry", "order", "compile s", "float64 max", "99.9 %", "float32 max", "float32 in",
    "wrong zeros",
    "not finite", "warnings", "points", "worst at", "regime there",
)  # fmt: skip
POINTS = 500
TABLE = pathlib.Path(__file__).parents[1] / "docs" / "theorems" / "kernels.csv"


def _bound(g):
    return g.bind(**{s.name: Rational(5, 4) for s in g.free_symbols}) if g.free_symbols else g


ENTRIES = {g.name: _bound(g) for g in activations()}
CASES = [(name, order) for name in ENTRIES for order in ("0", "1", "2", "log d1")]


def row(name: str, order: str, points: int = POINTS) -> list[str]:
    """One row of the table, measured now."""
    g = ENTRIES[name]
    f = log(Abs(g.d(1)(X))) if order == "log d1" else g.d(int(order))(X)
    start = time.process_time()
    kernel = lambdify(X, f)
    spent = time.process_time() - start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the oracle's own arithmetic; the kernel's are counted
        double, single = (
            check(kernel, points, dtype=t, oracle="arb") for t in (np.float64, np.float32)
        )
    both = (double, single)
    return [
        name, order, f"{spent:.2f}", f"{double.max_ulp:.2f}", f"{double.p999:.2f}",
        f"{single.max_ulp:.3f}", "float32" if "own=True" in kernel.source else "float64",
        str(sum(r.wrong_zeros.count for r in both)),
        str(sum(r.non_finite.count for r in both)), str(sum(len(r.warnings) for r in both)),
        str(sum(r.points for r in both)), f"{double.worst.at[0]:.6g}",
        _why(kernel.source, double.worst.at[0]) if double.max_ulp > 2 else "",
    ]  # fmt: skip


def _why(source: str, at: float) -> str:
    """The kind of regime that holds the worst point, as its comment says it."""
    for text in source.splitlines():
        if not text.startswith("# ") or " <= " not in text:
            continue
        interval, why = text[2:].split(": ", 1)
        low, variable, high = interval.replace(" < ", " <= ").split(" <= ")
        if float(low) <= (abs(at) if variable == "|x|" else at) < float(high):
            return why.split(";")[0].split(":")[0].replace("|x|", "abs(x)")
    return "arithmetic on kernels"


@pytest.mark.numeric
@pytest.mark.parametrize(("name", "order"), CASES)
def test_every_row(name, order):
    found = dict(zip(HEAD, row(name, order), strict=True))
    assert float(found["float64 max"]) <= 4
    assert float(found["float32 max"]) <= (3.2 if found["float32 in"] == "float32" else 0.52)
    assert found["wrong zeros"] == found["not finite"] == found["warnings"] == "0"


def test_the_published_table_has_every_row_within_the_limit():
    rows = list(csv.DictReader(TABLE.read_text("utf-8").splitlines()))
    assert [(r["entry"], r["order"]) for r in rows] == CASES
    assert max(float(r["float64 max"]) for r in rows) <= 4
    again = dict(zip(HEAD, row("sigmoid", "1"), strict=True))
    stored = next(r for r in rows if (r["entry"], r["order"]) == ("sigmoid", "1"))
    assert float(again["float64 max"]) == pytest.approx(float(stored["float64 max"]), abs=0.6)


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEAD)
        for case in CASES:
            table.writerow(row(*case))
            file.flush()
