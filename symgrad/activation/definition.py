"""What a record says beside its name and the values of its parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, S, Symbol

__all__ = ["Definition", "Kink", "X"]

X = Symbol("x", real=True)
"""The variable that every record's formula is written in."""


@dataclass(frozen=True, slots=True)
class Kink:
    """A point where g' is not continuous: its value there, and whose convention that is."""

    at: Expr
    slope: Expr
    convention: str


@dataclass(frozen=True)
class _Parts:
    expr: Expr
    parameters: tuple[Symbol, ...]
    latex: str
    unicode: str
    source: str
    kinks: tuple[Kink, ...]
    defaults: tuple[Expr, ...]


class Definition(sympy.Atom):
    """The definition of an activation, hidden from `subs` and from the search for symbols."""

    __slots__ = ("parts",)
    parts: _Parts

    def __new__(
        cls,
        expr: Expr,
        parameters: Iterable[Symbol] = (),
        latex: str = "",
        unicode: str = "",
        source: str = "",
        kinks: Iterable[Kink] = (),
        defaults: Iterable[Expr] = (),
    ) -> Definition:
        self = super().__new__(cls)
        self.parts = _Parts(
            expr, tuple(parameters), latex, unicode, source, tuple(kinks), tuple(defaults)
        )
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        p = self.parts
        kinks = tuple((k.at, k.slope, k.convention) for k in p.kinks)
        return (p.expr, p.parameters, p.latex, p.unicode, p.source, kinks, p.defaults)

    def __getnewargs__(self) -> tuple[Any, ...]:
        p = self.parts
        return (p.expr, p.parameters, p.latex, p.unicode, p.source, p.kinks, p.defaults)

    def __getstate__(self) -> None:
        return None

    def sort_key(self, order: str | None = None) -> Any:
        return self.class_key(), (1, (sympy.srepr(self.parts.expr),)), S.One.sort_key(), S.One

    def _sympystr(self, printer: Any) -> str:
        return printer._print(self.parts.expr)

    def _sympyrepr(self, printer: Any) -> str:
        p = self.parts
        several = [
            f"({''.join(f'{printer._print(e)}, ' for e in entries)})"
            for entries in (p.parameters, p.defaults)
        ]
        kinks = "".join(
            f"Kink({printer._print(k.at)}, {printer._print(k.slope)}, {k.convention!r}), "
            for k in p.kinks
        )
        words = f"{p.latex!r}, {p.unicode!r}, {p.source!r}"
        return (
            f"Definition({printer._print(p.expr)}, {several[0]}, {words}, ({kinks}), {several[1]})"
        )
