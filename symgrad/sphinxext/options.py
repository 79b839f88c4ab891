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


def text(argument: str | None) -> str:
    """Anything but nothing; line breaks become spaces."""
    words = " ".join((argument or "").split())
    if not words:
        raise ValueError("a value is needed, got nothing")
    return words


def flag(argument: str | None) -> bool:
    """An option without a value."""
    if argument and argument.strip():
        raise ValueError(f"no value is allowed here, got {argument.strip()!r}")
    return True


def choice(*words: str) -> Converter:
    """One of the words."""

    def convert(argument: str | None) -> str:
        word = (argument or "").strip()
        if word not in words:
            raise ValueError(f"one of {', '.join(words)} is needed, got {word!r}")
        return word

    return convert


def whole(low: int, high: int) -> Converter:
    """A whole number low <= n <= high."""

    def convert(argument: str | None) -> int:
        word = (argument or "").strip()
        if not re.fullmatch(r"[+-]?\d{1,9}", word) or not low <= int(word) <= high:
            raise ValueError(f"a whole number from {low} to {high} is needed, got {word!r}")
        return int(word)

    return convert


def wholes(low: int, high: int) -> Converter:
    """One or more whole numbers low <= n <= high, each once."""
    one = whole(low, high)

    def convert(argument: str | None) -> list[int]:
        found = [one(word) for word in (argument or "").replace(",", " ").split()]
        if not found or len(set(found)) != len(found):
            raise ValueError(
                f"one or more whole numbers from {low} to {high}, each once, are needed, "
                f"got {(argument or '').strip()!r}"
            )
        return found

    return convert


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


def number(argument: str | None) -> str:
    """A decimal or a fraction, kept as it is written."""
    word = (argument or "").strip()
    if not _DECIMAL.fullmatch(word):
        raise ValueError(f"a decimal number or a fraction is needed, got {word!r}")
    return word


def numbers(count: int | None = None) -> Converter:
    """Decimals or fractions, `count` of them or, with None, at least one."""

    def convert(argument: str | None) -> list[str]:
        words = (argument or "").replace(",", " ").split()
        if not words or (count is not None and len(words) != count):
            raise ValueError(
                f"{'some' if count is None else count} numbers are needed, "
                f"got {(argument or '').strip()!r}"
            )
        return [number(word) for word in words]

    return convert
