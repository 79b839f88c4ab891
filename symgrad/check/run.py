"""`check`: the error of a kernel in ulp, measured; `assert_ulp` for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from symgrad.check.measure import (
    Part,
    Subject,
    design,
    judge,
    limits_of,
    nan_kept,
    odd,
    subject,
    total,
)
from symgrad.check.report import Report
from symgrad.errors import InputError
from symgrad.oracle import Format, arb_values, format_of, true_values, ulps
from symgrad.oracle.formats import Floats
from symgrad.oracle.roads import Road

__all__ = ["assert_ulp", "check", "errors_at"]

_BLOCK = 8192

Progress = Callable[[int, int], None]
"""Called with the number of blocks done and the number of all."""


def check(
    kernel: Any,
    points: int = 20000,
    seed: int = 0,
    dtype: DTypeLike | str | None = None,
    oracle: Road = "both",
    executor: Executor | None = None,
    progress: Progress | None = None,
    *,
    expr: Any = None,
    args: Any = None,
    second: int | None = 500,
) -> Report:
    """Measure |kernel(x) − f(x)| in ulp of f(x) at `points` points, and what else must hold.

    f is the kernel's defining expression, or `expr` in `args` for any NumPy callable; not the
    form that the kernel computes. With oracle "both", Arb gives the values and mpmath is asked
    again at `second` of the points (None: at all); a difference raises `DisagreementError`. The
    same seed gives the same points; `check_all` tries every number of a format. An interrupt gives
    back the report of the blocks that are done, with `complete` false. Raises `InputError` where
    nothing can be judged.

    >>> import numpy as np, sympy
    >>> x = sympy.Symbol("x", real=True)
    >>> naive = lambda v: 1 - np.tanh(v)**2
    >>> report = check(naive, 1000, expr=1 - sympy.tanh(x)**2, oracle="arb")
    >>> report.passed(4), report.wrong_zeros.count > 100
    (False, True)
    """
    fmt = format_of(dtype)
    what = subject(kernel, expr, args)
    columns = design(what, points, fmt, seed)
    is_odd = odd(what)
    blocks = [
        tuple(c[start : start + _BLOCK] for c in columns)
        for start in range(0, len(columns[0]), _BLOCK)
    ]
    share = None if second is None else max(1, -(-second // len(blocks)))
    tasks: list[tuple[Any, ...]] = [(what, part, fmt, oracle, share, is_odd) for part in blocks]
    found: list[tuple[Part, int]] = []
    try:
        for result in _results(tasks, executor):
            found.append(result)
            if progress is not None:
                progress(len(found), len(tasks))
    except KeyboardInterrupt:
        if not found:
            raise
    whole = total([part for part, _ in found])
    return make_report(
        what, whole, fmt, oracle, seed, is_odd, second_road=sum(n for _, n in found),
        exhaustive=False, complete=len(found) == len(tasks),
    )  # fmt: skip


def _results(tasks: list[tuple[Any, ...]], executor: Executor | None) -> Iterator[tuple[Part, int]]:
    if executor is None:
        yield from (_task(*task) for task in tasks)
        return
    futures = [executor.submit(_task, *task) for task in tasks]
    try:
        yield from (future.result() for future in futures)
    finally:
        for future in futures:
            future.cancel()


def _task(
    what: Subject,
    columns: tuple[Floats, ...],
    fmt: Format,
    oracle: Road,
    second: int | None,
    is_odd: bool,
) -> tuple[Part, int]:
    values, asked = true_values(what.expr, what.args, columns, fmt, oracle, second)
    return judge(what, columns, values, fmt, is_odd), asked


def make_report(
    what: Subject, whole: Part, fmt: Format, oracle: str, seed: int, is_odd: bool, **more: Any
) -> Report:
    """The report of what all points showed, with limits, nan and signs tried beside them."""
    limits, raised = limits_of(what, fmt)
    if whole.worst is None:
        raise InputError(
            f"nothing to judge: {what.shown} is undefined at {whole.undefined} and undecided at "
            f"{whole.undecided} of the points"
        )
    return Report(
        name=what.name, expr=what.shown, args=what.args, dtype=fmt.name, oracle=oracle, seed=seed,
        undefined=whole.undefined, undecided=whole.undecided,
        points=whole.points, max_ulp=whole.worst.ulp, p999=whole.quantile(0.999),
        rounded=whole.rounded / whole.points, worst=whole.worst, wrong_zeros=whole.wrong_zeros,
        non_finite=whole.non_finite, zero_signs=whole.zero_signs,
        warnings=tuple(dict.fromkeys([*whole.warnings, *raised])), limits=limits,
        nan_kept=nan_kept(what, fmt), dtype_kept=whole.dtype_kept, odd=is_odd,
        amplitude_beyond=what.amplitude_beyond, numpy=np.__version__, processor=processor(),
        **more,
    )  # fmt: skip


def processor() -> str:
    """The machine and the vector extensions that NumPy found on it."""
    import platform

    shown = np.show_config(mode="dicts")
    simd = shown.get("SIMD Extensions", {}).get("found", []) if isinstance(shown, dict) else []
    return " ".join([platform.machine() or "unknown", *simd[-1:]])


def errors_at(
    kernel: Any, x: Any, dtype: DTypeLike | str | None = None, *, expr: Any = None, args: Any = None
) -> Floats:
    """|kernel − f| in ulp of f at points of one argument, for plots; nan where f is unknown."""
    fmt = format_of(dtype)
    what = subject(kernel, expr, args)
    column = fmt.cast(np.ravel(x)).astype(np.float64)
    got, _, _ = what.run([column], fmt)
    return ulps(got, arb_values(what.expr, what.args, [column], fmt), fmt)


def assert_ulp(kernel: Any, limit: float, points: int = 5000, **options: Any) -> Report:
    """Fail with every broken law unless `check(kernel, points, ...)` passes at `limit` ulp.

    For tests: `assert_ulp(symgrad.lambdify(x, f), 2)`. The report comes back.
    """
    __tracebackhide__ = True
    report = check(kernel, points, **options)
    failures = report.failures(limit)
    if failures:
        raise AssertionError(
            f"{report.name}, {report.dtype}, {report.points} points:\n" + "\n".join(failures)
        )
    return report
