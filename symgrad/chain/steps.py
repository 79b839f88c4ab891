"""Lines of NumPy as steps in place: each distinct part once, constants without axes by type."""

from __future__ import annotations

import ast
import math
from typing import Any

__all__ = ["straight"]

_COSTS = {
    "add": 1, "subtract": 1, "multiply": 1, "negative": 1, "divide": 1.6, "minimum": 2,
    "maximum": 2, "exp": 3.5, "cosh": 3.8, "log1p": 4.2, "sqrt": 4.5, "expm1": 4.8, "sinh": 4.8,
    "arctan": 4.8, "tanh": 6.6, "greater": 1, "less": 1, "greater_equal": 1, "less_equal": 1,
}  # fmt: skip
"""What a pass costs, in additions of float64 on blocks that stay in the cache (AVX-512)."""
_OTHER = 10.0
_WORDS: dict[type, tuple[str, str]] = {
    ast.Add: ("add", "+"), ast.Sub: ("subtract", "-"), ast.Mult: ("multiply", "*"),
    ast.Div: ("divide", "/"), ast.Pow: ("power", "**"), ast.Gt: ("greater", ""),
    ast.GtE: ("greater_equal", ""), ast.Lt: ("less", ""), ast.LtE: ("less_equal", ""),
    ast.Eq: ("equal", ""),
}  # fmt: skip
_SYMBOLS = {word: sign for word, sign in _WORDS.values() if sign}
_TESTS = {word for word, sign in _WORDS.values() if not sign}


class _Steps:
    """Steps of texts together, each distinct one once; constants by their number."""

    def __init__(self) -> None:
        self.steps: dict[tuple[str, ...], str] = {}
        self.constants: dict[tuple[float, float], str] = {}

    def add(self, node: Any) -> str:
        """The name of what a node of the syntax tree gives."""
        value = self.constant(node)
        if value:
            return self.constants.setdefault(value, f"k{len(self.constants)}")
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.UnaryOp):
            step = "negative", self.add(node.operand)
        elif isinstance(node, ast.BinOp):
            step = _WORDS[type(node.op)][0], self.add(node.left), self.add(node.right)
        elif isinstance(node, ast.Compare):
            ends = node.left, node.comparators[0]
            step = (_WORDS[type(node.ops[0])][0], *map(self.add, ends))
        else:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            step = (name, *map(self.add, node.args))
        return self.steps.setdefault(step, f"v{len(self.steps)}")

    def constant(self, node: Any) -> tuple[float, float] | None:
        """The values of a constant in both types."""
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            return node.value, node.value
        if isinstance(node, ast.Name) and node.id == "inf":
            return math.inf, math.inf
        if isinstance(node, ast.UnaryOp) and (value := self.constant(node.operand)):
            return -value[0], -value[1]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "two":
            wide, narrow = map(self.constant, node.args)
            return (wide[0], narrow[1]) if wide and narrow else None
        return None


def straight(*texts: str, given: str = "x") -> tuple[str, float]:
    """The function that fills g and d from what is given, in place where it can, and its cost."""
    made = _Steps()
    trees = [ast.parse(text, mode="eval").body for text in texts]
    results = dict(zip("gd", map(made.add, trees), strict=False))
    steps = {name: step for step, name in made.steps.items()}
    names = list(steps)
    used = {a: k for k, step in enumerate(steps.values()) for a in step[1:]}
    place = {r: n for n, r in reversed(results.items()) if r in steps}
    last = {n: names.index(r) for r, n in place.items()}
    busy = dict.fromkeys(last, -1)  # by array, the last step that needs what is in it
    body, cost = [], 0.0
    for k, (name, (word, *args)) in enumerate(steps.items()):
        parts = [place.get(a, a) for a in args]
        ufunc = word not in {"where", "exp_square", "broken_power", *_TESTS}
        if name in place:
            busy[place[name]] = len(names)
        else:
            free = [n for n in busy if busy[n] <= k and used[name] <= last.get(n, used[name])]
            free.sort(key=lambda n: n not in parts)
            place[name] = free[0] if ufunc and free else name
            if word not in _TESTS:
                busy[place[name]] = used[name]
        body.append(_step(word, parts, place[name], ufunc, place[name] != name))
        cost += _COSTS.get(word, _OTHER)
    for n, r in results.items():
        if place.get(r, r) != n:
            body.append(f"{n}[...] = {place.get(r, r)}")
            cost += 1
    head, table = "", ""
    if made.constants:
        wide, narrow = ("".join(f"{c[k]!r}, " for c in made.constants) for k in (0, 1))
        table = f"_both_k = constants(({wide}), ({narrow}))\n\n\n"
        head = f"    ({', '.join(made.constants.values())},) = _both_k[{given[0]}.dtype]\n"
    note = "".join(f"    # {n} = {t}\n" for n, t in zip("gd", texts, strict=False))
    lines = "".join(f"    {line}\n" for line in body)
    return f"{table}def _both({given}, g, d):\n{note}{head}{lines}", cost


def _step(word: str, given: list[str], out: str, ufunc: bool, filled: bool) -> str:
    """One step as a line, into an array that is there or a new one."""
    sign = _SYMBOLS.get(word)
    prefix = "" if word in ("exp_square", "broken_power") else "np."
    call = f"{prefix}{word}({', '.join(given)}"
    if word == "exp_square":  # works on the bits of float64
        call = f"{word}({given[0]}.astype(WIDE), {', '.join(given[1:])}).astype(x.dtype"
    if filled and sign and out == given[0]:
        return f"{out} {sign}= {given[1]}"
    if filled and ufunc:
        return f"{call}, out={out})"
    value = f"{given[0]} {sign} {given[1]}" if sign else f"{call})"
    return f"{out}[...] = {value}" if filled else f"{out} = {value}"
