"""symgrad: why gradients vanish, where, how fast, and whether the optimum is reached.

Every name below is imported when it is first asked for, so `import symgrad` alone is quick.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from symgrad.errors import (
        DomainError,
        InputError,
        LimitError,
        ParseError,
        SymgradError,
        UndecidedError,
        UnknownNameError,
        UnsupportedError,
    )
    from symgrad.kernels import Kernel, lambdify
    from symgrad.words import parse, parse_set, parse_statement

#: The room of each public name, in data-flow order.
_ROOMS: dict[str, tuple[str, ...]] = {
    "errors": (
        "SymgradError",
        "InputError",
        "ParseError",
        "UnknownNameError",
        "DomainError",
        "UndecidedError",
        "LimitError",
        "UnsupportedError",
    ),
    "words": ("parse", "parse_statement", "parse_set"),
    "kernels": ("lambdify", "Kernel"),
}

_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "__version__",
    "SymgradError",
    "InputError",
    "ParseError",
    "UnknownNameError",
    "DomainError",
    "UndecidedError",
    "LimitError",
    "UnsupportedError",
    "parse",
    "parse_statement",
    "parse_set",
    "lambdify",
    "Kernel",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        try:
            value: Any = importlib.metadata.version("symgrad")
        except importlib.metadata.PackageNotFoundError:  # a source tree that is not installed
            value = "0+source"
    elif name in _HOME:
        value = getattr(importlib.import_module(f"symgrad.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'symgrad' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Face(types.ModuleType):
    """Keeps `symgrad.check` the function when the import system binds the room of the same name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
