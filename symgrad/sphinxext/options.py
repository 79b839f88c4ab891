"""What an option of a directive may say; a converter raises `ValueError` with law and value.

Docutils puts the file, the line and the directive's source beside the message. Every converter
gives something that JSON holds, since the request is hashed and sent to the worker.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["Converter", "choice", "either", "flag", "number", "numbers", "text", "whole", "wholes"]

Converter = Callable[[str | None], Any]

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?\d+/[1-9]\d*")


def _converter(wanted: str, read: Callable[[str], Any]) -> Converter:
    """What `read` makes of the words; None means that they are not what is wanted."""

    def convert(argument: str | None) -> Any:
        words = " ".join((argument or "").split())
        found = read(words)
        if found is None:
            raise ValueError(f"{wanted}, got {words!r}")
        return found

    return convert


def choice(*words: str) -> Converter:
    """One of the words."""
    return _converter(f"one of {', '.join(words)} is needed", lambda w: w if w in words else None)


def whole(low: int, high: int) -> Converter:
    """A whole number low <= n <= high."""

    def read(word: str) -> int | None:
        fits = re.fullmatch(r"[+-]?\d{1,9}", word) and low <= int(word) <= high
        return int(word) if fits else None

    return _converter(f"a whole number from {low} to {high} is needed", read)


def wholes(low: int, high: int) -> Converter:
    """One or more whole numbers low <= n <= high, each once."""
    return _several(whole(low, high), "whole numbers, each once, are", lambda n, kinds: n == kinds)


def numbers(count: int | None = None) -> Converter:
    """Decimals or fractions, `count` of them or, with None, at least one."""
    wanted = f"{'some' if count is None else count} numbers are"
    return _several(number, wanted, lambda n, _: count in (None, n))


def _several(one: Converter, wanted: str, fits: Callable[[int, int], bool]) -> Converter:
    """One or more of what `one` reads; `fits` judges how many they are, and how many kinds."""

    def read(words: str) -> list[Any] | None:
        found = [one(word) for word in words.replace(",", " ").split()]
        return found if found and fits(len(found), len(set(found))) else None

    return _converter(f"{wanted} needed", read)


def either(word: str, otherwise: Converter) -> Converter:
    """The word itself, or what another converter takes."""

    def convert(argument: str | None) -> Any:
        if (argument or "").strip() == word:
            return word
        try:
            return otherwise(argument)
        except ValueError as error:
            raise ValueError(f"{word!r} or {error}") from None

    return convert


text = _converter("a value is needed", lambda words: words or None)
"""Anything but nothing; line breaks become spaces."""

flag = _converter("no value is allowed here", lambda words: None if words else True)
"""An option without a value."""

number = _converter("a decimal number or a fraction is needed",
                    lambda word: word if _DECIMAL.fullmatch(word) else None)  # fmt: skip
"""A decimal or a fraction, kept as it is written."""
