"""Text to tokens, each with its column; whatever is not in the alphabet is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn, TypeVar, cast

from symgrad.errors import ParseError
from symgrad.parse.names import Limits, Names

__all__ = ["Cursor", "Token", "tokens"]

_T = TypeVar("_T")

_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩϵϑϕ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
        "tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega "
        "epsilon theta phi".split(),
        strict=True,
    )
)
_SIGNS = {"−": "-", "·": "*", "×": "*", "÷": "/", "≤": "<=", "≥": ">=", "∞": "oo"}
_SIGNS |= dict.fromkeys("′’", "'")
_PATTERN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rf"|(?P<name>[A-Za-z][A-Za-z0-9_]*|[{''.join(_GREEK)}][0-9_]*)"
    r"|(?P<sign>\*\*|<=|>=|==|!=|[-+*/^()\[\],'=<>&|]|[−·×÷≤≥∞′’″])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: its kind, its characters, the column where it begins, from 1."""

    kind: str
    text: str
    column: int


def _refused(character: str) -> str:
    if character in "⁰¹²³⁴⁵⁶⁷⁸⁹":
        return f"{character!r} is not read: write x^2 for a power and x__2 for the layer index"
    return f"the character {character!r} is not allowed"


def tokens(text: str, limits: Limits) -> list[Token]:
    """The text in tokens; `ParseError` at the first character that no token begins with."""
    if len(text) > limits.length:
        raise ParseError(f"an expression has at most {limits.length} characters, got {len(text)}")
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _PATTERN.match(text, at)
        if match is None:
            raise ParseError(_refused(text[at]), text, at)
        kind, word = cast("str", match.lastgroup), match.group()
        if kind == "name":
            word = _GREEK.get(word[0], word[0]) + word[1:]
        elif word == "″":
            found.append(Token("sign", "'", at))
            word = "'"
        elif word in _SIGNS:
            word = _SIGNS[word]
            kind = "name" if word == "oo" else kind
        if kind != "space":
            found.append(Token(kind, word, at))
        at = match.end()
    found.append(Token("end", "", len(text)))
    return found


class Cursor:
    """One text, its tokens read once from left to right."""

    def __init__(self, text: str, names: Names) -> None:
        if not isinstance(text, str):
            raise ParseError(f"an expression is text, got {type(text).__name__}")
        self.text, self.names, self.limits = text, names, names.limits
        self.tokens = tokens(text, names.limits)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self, *words: str) -> Token | None:
        """The next token, if it is one of these signs."""
        token = self.token
        if token.kind == "sign" and token.text in words:
            self.at += 1
            return token
        return None

    def need(self, word: str, why: str) -> None:
        if not self.take(word):
            self.fail(f"{why}, expected '{word}' but {self.seen()}")

    def seen(self) -> str:
        return "the text ends" if self.token.kind == "end" else f"found '{self.token.text}'"

    def fail(self, message: str, column: int | None = None) -> NoReturn:
        raise ParseError(message, self.text, self.token.column if column is None else column)

    def end(self) -> None:
        token = self.token
        if token.kind == "end":
            return
        if token.kind in ("number", "name") or token.text == "(":
            self.fail("two factors need a '*' between them")
        self.fail(f"unexpected '{token.text}'")

    @contextmanager
    def nested(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > self.limits.depth:
            self.fail(f"an expression is nested at most {self.limits.depth} deep")
        yield
        self.depth -= 1

    def listed(self, read: Callable[[], _T], closing: str, why: str) -> list[_T]:
        """What `read` finds, one or more with commas between them, up to the closing bracket."""
        found = [read()]
        while self.take(","):
            found.append(read())
        self.need(closing, why)
        return found
