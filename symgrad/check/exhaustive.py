"""Every number of a format: a kernel on all 2^16 or 2^32 inputs, in blocks, resumable.

A block is one binade of one sign. float32 values come from Taylor pieces that are proved to 2^-11
ulp (`symgrad.oracle.blocks`), so each reported figure is off by that at most; 16-bit formats take a
ball per point. What is done is written to the state file, whole or not at all, after every block.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import pathlib
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from numpy.typing import DTypeLike

from symgrad.check.measure import Part, Subject, Tally, judge, odd, subject, total
from symgrad.check.report import Finding, Report, Worst
from symgrad.check.run import Progress, make_report
from symgrad.codec import Codec
from symgrad.errors import InputError
from symgrad.files import write_whole
from symgrad.oracle import FLOAT64, Format, arb_values, format_of, ulps
from symgrad.oracle.blocks import PROVED_ULP, errors_on, pieces
from symgrad.oracle.formats import Floats, Kind

__all__ = ["check_all"]

_CHUNK = 1 << 14
_FINE = 64  # cells of the histogram per unit
_TOP = 512  # errors from here on share the last cell
Block = tuple[int, int]


_CODEC = Codec(records=(Part, Worst, Finding))


def check_all(
    kernel: Any,
    dtype: DTypeLike | str = "float32",
    executor: Executor | None = None,
    progress: Progress | None = None,
    state: str | os.PathLike[str] | None = None,
    *,
    expr: Any = None,
    args: Any = None,
) -> Report:
    """Measure a kernel of one argument at every finite number of float16, bfloat16 or float32.

    Any `concurrent.futures.Executor` runs the blocks; for processes the kernel must pickle. With
    `state` a file keeps what is done, and the next call goes on from there. An interrupt gives back
    the report of what is done, with `complete` false. Raises `InputError` for float64, for several
    arguments, and for the state file of another check. Stretches that no polynomial encloses, as
    of a sine far out, take a ball per point: minutes for each binade instead of a second.

    >>> import numpy as np, sympy
    >>> x = sympy.Symbol("x", real=True)
    >>> check_all(lambda v: v / 2, "float16", expr=x / 2).points
    63488
    """
    fmt = format_of(dtype)
    if fmt is FLOAT64:
        raise InputError("2^64 numbers are too many: check(kernel, points=...) chooses some")
    what = subject(kernel, expr, args)
    if len(what.args) != 1:
        raise InputError(f"every number of one argument can be tried, not of {len(what.args)}")
    is_odd = odd(what)
    todo = _blocks(fmt)
    done = _read(state, what, fmt)
    complete = _work(what, fmt, is_odd, todo, done, executor, progress, state)
    if not done:
        raise InputError("interrupted before the first block was done")
    whole = total([done[k] for k in sorted(done)])
    worst = None if whole.worst is None else _exactly(what, fmt, whole.worst)
    return make_report(
        what, replace(whole, worst=worst), fmt, "arb", 0, is_odd, second_road=0, exhaustive=True,
        complete=complete, bound=PROVED_ULP if fmt.width == 32 else 0.0,
    )  # fmt: skip


def _blocks(fmt: Format) -> list[Block]:
    """Stretches of ordinals, low ≤ n < high: zero, then each binade of each sign."""
    width = 1 << (fmt.precision - 1)
    top = int(fmt.ordinal(fmt.largest)) + 1
    up = [(max(1, start), min(start + width, top)) for start in range(0, top, width)]
    return [(0, 1), *up, *((1 - high, 1 - low) for low, high in up)]


def _work(
    what: Subject, fmt: Format, is_odd: bool, todo: list[Block], done: dict[Block, Part],
    executor: Executor | None, progress: Progress | None, state: Any,
) -> bool:  # fmt: skip
    left = [b for b in todo if b not in done]
    try:
        for block, part in _results(what, fmt, is_odd, left, executor):
            done[block] = part
            _write(state, what, fmt, done)
            if progress is not None:
                progress(len(done), len(todo))
    except KeyboardInterrupt:
        return False
    return True


def _results(
    what: Subject, fmt: Format, is_odd: bool, left: list[Block], executor: Executor | None
) -> Iterator[tuple[Block, Part]]:
    if executor is None:
        for block in left:
            yield block, run_block(what, fmt, block, is_odd)
        return
    waiting: dict[Future[Part], Block] = {}
    queue = iter(left)
    try:
        while True:
            for block in queue:
                waiting[executor.submit(run_block, what, fmt, block, is_odd)] = block
                if len(waiting) >= 4 * (os.cpu_count() or 1):
                    break
            if not waiting:
                return
            ready, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ready:
                yield waiting.pop(future), future.result()
    finally:
        for future in waiting:
            future.cancel()


def run_block(what: Subject, fmt: Format, block: Block, is_odd: bool) -> Part:
    """The kernel on the floats of one block."""
    low, high = block
    if block == (0, 1) or fmt.width == 16:
        x = fmt.at(np.arange(low, high)).astype(np.float64)
        x = np.array([-0.0, 0.0]) if block == (0, 1) else x
        return _by_balls(what, fmt, x, is_odd)
    parts = []
    for piece in pieces(what.expr, what.args[0], fmt, low, high):
        for start in range(piece.low, piece.high, _CHUNK):
            x = fmt.at(np.arange(start, min(start + _CHUNK, piece.high))).astype(np.float64)
            parts += _by_piece(what, fmt, piece, x, is_odd)
    return total(parts)


def _by_balls(what: Subject, fmt: Format, x: Floats, is_odd: bool) -> Part:
    values = arb_values(what.expr, what.args, [x], fmt)
    return judge(what, [x], values, fmt, is_odd, _cells)


def _by_piece(what: Subject, fmt: Format, piece: Any, x: Floats, is_odd: bool) -> list[Part]:
    got, raised, kept = what.run([x], fmt)
    errors, size, unsure = errors_on(piece, x, got, fmt)
    zeros = (got == 0) & (size >= fmt.least * (1 - 2.0**-20)) & ~unsure
    if is_odd and piece.kind != Kind.ZERO:
        known = piece.kind == Kind.TINY and piece.sign != 0
        unsure |= (got == 0) & ((np.signbit(got) != (piece.sign < 0)) | (not known))
    parts = []
    if unsure.any():
        parts.append(_by_balls(what, fmt, x[unsure], is_odd))
        sure = ~unsure
        x, errors, zeros, got = x[sure], errors[sure], zeros[sure], got[sure]
    if len(x):
        k = int(np.argmax(errors))
        worst = Worst((float(x[k]),), float(got[k]), "", float(errors[k]))
        found = np.flatnonzero(zeros)
        first = (float(x[found[0]]),) if len(found) else None
        parts.append(Part(
            len(x), int((errors <= 0.5).sum()), _cells(errors), worst, 0, 0,
            Finding(len(found), first), Finding(), Finding(), tuple(dict.fromkeys(raised)), kept,
        ))  # fmt: skip
    return parts


def _exactly(what: Subject, fmt: Format, worst: Worst) -> Worst:
    """The worst point with its true value and its error by a ball."""
    true = arb_values(what.expr, what.args, [np.array(worst.at)], fmt)
    error = float(ulps(np.array([worst.got]), true, fmt)[0])
    return Worst(worst.at, worst.got, true.show(0), worst.ulp if worst.true else error)


def _cells(errors: Floats) -> Tally:
    """A histogram: the upper edge of each cell of a 64th of a unit, and how many errors it has."""
    cells = np.minimum(errors, _TOP) * _FINE
    counts = np.bincount(cells.astype(np.int64))
    edges = ((k, (k + 1) / _FINE if k < _FINE * _TOP else math.inf) for k in np.flatnonzero(counts))
    return tuple((float(edge), int(counts[k])) for k, edge in edges)


# the state file


def _key(what: Subject, fmt: Format) -> str:
    """What a state file is about: expression, kernel's source, format, NumPy's version."""
    source = str(getattr(what.call, "source", what.name))
    text = "\n".join([sympy.srepr(what.expr), source, fmt.name, np.__version__])
    return hashlib.sha256(text.encode()).hexdigest()


def _read(state: Any, what: Subject, fmt: Format) -> dict[Block, Part]:
    if state is None or not os.path.exists(state):
        return {}
    try:
        tree = json.loads(pathlib.Path(state).read_text("utf-8"))
        key, blocks = tree["check"], tree["blocks"]
        found = {(int(low), int(high)): _CODEC.decode(part) for low, high, part in blocks}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{os.fspath(state)} is no state file of a check: {error}") from error
    if key != _key(what, fmt) or not all(isinstance(p, Part) for p in found.values()):
        raise InputError(f"{os.fspath(state)} is of another kernel, format or NumPy; give another")
    return found


def _write(state: Any, what: Subject, fmt: Format, done: dict[Block, Part]) -> None:
    if state is None:
        return
    blocks = [[low, high, _CODEC.encode(part)] for (low, high), part in sorted(done.items())]
    write_whole(state, json.dumps({"check": _key(what, fmt), "blocks": blocks}))
