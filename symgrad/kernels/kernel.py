"""`lambdify` and the kernel it returns."""

from __future__ import annotations

import math
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from symgrad.activation import Activation, Derived, elementary
from symgrad.errors import InputError, UnsupportedError
from symgrad.fact import Evidence
from symgrad.kernels import emit
from symgrad.kernels.judge import Judge
from symgrad.kernels.smooth import Smooth
from symgrad.kernels.write import Writer, log_abs_of, smooth_logs

__all__ = ["Kernel", "lambdify"]


@dataclass(frozen=True, eq=False)
class Kernel:
    """|kernel(x) − f(x)| ≤ ulps · ulp(f(x)) at every point tried; `symgrad.check` gives the worst.

    Takes scalars, lists and arrays of any shape; float32 and float16 are computed in float64 and
    rounded once, integers give float64, several arguments broadcast.
    """

    args: tuple[Symbol, ...]
    expr: Any
    source: str = field(repr=False)
    switch_points: tuple[float, ...] = field(repr=False)
    zeros: tuple[float, ...] = field(repr=False)
    amplitude_beyond: float | None = field(repr=False)
    _run: Callable[..., Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_run", emit.build(self.source, "kernel")["kernel"])

    def __call__(self, *values: Any, out: Any = None) -> Any:
        if len(values) != len(self.args):
            names = ", ".join(map(str, self.args))
            raise TypeError(
                f"this kernel takes {len(self.args)} arguments ({names}), got {len(values)}"
            )
        return self._run(*values) if out is None else self._run(*values, out=out)

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.args))
        return f"<Kernel ({names}) -> {self.expr}>"

    def __reduce__(self) -> Any:
        state = (self.args, self.expr, self.source, self.switch_points, self.zeros)
        return Kernel, (*state, self.amplitude_beyond)

    @property
    def evidence(self) -> Evidence | None:
        """What some 400 points of every binade, the plotting range and the edges show."""
        return _evidence(self)

    def export(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Write a module with `kernel` that needs NumPy alone; the same bytes each time.

        The file appears whole or not at all.
        """
        target = pathlib.Path(path)
        evidence = self.evidence
        shown = str(evidence) if evidence else "not measured by itself: several arguments"
        text = self.source.replace('\n"""\n', f"\n\n{_wrapped(shown)}\n" + '"""\n', 1)
        handle, name = tempfile.mkstemp(
            dir=target.parent or ".", prefix=target.name, suffix=".part"
        )
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(name, 0o644)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
        return target


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text[:1].upper() + text[1:] + ".", 96)


_LIMIT = 4.0


def _measured(kernel: Kernel, count: int = 240) -> tuple[float, float, int]:
    """The largest error in ulp, where, and at how many points."""
    end = kernel.amplitude_beyond or math.nextafter(math.inf, 0)
    f = Smooth(smooth_logs(elementary(smooth_logs(kernel.expr))), kernel.args[0])
    judge = Judge(f, -end, end, count)
    return *judge.worst(kernel, kernel.switch_points), judge.size


def _evidence(kernel: Kernel) -> Evidence | None:
    if len(kernel.args) != 1 or not isinstance(kernel.expr, Expr):
        return None
    worst, where, count = _measured(kernel)
    return Evidence(count, f"{worst:.2f} ulp at {where!r}") if count else None


def lambdify(args: Any, expr: Any) -> Kernel:
    """A NumPy function x ↦ expr that is accurate on the whole floating-point line.

    Called like `sympy.lambdify`: `args` is a symbol or a sequence of symbols, `expr` an expression
    (or activation, derivative, or a list of expressions: then a list comes back).

    With several arguments each part in one variable is a kernel of its own, as accurate as that; a
    product of three factors or more leaves the range in its last step alone; conditions are
    evaluated as written. Sums are rounded as written: where they cancel nothing is promised.

    Raises `InputError` for free symbols that are no arguments, `UnsupportedError` where no accurate
    method is found.

    >>> from sympy import Symbol, tanh
    >>> x = Symbol("x", real=True)
    >>> f = lambdify(x, 1 - tanh(x)**2)
    >>> float(f(20.0))
    1.6993...e-17
    """
    names = _arguments(args)
    many = isinstance(expr, (list, tuple, sympy.Tuple))
    exprs = [_expression(e, names) for e in (expr if many else [expr])]
    for e in exprs:
        loose = sorted(str(s) for s in e.free_symbols - set(names))
        if loose:
            raise InputError(
                f"the symbols {', '.join(loose)} are not arguments; give them or bind them"
            )
    writer = Writer(names)
    with np.errstate(all="ignore"):
        source = writer.module(exprs, many)
    designs = writer.designs
    only = designs[0] if len(designs) == 1 and len(names) == 1 else None
    # |u| of a piecewise u has conditions that are pieces themselves: log(u²)/2 has not
    stated = [smooth_logs(e) if elementary(e).has(sympy.ITE) else e for e in exprs]
    kernel = Kernel(
        names, stated if many else stated[0], source,
        only.switch_points if only else (), tuple(only.zeros) if only else (),
        only.amplitude_beyond if only else None,
    )  # fmt: skip
    doubtful = writer.failure
    if doubtful is None and not many and log_abs_of(exprs[0]) is not None and len(names) == 1:
        doubtful = UnsupportedError(f"no method within {_LIMIT:g} ulp was found for {exprs[0]}")
    if doubtful is not None and _measured(kernel, 1200)[0] > _LIMIT:
        raise doubtful
    return kernel


def _arguments(args: Any) -> tuple[Symbol, ...]:
    given: Iterable[Any] = args if isinstance(args, (list, tuple, sympy.Tuple)) else [args]
    names: tuple[Any, ...] = tuple(given)
    if not names:
        raise InputError("a kernel has at least one argument")
    for s in names:
        if not isinstance(s, Symbol):
            raise InputError(f"a kernel's arguments are symbols, got {s!r}")
        emit.identifier(s.name)
    if len({s.name for s in names}) < len(names):
        raise InputError(f"two arguments have one name: {', '.join(s.name for s in names)}")
    return names


def _expression(expr: Any, names: tuple[Symbol, ...]) -> Expr:
    if isinstance(expr, (Activation, Derived)):
        if len(names) != 1:
            raise InputError(f"{expr} is a function of one variable; the arguments are {names}")
        return expr(names[0])
    result = sympy.sympify(expr, strict=True)
    if not isinstance(result, Expr):
        raise InputError(f"a kernel computes a number, got {result!r}")
    return result
