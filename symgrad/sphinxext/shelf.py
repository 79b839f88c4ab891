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
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import cache
from typing import Any

from symgrad.errors import LimitError, SymgradError
from symgrad.files import write_whole

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

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to a request; raises `SymgradError` where there is none."""
        line = json.dumps(request, sort_keys=True)
        key = hashlib.sha256(line.encode()).hexdigest()[:24]
        path = self.folder / f"{key}.json"
        if path.is_file():
            answer = json.loads(path.read_text("utf-8"))
            if all((self.folder / name).is_file() for name in answer["files"]):
                return answer
        self.folder.mkdir(parents=True, exist_ok=True)
        answer = _worker().ask({**request, "stem": str(self.folder / key)}, seconds)
        if "error" in answer:
            raise WorkerError(answer["error"])
        write_whole(path, json.dumps(answer, sort_keys=True))
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
        self.lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(b"")

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise LimitError(
                f"a directive may take {seconds:g} s and this one took longer: "
                "ask for less, or raise symgrad_timeout in conf.py"
            ) from None
        except BrokenPipeError:
            line = b""
        if not line:
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip()[-2000:]
            self.close()
            raise WorkerError(f"the process that computes ended: {said or 'without a word'}")
        return json.loads(line)

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
