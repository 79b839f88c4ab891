"""Every example script runs, without a warning, against the package that is installed."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

import symgrad

SCRIPTS = sorted((pathlib.Path(__file__).parents[1] / "examples").glob("*.py"))


def test_there_are_examples():
    assert len(SCRIPTS) >= 3


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_the_example_runs(script, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.skipif("SYMGRAD_INSTALLED" not in os.environ, reason="only where the wheel is tested")
def test_the_installed_package_is_what_is_tested():
    assert "site-packages" in pathlib.Path(symgrad.__file__).parts
    assert (pathlib.Path(symgrad.__file__).parent / "py.typed").is_file()
