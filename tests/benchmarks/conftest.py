"""What the benchmarks share: a table that is printed and, with `--write DIR`, kept.

`DIR/<name>.json` holds the figures as numbers, `DIR/<name>.inc` the page's table, both with the
date, the versions and the processor that they were measured on.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from symgrad.check.run import processor

PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "python-flint", "symengine", "torch", "jax")

Measured = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write", metavar="DIR", help="keep each table in DIR, as JSON and for the page"
    )


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value)


def page(table: dict[str, Any]) -> str:
    rows = [table["head"], *table["rows"]]
    lines = [f".. list-table:: {table['title']}", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'* -' if not n else '  -'} {shown(v)}" for n, v in enumerate(row)]
    versions = ", ".join(f"{name} {version}" for name, version in table["versions"].items())
    lines += ["", f"{table['note']} Measured on {table['date']}, {table['processor']}; {versions}."]
    return "\n".join(lines) + "\n"


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """measured(name, title, head, rows, note): print the table, keep it where `--write` says."""

    def keep(
        name: str, title: str, head: Sequence[str], rows: Sequence[Sequence[Any]], note: str
    ) -> None:
        assert rows, f"{name}: nothing was measured"
        widths = [max(len(shown(r[n])) for r in [head, *rows]) for n in range(len(head))]
        print(f"\n{title}")
        for row in [head, *rows]:
            print("  ".join(shown(v).ljust(w) for v, w in zip(row, widths, strict=True)).rstrip())
        print(note)
        folder = request.config.getoption("--write")
        if folder:
            table = {
                "name": name, "title": title, "head": list(head), "rows": [list(r) for r in rows],
                "note": note, "date": datetime.now(UTC).date().isoformat(),
                "processor": processor(), "versions": versions(),
            }  # fmt: skip
            Path(folder).mkdir(parents=True, exist_ok=True)
            text = json.dumps(table, ensure_ascii=False).replace("], [", "],\n [")
            (Path(folder) / f"{name}.json").write_text(text + "\n", "utf-8")
            (Path(folder) / f"{name}.inc").write_text(page(table), "utf-8")

    return keep
