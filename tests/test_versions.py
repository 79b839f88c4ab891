"""The list of oldest versions says what pyproject.toml says."""

from __future__ import annotations

import pathlib
import re
import tomllib

ROOT = pathlib.Path(__file__).parents[1]


def bounds(requirements: list) -> dict[str, str]:
    """Lower bounds by name; what has none is left out."""
    found = (re.match(r"([A-Za-z0-9-]+)>=([0-9.]+)", r) for r in requirements if isinstance(r, str))
    return {m[1]: m[2] for m in found if m}


def padded(version: str) -> tuple[int, ...]:
    parts = [int(p) for p in version.split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


def test_the_oldest_versions_are_the_lower_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = bounds(project["project"]["dependencies"])
    for name in ("plot", "repl", "progress"):
        wanted |= bounds(project["project"]["optional-dependencies"][name])
    wanted |= bounds(project["dependency-groups"]["test"])
    lines = (ROOT / "tests" / "constraints-oldest.txt").read_text("utf-8").splitlines()
    listed = dict(line.split("==") for line in lines if "==" in line)
    assert listed.keys() == wanted.keys()
    assert {n: padded(v) for n, v in listed.items()} == {n: padded(v) for n, v in wanted.items()}
