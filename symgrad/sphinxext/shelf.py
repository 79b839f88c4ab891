"""Answers kept under the hash of everything that determines them, and the worker that makes them.

An entry is staged in a temporary file and renamed into its place, so builds that read in parallel
never see half of one. An error is not kept.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

from symgrad.errors import LimitError, SymgradError

__all__ = ["Shelf", "digest", "stop"]

_LIBRARIES = ("sympy", "mpmath", "numpy", "python-flint", "matplotlib")


class WorkerError(SymgradError):
    """The worker refused a request, or ended."""


@cache
def digest() -> str:
    """A hash of symgrad's own source and of the versions of the libraries it computes with."""
    house = pathlib.Path(__file__).parents[1]
    total = hashlib.sha256()
    for path in sorted(house.rglob("*.py")):
        total.update(path.relative_to(house).as_posix().encode() + b"\0" + path.read_bytes())
    for library in _LIBRARIES:
        try:
            version = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            version = "absent"
        total.update(f"{library} {version}\n".encode())
    return total.hexdigest()[:16]


class Shelf:
    """The answers in one folder; `ask` finds one there or has it made within `seconds`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.root = folder
        self.folder = folder / digest()

    def ask(
        self, request: dict[str, Any], seconds: float, pictures: Sequence[str] = ("svg",)
    ) -> dict[str, Any]:
        """The answer to a request, its figures in these formats; else raises `SymgradError`."""
        line = json.dumps(request, sort_keys=True)
        key = hashlib.sha256(line.encode()).hexdigest()[:24]
        path = self.folder / f"{key}.answer"
        answer = pickle.loads(path.read_bytes()) if path.is_file() else None
        if answer is None or not all(
            (self.folder / f"{stem}.{kind}").is_file()
            for stem in answer["figures"] for kind in pictures
        ):  # fmt: skip
            self.folder.mkdir(parents=True, exist_ok=True)
            more = {"stem": str(self.folder / key), "pictures": pictures}
            _worker().ask({**request, **more}, seconds)
            answer = pickle.loads(path.read_bytes())
        return answer

    def prune(self) -> None:
        """Drop what other versions of symgrad have left."""
        for old in self.root.glob("*"):
            if old.is_dir() and old != self.folder:
                shutil.rmtree(old, ignore_errors=True)


class _Worker:
    """A process that answers one request at a time; it ends when its standard input is closed."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "symgrad.sphinxext.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, "PYTHONPATH": paths, "MPLBACKEND": "Agg"},
        )

    def ask(self, request: dict[str, Any], seconds: float) -> None:
        """Have the request answered; raises `SymgradError` where that fails or takes longer."""
        into, out = self.process.stdin, self.process.stdout
        assert into is not None
        assert out is not None
        late = threading.Event()
        timer = threading.Timer(seconds, lambda: (late.set(), self.process.kill()))
        timer.start()
        try:
            into.write(json.dumps(request).encode() + b"\n")
            into.flush()
            line = out.readline()
        except BrokenPipeError:
            line = b""
        finally:
            timer.cancel()
        if not line:
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip()[-2000:]
            self.close()
            if late.is_set():
                raise LimitError(
                    f"a directive may take {seconds:g} s and this one took longer: "
                    "ask for less, or raise symgrad_timeout in conf.py"
                )
            raise WorkerError(f"the process that computes ended: {said or 'without a word'}")
        if error := json.loads(line):
            raise WorkerError(error)

    def close(self) -> None:
        global _current
        _current = None
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream is not None:
                stream.close()


_current: _Worker | None = None
_inherited: list[_Worker] = []


def _worker() -> _Worker:
    global _current
    if _current is not None and _current.owner != os.getpid():
        _inherited.append(_current)  # a forked reader must not close its parent's pipes
        _current = None
    if _current is None:
        _current = _Worker()
    return _current


def stop() -> None:
    """End this process's worker, if it has one."""
    if _current is not None and _current.owner == os.getpid():
        _current.close()
