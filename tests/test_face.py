"""The package's face: every public name has one home, and importing it stays cheap."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import pytest

import symgrad


def type_checking_names() -> set[str]:
    tree = ast.parse(pathlib.Path(symgrad.__file__).read_text("utf-8"))
    block = next(
        n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"
    )
    return {a.name for n in block.body if isinstance(n, ast.ImportFrom) for a in n.names}


def test_the_three_lists_agree():
    assert symgrad.__all__ == ["__version__", *symgrad._HOME]
    assert type_checking_names() == set(symgrad._HOME)


@pytest.mark.parametrize("name", symgrad.__all__)
def test_every_name_resolves(name):
    assert getattr(symgrad, name) is getattr(symgrad, name)
    assert name in dir(symgrad)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="sigmod"):
        getattr(symgrad, "sigmod")  # noqa: B009


def test_import_alone_loads_no_sympy():
    heavy = "{'sympy', 'numpy', 'flint', 'mpmath'}"
    code = f"import sys, symgrad; sys.exit(bool({heavy} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_room_does_not_hide_the_function_of_its_name():
    from symgrad.parse import Names

    assert Names is sys.modules["symgrad.parse"].Names
    assert callable(symgrad.parse)
