"""The symbols of the theory, and exact numbers: the notation is the one of the derivation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, Float, Rational, Symbol

from symgrad.errors import InputError

__all__ = [
    "COST",
    "a_",
    "b_",
    "delta_",
    "e_",
    "exact",
    "kappa_",
    "point",
    "put",
    "real",
    "w_",
    "x_",
    "y_",
    "z_",
]

COST = Symbol("C", real=True)


def put(expr: Any, table: Mapping[Any, Any]) -> Any:
    """The expression with symbols replaced all at once; nothing else is touched."""
    return expr.xreplace(table)


@lru_cache(maxsize=1 << 16)
def real(name: str) -> Symbol:
    """The real symbol of that name; `w__2` prints as w²."""
    return Symbol(name, real=True)


def _indexed(letter: str) -> Any:
    def symbol(l: int) -> Symbol:
        return real(f"{letter}__{l}")

    symbol.__doc__ = f"The symbol {letter} of layer l."
    return symbol


w_, b_, z_, delta_, e_, kappa_ = map(_indexed, ("w", "b", "z", "delta", "e", "kappa"))
x_, y_ = real("x"), real("y")


def a_(l: int) -> Symbol:
    """aˡ, with a⁰ = x."""
    return real(f"a__{l}") if l else x_


def exact(value: Any, what: str) -> Expr:
    """A number or expression without rounding: a float is the binary number it holds.

    >>> exact(0.75, "w__1"), exact(0.1, "w__1") == Rational(1, 10)
    (3/4, False)
    """
    if isinstance(value, str):
        raise InputError(
            f"{what} is a number or an expression; read text with symgrad.parse, got {value!r}"
        )
    if isinstance(value, (bool, complex)):
        raise InputError(f"{what} is a real number, got {value!r}")
    if isinstance(value, Decimal):
        value = Fraction(value) if value.is_finite() else float(value)
    if hasattr(value, "dtype") and getattr(value, "shape", None) == ():  # a NumPy scalar
        if value.dtype.kind not in "iuf":
            raise InputError(f"{what} is a real number, got {value!r}")
        value = int(value) if value.dtype.kind in "iu" else _long(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{what} must be finite, got {value}")
    try:
        expr = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        raise InputError(f"{what} is a real number or an expression, got {value!r}") from None
    if not isinstance(expr, Expr):
        raise InputError(f"{what} is a real number or an expression, got {value!r}")
    floats = expr.atoms(Float)
    if expr.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan):
        raise InputError(f"{what} must be finite, got {value}")
    if expr.has(sympy.I) or expr.is_extended_real is False:
        raise InputError(f"{what} must be real, got {value}")
    return expr.xreplace({f: Rational(f) for f in floats}) if floats else expr


def _long(value: Any) -> Any:
    """A NumPy float of any width as an exact fraction; infinities and nan stay floats."""
    as_float = float(value)
    return Fraction(*value.as_integer_ratio()) if math.isfinite(as_float) else as_float


def point(
    values: Mapping[Any, Any] | None, symbols: Iterable[Symbol], given: Mapping[Symbol, Expr]
) -> dict[Symbol, Expr]:
    """Values of all `symbols`, above those given: by symbol or name, `{"w__1": 2}`; the name of a
    family takes one value for each of its layers, or one for all: `{"w": [2, 3], "b": 0}`."""
    wanted = {s.name: s for s in symbols}
    found: dict[Symbol, Expr] = {s: given[s] for s in wanted.values() if s in given}
    for key, value in (values or {}).items():
        name = key.name if isinstance(key, Symbol) else str(key)
        members = [name] if name in wanted else [n for n in wanted if n.startswith(f"{name}__")]
        if not members:
            raise InputError(f"the chain has no '{name}'; it has {_some(wanted)}")
        listed = isinstance(value, (list, tuple)) or getattr(value, "shape", ()) != ()
        every = list(value) if listed and name not in wanted else [value] * len(members)
        if len(every) != len(members):
            raise InputError(
                f"{name} has one value for each of {len(members)} layers, got {len(every)}"
            )
        found |= {wanted[n]: exact(v, n) for n, v in zip(members, every, strict=True)}
    missing = [n for n, s in wanted.items() if s not in found]
    if missing:
        raise InputError(f"every symbol needs a number here; none was given for {_some(missing)}")
    for symbol, value in found.items():
        if value.free_symbols:
            raise InputError(f"{symbol} must be a number here, got {value}")
    return found


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:8]) + (f", ... ({len(every)} in all)" if len(every) > 8 else "")
