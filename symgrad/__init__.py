"""symgrad: why gradients vanish, where, how fast, and whether the optimum is reached.

Every name below is imported when it is first asked for, so `import symgrad` alone is quick. The
activations of the catalogue are names of the face too: `symgrad.sigmoid`.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from symgrad.activation import Activation, Kink
    from symgrad.bounds import extrema, lipschitz, monotone, saturation, signs, zeros
    from symgrad.catalogue import activation, activations
    from symgrad.chain import Chain, Layer
    from symgrad.check import assert_ulp, check, check_all
    from symgrad.depth import depth_law, phase, random_law
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
    from symgrad.fact import Derivation, Evidence, Fact, Facts, Proved, Refuted, Step, Undecided
    from symgrad.kernels import Kernel, lambdify
    from symgrad.loss import Loss, loss, losses, squared_error
    from symgrad.prove import certificate, prove, verify
    from symgrad.rigor import Enclosure
    from symgrad.tails import Tail, compare, tail
    from symgrad.words import parse, parse_set, parse_statement

#: The room of each public name, in data-flow order.
_ROOMS: dict[str, str] = {
    "errors": "SymgradError InputError ParseError UnknownNameError "
    "DomainError UndecidedError LimitError UnsupportedError",
    "rigor": "Enclosure",
    "fact": "Fact Facts Proved Refuted Undecided Evidence Step Derivation",
    "activation": "Activation Kink",
    "catalogue": "activation activations",
    "loss": "Loss loss losses squared_error",
    "words": "parse parse_statement parse_set",
    "tails": "tail compare Tail",
    "bounds": "extrema zeros signs monotone lipschitz saturation",
    "prove": "prove certificate verify",
    "kernels": "lambdify Kernel",
    "check": "check check_all assert_ulp",
    "chain": "Chain Layer",
    "depth": "depth_law random_law phase",
}

_HOME = {name: room for room, names in _ROOMS.items() for name in names.split()}

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
    "Enclosure",
    "Fact",
    "Facts",
    "Proved",
    "Refuted",
    "Undecided",
    "Evidence",
    "Step",
    "Derivation",
    "Activation",
    "Kink",
    "activation",
    "activations",
    "Loss",
    "loss",
    "losses",
    "squared_error",
    "parse",
    "parse_statement",
    "parse_set",
    "tail",
    "compare",
    "Tail",
    "extrema",
    "zeros",
    "signs",
    "monotone",
    "lipschitz",
    "saturation",
    "prove",
    "certificate",
    "verify",
    "lambdify",
    "Kernel",
    "check",
    "check_all",
    "assert_ulp",
    "Chain",
    "Layer",
    "depth_law",
    "random_law",
    "phase",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        try:
            value: Any = metadata.version("symgrad")
        except metadata.PackageNotFoundError:  # a source tree that is not installed
            value = "0+source"
    elif name in _HOME:
        value = getattr(importlib.import_module(f"symgrad.{_HOME[name]}"), name)
    else:
        value = _record(name)
    globals()[name] = value
    return value


def _record(name: str) -> Any:
    if not name.startswith("_"):
        from symgrad.catalogue import activation
        from symgrad.errors import UnknownNameError

        try:
            return activation(name)
        except UnknownNameError as error:
            raise AttributeError(f"module 'symgrad' has no attribute {name!r}: {error}") from None
    raise AttributeError(f"module 'symgrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    from symgrad.catalogue import activations

    return sorted({*globals(), *__all__, *(g.name for g in activations())})


class _Face(types.ModuleType):
    """Keeps `symgrad.check` the function when the import system binds the room of the same name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
