"""The mutator itself: what it changes, and that every mutant of the package is code."""

from __future__ import annotations

import tomllib
from pathlib import Path

from mutation.mutants import ROOT, mutants

SOURCE = b"""
def f(x: int = 3) -> bool:
    if not x < 2:
        raise ValueError("x + 1")
    y += x.lower() - 1.5
    return True and min(x, y)
"""


def test_one_place_is_changed_and_messages_are_not():
    found = {(m.old, m.new) for m in mutants("f.py", SOURCE)}
    assert {
        ("3", "4"), ("not x < 2", "x < 2"), ("x < 2", "x > 2"), ("x < 2", "x <= 2"), ("2", "3"),
        ("x.lower", "x.upper"), ("x.lower() - 1.5", "x.lower() + 1.5"), ("1.5", "3.0"),
        ("True", "False"), ("min", "max"), ("True and min(x, y)", "True or min(x, y)"),
        ("y += x.lower() - 1.5", "y = y - (x.lower() - 1.5)"),
    } == found  # fmt: skip


def test_every_mutant_of_a_file_is_code_and_differs():
    path = ROOT / "symgrad" / "rigor" / "roots.py"
    source = path.read_bytes()
    every = mutants("roots.py", source)
    assert len(every) > 100
    for m in every[::7]:
        changed = m.apply(source)
        assert changed != source
        compile(changed, "roots.py", "exec")


def test_every_reason_is_of_a_mutant_that_exists():
    reasons = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())["mutant"]
    assert reasons
    for m in reasons:
        assert len(m["reason"]) > 10
        known = {k.key for k in mutants(m["file"], (ROOT / m["file"]).read_bytes())}
        assert (m["file"], m["line"], m["old"], m["new"]) in known, m
