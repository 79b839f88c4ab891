"""Imports inside the package run one way, in the order in which the house is read."""

from __future__ import annotations

import ast
import pathlib

import pytest

import symgrad

#: The rooms in reading order: a room may import from rooms above it only.
ROOMS = (
    "errors",
    "files",
    "render",
    "rigor",
    "oracle",
    "pieces",
    "calculus",
    "fact",
    "pieces",
    "calculus",
    "activation",
    "catalogue",
    "parse",
    "loss",
    "words",
    "codec",
    "chainfile",
    "tails",
    "bounds",
    "prove",
    "kernels",
    "check",
    "chain",
    "depth",
    "descent",
    "report",
    "plot",
    "sphinxext",
    "repl",
    "progress",
    "commands",
    "cli",
    "__main__",
)

HOUSE = pathlib.Path(symgrad.__file__).parent


def room_of(path: pathlib.Path, house: pathlib.Path = HOUSE) -> str:
    """The room a file belongs to: its top-level module or sub-package."""
    first = path.relative_to(house).parts[0]
    return first.removesuffix(".py")


def imported(source: str, package: tuple[str, ...]) -> list[tuple[int, str]]:
    """(line, room) for each import of symgrad in the source, those inside functions included.

    What is taken from the face, as in `import symgrad; symgrad.Chain`, counts as its home room.
    """
    tree = ast.parse(source)
    found, faces = [], set()
    home = symgrad._HOME
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            rooms = [a.name.split(".")[1:2] for a in node.names if a.name.startswith("symgrad.")]
            faces |= {a.asname or a.name for a in node.names if a.name == "symgrad"}
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            if base[:1] != ["symgrad"]:
                continue
            rooms = [base[1:2] or [home.get(a.name, a.name)] for a in node.names]
        else:
            continue
        found += [(node.lineno, room[0]) for room in rooms]
    return found + [
        (node.lineno, home.get(node.attr, node.attr))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in faces
    ]


def breaches(path: pathlib.Path, house: pathlib.Path = HOUSE) -> list[str]:
    """What in one file breaks the rule, as `file:line: room imports room`."""
    room = room_of(path, house)
    package = ("symgrad", *path.relative_to(house).parent.parts)
    wrong = []
    for line, other in imported(path.read_text("utf-8"), package):
        if other == room:
            continue
        if other == "__version__":
            continue
        if other not in ROOMS:
            wrong.append(f"{path.name}:{line}: {room} imports {other}, which is no room")
        elif ROOMS.index(other) > ROOMS.index(room):
            wrong.append(f"{path.name}:{line}: {room} imports {other}, which stands below it")
    return wrong


FILES = sorted(p for p in HOUSE.rglob("*.py") if p != HOUSE / "__init__.py")


def test_there_is_something_to_read():
    assert len(FILES) >= 1


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_imports_run_one_way(path):
    assert room_of(path) in ROOMS, f"{path.name}: add the room to ROOMS, in reading order"
    assert breaches(path) == []


def test_the_architecture_page_names_every_room():
    page = pathlib.Path(__file__).parents[1] / "docs" / "architecture.rst"
    text = page.read_text("utf-8")
    assert [room for room in ROOMS if f"``{room}``" not in text] == []


def test_no_star_imports():
    stars = [
        f"{path.name}:{node.lineno}"
        for path in [*FILES, HOUSE / "__init__.py"]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names)
    ]
    assert stars == []


@pytest.mark.parametrize(
    ("room", "source", "count"),
    [
        ("fact", "from symgrad.errors import SymgradError", 0),
        ("fact", "def f():\n    from symgrad.cli import main", 1),
        ("fact", "from .cli import main", 1),
        ("fact", "from . import cli, errors", 1),
        ("fact", "import symgrad.chain.chain", 1),
        ("fact", "import symgrad\nv = symgrad.__version__", 0),
        ("fact", "import symgrad\nx = symgrad.InputError", 0),
        ("fact", "import symgrad as sg\nx = sg.parse", 1),
        ("fact", "from symgrad import parse", 1),
        ("tails/model", "from ..rigor import arb\nfrom .expand import f", 0),
        ("tails/model", "from .. import chain", 1),
        ("tails/model", "from symgrad.nowhere import f", 1),
        ("tails/model", "class A:\n    def f(self):\n        import symgrad.check as c", 1),
    ],
)
def test_the_rule_can_fail(tmp_path, room, source, count):
    path = tmp_path / f"{room}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(source, "utf-8")
    assert len(breaches(path, tmp_path)) == count
