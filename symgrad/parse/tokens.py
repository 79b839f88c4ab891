"""Text to tokens, each with its column; whatever is not in the alphabet is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from symgrad.errors import ParseError
from symgrad.parse.names import Limits

__all__ = ["Token", "tokens"]

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
    kind: str
    text: str
    column: int


def _refused(character: str) -> str:
    if character in "⁰¹²³⁴⁵⁶⁷⁸⁹":
        return f"{character!r} is not read: write x^2 for a power and x__2 for the layer index"
    return f"the character {character!r} is not allowed"


def tokens(text: str, limits: Limits) -> list[Token]:
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
