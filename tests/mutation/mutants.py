"""Mutants of a room's code against that room's tests: what a wrong sign would meet.

    python tests/mutation/mutants.py tails rigor --count 40 --seed 1

The package and its tests are copied to a temporary folder; each mutant is one change of one place
there. The tests run in a forked process, fastest first, up to the first failure. A mutant that
nothing notices is a survivor; one that `equivalent.toml` gives a reason for is counted apart.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = {
    "tails": ["tests/tails"],
    "rigor": [
        "tests/test_rigor.py", "tests/test_rigor_table.py", "tests/test_rigor_random.py",
        "tests/test_roots.py", "tests/test_search.py",
    ],
    "chain": [
        "tests/test_chain_gradient.py", "tests/test_chain_hessian.py", "tests/test_chain_bounds.py",
        "tests/test_chain_critical.py", "tests/test_chain_diagnose.py",
        "tests/test_chain_kernel.py", "tests/test_chain_symbolic.py",
    ],
    "kernels": ["tests/test_kernels_parts.py", "tests/test_scaled.py", "tests/test_kernels.py"],
    "prove": ["tests/test_prove.py"],
    "bounds": ["tests/test_bounds.py", "tests/test_pieces.py"],
}  # fmt: skip

_SWAPS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
    ast.Lt: (ast.Gt, ast.LtE), ast.Gt: (ast.Lt, ast.GtE), ast.LtE: (ast.GtE, ast.Lt),
    ast.GtE: (ast.LtE, ast.Gt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
_NAMES = {"lower": "upper", "min": "max", "lo": "hi", "inf": "sup", "floor": "ceil"}
_NAMES |= {new: old for old, new in _NAMES.items()}
#: Keywords of records, caches and loops; a change of them is no wrong number.
_KEYWORDS = {"repr", "compare", "slots", "frozen", "strict", "maxsize", "evaluate"}


@dataclass(frozen=True)
class Mutant:
    """One node of a file, written as `new`."""

    file: str
    line: int
    text: str
    start: int
    end: int
    old: str
    new: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names it while the lines move."""
        return self.file, self.text, self.old, self.new

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + f"({self.new})".encode() + source[self.end :]


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The children that compute: no annotations, decorators, messages, or declared names."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, (ast.Raise, ast.JoinedStr, ast.Assert)):
                continue
            if isinstance(child, ast.keyword) and child.arg in _KEYWORDS:
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.AST):
                yield child


def _is_text(node: ast.AST) -> bool:
    texts = (ast.JoinedStr, ast.List, ast.Tuple)
    return isinstance(node, texts) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _variants(node: ast.AST) -> Iterator[str]:
    """The node as text, with one thing in it changed."""
    match node:
        case ast.BinOp(left, op, right) if not _is_text(left) and not _is_text(right):
            for kind in _SWAPS.get(type(op), ()):
                yield ast.unparse(ast.BinOp(left, kind(), right))
        case ast.BoolOp(op, values):
            for kind in _SWAPS[type(op)]:
                yield ast.unparse(ast.BoolOp(kind(), values))
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield ast.unparse(operand)
        case ast.Compare(left, ops, rights):
            for k, op in enumerate(ops):
                for kind in _SWAPS.get(type(op), ()):
                    yield ast.unparse(ast.Compare(left, [*ops[:k], kind(), *ops[k + 1 :]], rights))
        case ast.Constant(bool() as value):
            yield str(not value)
        case ast.Constant(int() as value):
            yield str(value + 1)
        case ast.Constant(float() as value):
            yield repr(value * 2 or 1.0)
        case ast.Attribute(value, attr) if attr in _NAMES and isinstance(node.ctx, ast.Load):
            yield ast.unparse(ast.Attribute(value, _NAMES[attr], ast.Load()))
        case ast.Name(name) if name in _NAMES and isinstance(node.ctx, ast.Load):
            yield _NAMES[name]


def mutants(file: str, source: bytes) -> list[Mutant]:
    """Every mutant of one file."""
    starts = [0]
    lines = source.splitlines(keepends=True)
    for line in lines:
        starts.append(starts[-1] + len(line))
    text = [line.decode().strip() for line in lines]
    found: list[Mutant] = []

    def visit(node: ast.AST) -> None:
        for new in _variants(node):
            assert isinstance(node, ast.expr)
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            found.append(
                Mutant(file, node.lineno, text[node.lineno - 1], start, end, ast.unparse(node), new)
            )
        if isinstance(node, ast.AugAssign) and type(node.op) in _SWAPS:
            left = ast.Name(ast.unparse(node.target), ast.Load())
            new = ast.unparse(ast.BinOp(left, _SWAPS[type(node.op)][0](), node.value))
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            found.append(
                _Assigned(
                    file,
                    node.lineno,
                    text[node.lineno - 1],
                    start,
                    end,
                    ast.unparse(node),
                    f"{left.id} = {new}",
                )
            )
        for child in _parts(node):
            visit(child)

    visit(ast.parse(source))
    return found


class _Assigned(Mutant):
    """A statement: it takes no brackets."""

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.end :]


class _Fastest:
    """Runs the tests that were fastest before first, and notes how long each takes."""

    def __init__(self, known: dict[str, float], failed: set[str]) -> None:
        self.known, self.left_out, self.took, self.failed = known, failed, {}, []

    def pytest_collection_modifyitems(self, items: list) -> None:
        items[:] = [item for item in items if item.nodeid not in self.left_out]
        items.sort(key=lambda item: self.known.get(item.nodeid, 0))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test that takes far longer than it did is ended by SIGPROF, and the child with it."""
        if self.known:
            signal.setitimer(signal.ITIMER_PROF, 5 * self.known.get(nodeid, 0) + 10)

    def pytest_runtest_logreport(self, report) -> None:
        self.took[report.nodeid] = self.took.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)


def _forked(folder: Path, room: str, plugin: _Fastest, seconds: float, first: bool) -> str:
    """Runs the room's tests in a child; "" where all pass, else what ended them."""
    sys.stdout.flush()
    note = folder / "note.json"
    note.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        code = 3
        try:
            quiet = os.open(folder / "out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
            resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            sys.dont_write_bytecode = not first
            import pytest

            code = pytest.main(
                ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--import-mode=importlib",
                 "--doctest-modules", *(() if first else ("-x",)), *TESTS[room], f"symgrad/{room}"],
                plugins=[plugin],
            )  # fmt: skip
            import symgrad

            assert str(symgrad.__file__).startswith(str(folder))
            note.write_text(json.dumps([plugin.took, plugin.failed]))
        finally:
            traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(code))
    until = time.monotonic() + 6 * seconds
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "time"
        time.sleep(0.05)
    if not note.exists():
        return "time or memory"
    took, failed = json.loads(note.read_text())
    plugin.took, plugin.failed = took, failed
    if failed:
        return failed[0]
    return "" if took else "collection"


def _copy(folder: Path) -> None:
    skip = shutil.ignore_patterns("__pycache__", "node_modules", "_build", "benchmarks")
    for name in ("symgrad", "tests", "docs", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    for name in ("pyproject.toml", "tox.ini", "README.md", "CHANGELOG.md"):
        shutil.copy2(ROOT / name, folder / name)


def run(room: str, count: int, seed: int, folder: Path) -> dict:
    """The record of `count` mutants of a room."""
    files = sorted((folder / "symgrad" / room).glob("*.py"))
    every = [m for f in files for m in mutants(str(f.relative_to(folder)), f.read_bytes())]
    reasons = {
        (m["file"], m["line"], m["old"], m["new"]): m["reason"]
        for m in tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())["mutant"]
    }
    plugin = _Fastest({}, set())
    began = time.process_time(), time.monotonic()
    _forked(folder, room, plugin, 1800, True)
    if not plugin.took:
        sys.exit(f"{room}: no test ran\n{(folder / 'out.txt').read_text()[-2000:]}")
    known, broken = dict(plugin.took), set(plugin.failed)
    whole = sum(known.values())
    print(
        f"{room}: {len(every)} places, {len(known)} tests in {whole:.0f} s"
        f" ({time.monotonic() - began[1]:.0f} s in all), {len(broken)} fail without a mutant"
    )
    for name in sorted(broken):
        print("    left out:", name)
    rows = []
    for m in random.Random(f"{seed} {room}").sample(every, min(count, len(every))):
        path = folder / m.file
        source, times = path.read_bytes(), path.stat()
        for cached in path.parent.glob(f"__pycache__/{path.stem}.*"):
            cached.unlink()
        path.write_bytes(m.apply(source))
        by = _forked(folder, room, _Fastest(known, broken), 2 * whole + 30, False)
        path.write_bytes(source)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        reason = reasons.get(m.key, "")
        state = "killed" if by else "equivalent" if reason else "survived"
        print(f"  {state:10} {m.file}:{m.line}  {m.old!r} -> {m.new!r}  {by or reason}")
        rows.append(
            {"file": m.file, "line": m.line, "old": m.old, "new": m.new, "state": state, "by": by}
        )
    return {"room": room, "seed": seed, "tests": len(known), "seconds": whole, "mutants": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", nargs="+", choices=TESTS)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the records to this file")
    parser.add_argument("--at-least", type=float, default=90, metavar="PERCENT")
    ask = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    # What every child needs is imported once, before the forks; the package itself is not.
    import flint  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401
    import sympy.printing  # noqa: F401

    records = []
    for room in ask.rooms:
        with tempfile.TemporaryDirectory(prefix="mutants-") as name:
            folder = Path(name).resolve()
            _copy(folder)
            records.append(run(room, ask.count, ask.seed, folder))
        if ask.json:
            ask.json.write_text(json.dumps(records, indent=1))
    print(f"\n{'room':10}{'mutants':>8}{'killed':>8}{'equivalent':>12}{'survived':>10}{'share':>8}")
    worst = 100.0
    for record in records:
        states = [m["state"] for m in record["mutants"]]
        killed, same = states.count("killed"), states.count("equivalent")
        share = 100 * killed / max(1, len(states) - same)
        worst = min(worst, share)
        print(
            f"{record['room']:10}{len(states):8}{killed:8}{same:12}"
            f"{states.count('survived'):10}{share:7.1f}%"
        )
    sys.exit(worst < ask.at_least)


if __name__ == "__main__":
    main()
