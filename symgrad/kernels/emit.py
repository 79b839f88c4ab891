"""The NumPy source of a kernel, and its execution: the only place that executes source.

What is executed is the text that was written here from floats, from lines made by `forms`, and from
the text of `runtime`; no name or string of the user enters it unchecked.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from symgrad.errors import InputError
from symgrad.kernels import runtime
from symgrad.kernels.runtime import Laurent, Pieces

__all__ = [
    "at", "build", "identifier", "line", "number", "plan_source", "runtime_source",
]  # fmt: skip

_WORDS = ("exp_square", "broken_power", "select", "one_plus", "log_one_plus", "log_wave")
_OPERATION = re.compile(r" [-+*/] |\w\(")
_TAKEN = {"np", "out", "inf", "nan", "kernel", *(n for n in vars(runtime) if n[0] != "_")}


@lru_cache(maxsize=1)
def runtime_source() -> str:
    """The text of `runtime` after its docstring."""
    text = files("symgrad.kernels").joinpath("runtime.py").read_text("utf-8")
    return text[text.index("from __future__") :]


def identifier(name: str) -> str:
    """The name itself, with an underscore where the module has it already.

    Raises `InputError` for a name that Python cannot use.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii():
        raise InputError(f"a kernel's argument is an ASCII identifier, got the symbol {name!r}")
    taken = name in _TAKEN or name.startswith("_") or name in dir(builtins)
    return f"arg_{name}" if taken else name


@lru_cache(maxsize=512)
def line(text: str) -> Callable[[Any], Any]:
    """The line of NumPy in x as a function."""
    return build(f"def line(x):\n    return {text}\n", "line")["line"]


def at(text: str, u: str) -> str:
    """The line in x at u."""
    if u == "x":
        return text
    once = len(re.findall(r"\bx\b", text)) == 1
    return re.sub(r"\bx\b", u, text) if once else f"(lambda x: {text})({u})"


def build(source: str, name: str) -> dict[str, Any]:
    """The namespace after running a source that this room has written."""
    space: dict[str, Any] = {
        "np": np,
        **{name: getattr(runtime, name) for name in _WORDS},
        "inf": math.inf,
        "nan": math.nan,
        "__name__": f"symgrad_kernel_{name}",
    }
    exec(compile(source, f"<kernel {name}>", "exec"), space)
    return space


def number(value: float) -> str:
    """A float as text that Python reads back to the same bits."""
    return repr(float(value))


def _row(values: Any) -> list[str]:
    """The numbers of one row, four on a line."""
    texts = [number(v) for v in values]
    return [f"    {', '.join(texts[k : k + 4])}," for k in range(0, len(texts), 4)]


def _pieces(name: str, p: Pieces) -> list[str]:
    text: list[str] = []
    given = [f"rows={name}_rows"]
    for part in ("centre", "centre_low", "constant_low", "slope", "logs"):
        values = getattr(p, part)
        if values is not None:
            text += [f"{name}_{part} = np.array([", *_row(values), "])"]
            given.append(f"{part}={name}_{part}")
    text += [f"{name}_rows = np.array(["]
    for k, row in enumerate(p.rows):
        text += [f"    # t**{k}", "    [", *_row(row), "    ],"]
    return [
        *text,
        "])",
        f"{name} = Pieces(",
        f"    step={number(p.step)}, shift={p.shift}, first={p.first}, sides={p.sides},",
        f"    scale={p.scale}, short={p.short},",
        *(f"    {g}," for g in given),
        ")",
    ]


def _method(name: str, method: Any) -> tuple[list[str], str]:
    """The lines that define a method, and the expression that names it in the plan."""
    if isinstance(method, Pieces):
        return _pieces(name, method), name
    if isinstance(method, Laurent):
        terms = ", ".join(map(number, method.coefficients))
        return [
            f"{name} = Laurent({method.power}, ({terms},),",
            f"    low={number(method.low)}, last={number(method.last)}, "
            f"logs={number(method.logs)}, root={method.root})",
        ], name
    if isinstance(method, float):
        return [], number(method)
    clamped = re.fullmatch(r"\(lambda x: (.*)\)\((.*)\)", method)
    body = [f"    x = {clamped[2]}", f"    return {clamped[1]}"] if clamped else []
    return [f"def {name}(x):", *(body or [f"    return {method}"])], name


def _regime(name: str, r: Any, variable: str) -> list[str]:
    why = r.why.replace("; ", ";\n#   ")
    comment = f"# {number(r.lower)} <= {variable} < {number(r.upper)}: {why}."
    return [comment, *_method(name, r.method)[0]]


def _entry(name: str, r: Any) -> str:
    method = _method(name, r.method)[1]
    light = isinstance(r.method, str) and len(_OPERATION.findall(r.method)) < 7
    light = light and "exp_square" not in r.method
    tail = ", light=True" if light else ""
    return f"Regime({number(r.lower)}, {number(r.upper)}, {method}{tail})"


def plan_source(design: Any, function: str) -> str:
    """The tables, lines and plan of one function of one variable, a comment before each regime."""
    text: list[str] = []
    entries: list[str] = []
    variable = "|x|" if design.symmetry else "x"
    for k, r in enumerate(design.by_use, 1):
        text += _regime(f"{function}_{k}", r, variable)
        entries.append(f"        {_entry(f'{function}_{k}', r)},")
    given = ["    fast=True,"] if design.fast else []
    if design.short:
        kind = "float32 in float32 itself" if design.own else "float32 in float64"
        text += _regime(f"{function}_short", design.short, f"{kind}, x")
        given += [
            f"    short={_entry(f'{function}_short', design.short)},",
            f"    own={design.own},",
        ]
    points = "".join(f"({number(a)}, {number(v)}), " for a, v in design.points)
    kind = {-1: "odd: f(-x) = -f(x)", 1: "even: f(-x) = f(x)", 0: "no symmetry"}[design.symmetry]
    text += [
        f"# {kind}; the single points hold limits and conventions.",
        f"{function}_plan = Plan(",
        "    regimes=(",
        *entries,
        "    ),",
        f"    points=({points}),",
        f"    symmetry={design.symmetry},",
        *given,
        ")",
        "",
        "",
        f"def {function}(x, out=None):",
        f"    return evaluate({function}_plan, x, out)",
    ]
    return "\n".join(text) + "\n"
