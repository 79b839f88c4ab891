"""From an expression in several arguments to a module: kernels of one variable, put together.

A part that depends on one argument alone becomes one kernel. What is left is arithmetic on
kernels: an activation's head, or any function, of a mixed argument is the kernel of that function
at the value of the argument.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Expr, S, Symbol
from sympy.core.relational import Relational

from symgrad.activation import Activation, Head, elementary
from symgrad.errors import SymgradError, UnsupportedError
from symgrad.kernels import emit
from symgrad.kernels.far import far
from symgrad.kernels.forms import literal
from symgrad.kernels.regimes import Design, design
from symgrad.kernels.smooth import Smooth, as_float
from symgrad.rigor import constant

__all__ = ["Writer"]

_T = Symbol("t", real=True)
_SIGNS: dict[Any, str] = {
    sympy.Lt: "<", sympy.Le: "<=", sympy.Gt: ">", sympy.Ge: ">=", sympy.Eq: "==", sympy.Ne: "!=",
}  # fmt: skip


class Writer:
    """Writes one module; every distinct subexpression is computed once."""

    def __init__(self, args: tuple[Symbol, ...]) -> None:
        self.args = args
        self.designs: list[Design] = []
        self.failure: UnsupportedError | None = None
        self.kernels: dict[tuple[Expr, Any], str] = {}
        self.parts: list[str] = []
        self.body: list[str] = []
        self.names = [emit.identifier(s.name) for s in args]
        self.value: dict[Any, str] = dict(zip(args, self.names, strict=True))

    def module(self, exprs: Sequence[Expr], many: bool) -> str:
        """The whole source."""
        what = ", ".join(map(str, exprs))
        what = what if len(what) < 400 else what[:400] + "..."
        names = ", ".join(self.names)
        head = [
            f'"""kernel({names}) = {what}'.replace("\\", "\\\\"),
            "",
            "Made by symgrad; needs NumPy alone. Each regime says below why it is there.",
            '"""',
            "",
            emit.runtime_source(),
            "",
            "inf, nan = np.inf, np.nan",
            "",
        ]
        if len(self.args) == 1 and not many and self._whole(exprs[0]):
            tail = ["", f"def kernel({names}, out=None):", f"    return _f1({names}, out)"]
        else:
            try:
                results = [self.write(e) for e in exprs]
                if len(self.args) == 1:
                    results = [self._at_infinity(*p) for p in zip(exprs, results, strict=True)]
            except UnsupportedError as error:
                raise self.failure or error from None
            tail = ["", *self._combined(results, many)]
        return "\n".join([*head, *self.parts, *tail]) + "\n"

    def _whole(self, expr: Expr) -> bool:
        x = self.args[0]
        try:
            self.one(expr, x)
        except UnsupportedError as error:
            if not expr.args or expr.has(sympy.Piecewise):
                raise
            self.failure = error
            return False
        return True

    def _at_infinity(self, expr: Expr, result: str) -> str:
        """The result with its limits at ±inf, which its parts may not give."""
        for sign in (1, -1):
            smooth = Smooth(smooth_logs(elementary(smooth_logs(expr))), self.args[0])
            limit = far(smooth, sign).limit
            if not math.isnan(limit):
                end = f"{self.names[0]} == {'inf' if sign > 0 else '-inf'}"
                result = f"np.where({end}, {limit!r}, {result})"
        return result

    def _combined(self, results: Sequence[str], many: bool) -> list[str]:
        names = ", ".join(self.names)
        lines = [f"def _values({names}):", *(f"    {line}" for line in self.body)]
        lines += [f"    return ({', '.join(results)},)", "", ""]
        if many:
            return [*lines, f"def kernel({names}):", f"    return in_blocks(_values, ({names},))"]
        lines += [f"def kernel({names}, out=None):"]
        return [*lines, f"    return in_blocks(_values, ({names},), out)[0]"]

    def one(self, expr: Expr, x: Symbol) -> str:
        """The name of the kernel of an expression in one symbol."""
        key = (expr, x)
        if key not in self.kernels:
            name = f"_f{len(self.kernels) + 1}"
            inner = log_abs_of(expr)
            if inner is not None:
                values = [
                    (at, math.log(abs(v)) if v else -math.inf) for at, v in kinks_of(inner, x)
                ]
                plan = design(elementary(inner), x, values, log_abs=True)
            else:
                plan = design(smooth_logs(elementary(smooth_logs(expr))), x, kinks_of(expr, x))
            self.designs.append(plan)
            self.parts.append(emit.plan_source(plan, name))
            self.kernels[key] = name
        return self.kernels[key]

    def write(self, expr: Expr) -> str:
        """The local name (or literal) that holds the value of an expression."""
        stack: list[tuple[Any, bool]] = [(expr, False)]
        while stack:
            e, ready = stack.pop()
            if e in self.value:
                continue
            if not e.free_symbols:
                self.value[e] = literal(elementary(e))
                continue
            parts = self._operands(e)
            if ready or not parts:
                self._assign(e, parts)
            else:
                stack.append((e, True))
                stack.extend((p, False) for p in reversed(parts) if p not in self.value)
        return self.value[expr]

    def _operands(self, e: Any) -> tuple[Any, ...]:
        if len(e.free_symbols) == 1 and isinstance(e, Expr):
            x: Any = next(iter(e.free_symbols))
            try:
                self.one(e, x)
            except SymgradError:
                if not e.args:
                    raise
            else:
                return ()
        if isinstance(e, Head):
            return (e.z,)
        if isinstance(e, sympy.Piecewise):
            parts: Any = e.args
            return tuple(p for branch in parts for p in branch if p != S.true)
        if isinstance(e, sympy.Pow) and e.exp.is_number:
            return (e.base,)
        if isinstance(e, sympy.Mul):  # a square as two factors: alone it may leave the range
            return tuple(f for a in e.args for f in _factors(a))
        return tuple(a for a in e.args if not isinstance(a, Activation))

    def _assign(self, e: Any, parts: tuple[Any, ...]) -> None:
        name = f"_v{len(self.body) + 1}"
        self.body.append(f"{name} = {self._right_side(e, parts)}")
        self.value[e] = name

    def _right_side(self, e: Any, parts: tuple[Any, ...]) -> str:
        if not parts:
            (x,) = e.free_symbols
            return f"{self.kernels[e, x]}({self.value[x]})"
        values = [self.value[p] for p in parts]
        if isinstance(e, sympy.Add):
            return " + ".join(values)
        if isinstance(e, sympy.Mul):
            return f"product({', '.join(values)})" if len(values) > 2 else " * ".join(values)
        if isinstance(e, sympy.Piecewise):
            return self._choice(e)
        if isinstance(e, Relational):
            return f"{values[0]} {_SIGNS[type(e)]} {values[1]}"
        if isinstance(e, sympy.logic.boolalg.BooleanFunction):
            word = {sympy.And: " & ", sympy.Or: " | "}.get(type(e))
            if word is None and not isinstance(e, sympy.Not):
                raise UnsupportedError(f"no NumPy form for the condition {e}")
            return word.join(values) if word else f"~{values[0]}"
        if isinstance(e, sympy.Pow) and not e.exp.is_number:
            return f"{values[0]} ** {values[1]}"
        if isinstance(e, (sympy.Max, sympy.Min)):
            word = "np.maximum" if isinstance(e, sympy.Max) else "np.minimum"
            text = values[0]
            for v in values[1:]:
                text = f"{word}({text}, {v})"
            return text
        inner: Any
        (inner,) = parts
        f: Any = (
            e.xreplace({inner: _T})
            if not isinstance(e, Head)
            else e.func(e.activation, e.order, _T)
        )
        return f"{self.one(f, _T)}({values[0]})"

    def _choice(self, e: Any) -> str:
        """The first branch whose condition holds; nan where an argument of a condition is nan."""
        text = "nan"
        for value, condition in reversed(e.args):
            here = self.value[value]
            if condition == S.true:
                text = here
            else:
                text = f"np.where({self.value[condition]}, {here}, {text})"
        sides = {side for rel in e.atoms(Relational) for side in rel.args if side.free_symbols}
        loose = " | ".join(sorted(f"({v} != {v})" for v in (self.value[s] for s in sides)))
        return f"np.where({loose}, nan, {text})" if loose else text


def _factors(e: Any) -> list[Any]:
    base, n = e.as_base_exp()
    return [base] * int(n) if n.is_Integer and 1 < n <= 8 else [e]


def log_abs_of(expr: Any) -> Any:
    """u where the expression is log|u|, None otherwise."""
    if isinstance(expr, sympy.log) and isinstance(expr.args[0], sympy.Abs):
        return expr.args[0].args[0]
    return None


def smooth_logs(expr: Any) -> Any:
    """log|u| as log(u²)/2, which has no piece to solve for."""
    return expr.replace(
        lambda e: isinstance(e, sympy.log) and isinstance(e.args[0], sympy.Abs),
        lambda e: sympy.log(e.args[0].args[0] ** 2) / 2,
    )


def kinks_of(expr: Expr, x: Symbol) -> list[tuple[float, float]]:
    """The points where a first derivative has its value by a record's convention."""
    if isinstance(expr, Head) and expr.z == x and expr.order == 1:
        return [
            (as_float(constant(k.at, 160)), as_float(constant(k.slope, 160)))
            for k in expr.activation.kinks
        ]
    return []
