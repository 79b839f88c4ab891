"""Every example script runs, without a warning, against the package that is installed."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import warnings

import pytest

import symgrad

FOLDER = pathlib.Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(p for p in FOLDER.glob("*.py") if p.stem != "claims")
"""The claims take long: `test_claims` runs that file, once, and has its facts checked."""


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


def test_the_notebook_runs_and_every_cell_shows_itself():
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(FOLDER / "tour.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) >= 10
    assert not any(cell.outputs for cell in cells), "the notebook is kept without its outputs"
    with warnings.catch_warnings():  # of the client and its event loop
        warnings.simplefilter("ignore")
        client.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    for cell in cells:
        outputs = [o for o in cell.outputs if o.output_type == "execute_result"]
        assert [o.output_type for o in cell.outputs] == ["execute_result"], cell.source
        assert not outputs[0].data["text/plain"].lstrip().startswith("<"), cell.source
    shown = {c.source: c.outputs[0].data for c in cells}
    tail = next(data for source, data in shown.items() if "sg.tail" in source)
    assert {"text/plain", "text/latex", "text/html"} <= tail.keys()
    assert r"e^{- x}" in tail["text/latex"]
