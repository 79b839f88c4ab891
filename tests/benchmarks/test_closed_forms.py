"""All gradients of a chain in closed form: time and size against the depth L, side by side.

Each contender gets the same task, ∂C/∂wˡ and ∂C/∂bˡ for every l: SymPy and symengine differentiate
the nested cost (with their own common subexpressions), symgrad writes its straight-line program.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy

import symgrad as sg

FORMULAS = {
    "sigmoid": lambda m, z: 1 / (1 + m.exp(-z)),
    "tanh": lambda m, z: m.tanh(z),
    "silu": lambda m, z: z / (1 + m.exp(-z)),
}
DEPTHS = {"symgrad": (4, 16, 50, 200, 1000), "sympy": (4, 8, 16, 50), "symengine": (4, 8, 16, 50)}
LIMIT = 60.0


def nested(m: Any, name: str, depth: int) -> tuple[Any, list[Any]]:
    x, y = m.Symbol("x"), m.Symbol("y")
    w = [m.Symbol(f"w{l}") for l in range(1, depth + 1)]
    b = [m.Symbol(f"b{l}") for l in range(1, depth + 1)]
    a = x
    for wl, bl in zip(w, b, strict=True):
        a = FORMULAS[name](m, wl * a + bl)
    return (a - y) ** 2 / 2, w + b


def by_nesting(module: str) -> Callable[[str, int], list[Any]]:
    def run(name: str, depth: int) -> list[Any]:
        m = pytest.importorskip(module)
        cost, variables = nested(m, name, depth)
        gradients = [m.diff(cost, v) for v in variables]
        named, left = m.cse(gradients)
        return [e for _, e in named] + list(left)

    return run


def operations(exprs: list[Any]) -> int:
    return int(sum(sympy.count_ops(sympy.sympify(e)) for e in exprs))


def by_symgrad(name: str, depth: int) -> list[Any]:
    program = sg.Chain(sg.activation(name), depth=depth).program
    return [e for _, e in program.statements]


RUNS = {"symgrad": by_symgrad, "sympy": by_nesting("sympy"), "symengine": by_nesting("symengine")}


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_all_gradients(name, measured):
    rows = []
    for by, run in RUNS.items():
        for depth in DEPTHS[by]:
            start = time.perf_counter()
            try:
                exprs = run(name, depth)
            except (pytest.skip.Exception, RecursionError) as error:
                print(f"{by} at depth {depth}: {type(error).__name__}")
                break
            spent = time.perf_counter() - start
            rows.append([by, depth, spent, operations(exprs)])
            if spent > LIMIT / 10:
                break
    ours = [(r[1], r[2], r[3]) for r in rows if r[0] == "symgrad"]
    depths, _, sizes = np.array(ours).T
    growth = np.polyfit(np.log(depths[1:]), np.log(sizes[1:]), 1)[0]
    measured(
        f"closed-forms-{name}", f"All gradients of a {name} chain in closed form",
        ["by", "L", "seconds", "operations"], rows,
        "Straight-line programs; of SymPy and symengine after their own common subexpressions. "
        f"Operations of symgrad's grow like L to the {growth:.2f}.",
    )  # fmt: skip
    assert 0.9 < growth < 1.1
