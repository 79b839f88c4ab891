"""The errors symgrad raises: each message states the law, the offending value and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "DomainError",
    "InputError",
    "LimitError",
    "ParseError",
    "SymgradError",
    "UndecidedError",
    "UnknownNameError",
    "UnsupportedError",
]


class SymgradError(Exception):
    """Any error that symgrad raises on purpose."""


class InputError(SymgradError, ValueError):
    """An argument, file or option that breaks a stated law."""


class ParseError(InputError):
    """Text that is no expression of the allowed kind; `column` counts from 0."""

    def __init__(self, message: str, text: str = "", column: int | None = None) -> None:
        super().__init__(message, text, column)
        self.message = message
        self.text = text
        self.column = column

    def __str__(self) -> str:
        if self.column is None or "\n" in self.text:
            return self.message
        start = max(0, self.column - 50)
        shown = self.text[start : start + 75]
        caret = " " * (self.column - start) + "^"
        return f"{self.message} (column {self.column + 1})\n  {shown}\n  {caret}"


class UnknownNameError(InputError, LookupError):
    """A name that is in no table; the message offers the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(kind, name, tuple(known))
        self.kind, self.name, self.known = self.args

    @property
    def near(self) -> str:
        """The nearest known name, or the empty text where none is near."""
        return next(iter(difflib.get_close_matches(self.name, self.known, n=1)), "")

    def __str__(self) -> str:
        shown = self.name if len(self.name) <= 60 else self.name[:57] + "..."
        if self.near:
            return f"no {self.kind} '{shown}'; did you mean '{self.near}'?"
        return f"no {self.kind} '{shown}'; there are: {', '.join(sorted(self.known))}"


class DomainError(SymgradError, ValueError):
    """A point or interval where the function is not defined, not real, or has a pole."""


class UndecidedError(SymgradError):
    """A sign or an ordering that cannot be decided; the message names what would decide it."""


class LimitError(SymgradError):
    """A stated limit of size or time was reached; the message names the way round it."""


class UnsupportedError(SymgradError, NotImplementedError):
    """A case outside the theorems or methods that are implemented."""
