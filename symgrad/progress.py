"""What is being done, on standard error, for whatever takes longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

__all__ = ["Progress"]

PATIENCE = 1.0
"""Seconds before anything is shown."""


class Progress:
    """`progress(done, total, what)` shows a bar with the time left; silent off a terminal.

    A bar of rich where that is installed, else one line. Used in a `with`, which takes it away.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.view = None if quiet or not sys.stderr.isatty() else _view()
        self.timer = threading.Timer(PATIENCE, self.view.start) if self.view else None

    def __call__(self, done: int, total: int, what: str = "") -> None:
        if self.view:
            self.view.tell(done, total, what)

    def __enter__(self) -> Progress:
        if self.timer:
            self.timer.daemon = True
            self.timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.timer and self.view:
            self.timer.cancel()
            self.timer.join()
            self.view.stop()


class _Line:
    """One line that is written over; shows from `start` on."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.started = False
        self.said = "working"

    def start(self) -> None:
        self.started = True
        self._write(self.said + " ...")

    def tell(self, done: int, total: int, what: str) -> None:
        self.said = f"{what or 'working'} ({done}/{total})"
        if done:
            left = (time.monotonic() - self.begun) * (total - done) / done
            self.said += f", about {left:.0f} s left"
        if self.started:
            self._write(self.said + " ...")

    def stop(self) -> None:
        if self.started:
            self._write("")

    def _write(self, words: str) -> None:
        sys.stderr.write(f"\r\033[K{words}")
        sys.stderr.flush()


class _Bar:
    """The bar of rich, with the time taken and the time left."""

    def __init__(self, bars: Any, console: Any) -> None:
        columns = (
            bars.SpinnerColumn(), bars.TextColumn("{task.description}"), bars.BarColumn(24),
            bars.MofNCompleteColumn(), bars.TimeElapsedColumn(), bars.TextColumn("left"),
            bars.TimeRemainingColumn(),
        )  # fmt: skip
        self.bar = bars.Progress(*columns, console=console, transient=True)
        self.task = self.bar.add_task("working", total=None)
        self.start, self.stop = self.bar.start, self.bar.stop

    def tell(self, done: int, total: int, what: str) -> None:
        given = {"description": what} if what else {}
        self.bar.update(self.task, completed=done, total=total, **given)


def _view() -> _Bar | _Line:
    try:
        from rich import progress
        from rich.console import Console
    except ImportError:
        return _Line()
    return _Bar(progress, Console(stderr=True))
