"""A SymPy expression as a straight-line program on enclosures.

Every distinct subexpression is computed once. No recursion is used, so depth is no limit. The
program is exact about what it does not know: where a value is not real, not defined, or a branch is
not decided without a finite hull, the enclosure is non-finite. What a node does to the values is
said by an `Algebra`: balls, power series of balls, or pairs of ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import repeat
from typing import Any

import sympy
from flint import arb, arb_series
from sympy import Basic, Expr, Symbol

from symgrad.errors import UnsupportedError
from symgrad.rigor.algebra import BALLS, CONDITIONS, ENDS, JETS, Algebra, is_leaf
from symgrad.rigor.balls import precision
from symgrad.rigor.ops import FUNCTIONS

__all__ = ["Program", "program"]

Operands = tuple[int, ...]
Acts = tuple[tuple[Callable[..., Any] | None, Operands], ...]


@dataclass(frozen=True)
class Program:
    """Straight-line code for `expr` in `symbols`; instruction k writes register k.

    >>> from flint import arb
    >>> from sympy import Symbol, exp
    >>> x = Symbol("x")
    >>> f = program(1 / (1 + exp(-x)), x)
    >>> f.ball(arb(0)).contains(arb(1) / 2)
    True
    """

    expr: Expr
    symbols: tuple[Symbol, ...]
    code: tuple[tuple[Basic, Operands], ...] = field(repr=False)
    _known: dict[Algebra, Acts] = field(default_factory=dict, repr=False, compare=False)

    def __reduce__(self) -> Any:
        return program, (self.expr, *self.symbols)

    def ball(self, *box: arb, prec: int = 64) -> arb:
        """A ball that contains f(X) for every X in the box, at `prec` bits."""
        with precision(prec):
            return self.registers(BALLS, box)[-1]

    def jet(self, at: arb, n: int, prec: int = 64) -> list[arb]:
        """Balls for f(X), f'(X), ..., f^(n-1)(X)/(n-1)! that hold at every point X of `at`."""
        with precision(prec, terms=n):
            try:
                result = self.registers(JETS, [arb_series([at, 1], prec=n)])[-1]
                found = [result[k] for k in range(n)]
            except (ValueError, ZeroDivisionError):  # a series that may start with zero, below
                found = [arb.nan()] * n
            if not all(c.is_finite() for c in found):  # at a kink the value alone is known
                found[0] = self.ball(at, prec=prec)
            return found

    def ends(self, low: arb, high: arb, prec: int = 64) -> tuple[arb, arb]:
        """Two numbers between which f lies on all of [low, high], however far apart in size.

        A ball has one radius: exp over [100, 200] as a ball reaches below zero, by its ends it does
        not. Coarse where the variable occurs often; not finite where the range is not seen.
        """
        with precision(prec):
            return self.registers(ENDS, [(low, high)])[-1]

    def column(self, columns: Sequence[list[arb]], count: int) -> list[arb]:
        """The balls at `count` points at the current precision, one list for each symbol."""
        registers: list[Any] = []
        last_use = {k: at for at, (_, operands) in enumerate(self.code) for k in operands}
        for at, (act, operands) in enumerate(self._acts(BALLS)):
            if act is None:
                registers.append(columns[operands[0]])
                continue
            a = [registers[k] for k in operands]
            if any(isinstance(c, list) for c in a):
                registers.append([*map(act, *(c if isinstance(c, list) else repeat(c) for c in a))])
            else:
                registers.append(act(*a))
            for k in operands:
                if last_use[k] == at:
                    registers[k] = None
        result = registers[-1]
        return result if isinstance(result, list) else [result] * count

    def registers(self, algebra: Algebra, given: Sequence[Any]) -> list[Any]:
        """What every instruction gives, at the current precision; the last is the value."""
        found: list[Any] = []
        for act, operands in self._acts(algebra):
            if act is None:
                found.append(given[operands[0]])
            else:
                found.append(act(*[found[k] for k in operands]))
        return found

    def _acts(self, algebra: Algebra) -> Acts:
        """Each instruction as a function of its operands; None and a number for an argument."""
        acts = self._known.get(algebra)
        if acts is None:
            place: dict[Basic, int] = {symbol: k for k, symbol in enumerate(self.symbols)}
            acts = self._known[algebra] = tuple(
                (None, (place[node],)) if node in place else (algebra.act(node), operands)
                for node, operands in self.code
            )
        return acts


@lru_cache(maxsize=2048)
def program(expr: Expr, *symbols: Symbol) -> Program:
    """Straight-line code of an elementary expression; raises `UnsupportedError` otherwise."""
    number: dict[Basic, int] = {}
    code: list[tuple[Basic, Operands]] = []
    stack: list[tuple[Basic, bool]] = [(sympy.sympify(expr, strict=True), False)]
    while stack:
        node, ready = stack.pop()
        if node in number:
            continue
        operands = _operands(node, symbols)
        if not ready and operands:
            stack.append((node, True))
            stack.extend((k, False) for k in reversed(operands) if k not in number)
            continue
        places = tuple(number[k] for k in operands)
        while isinstance(node, _FOLDED) and len(places) > 2:
            code.append((node, places[:2]))
            places = (len(code) - 1, *places[2:])
        number[node] = len(code)
        code.append((node, places))
    return Program(expr, symbols, tuple(code))


_FOLDED = (sympy.Add, sympy.Mul, sympy.Max, sympy.Min)


def _operands(node: Basic, symbols: Sequence[Symbol]) -> tuple[Basic, ...]:
    if node in symbols or is_leaf(node):
        return ()
    if isinstance(node, sympy.Pow) and node.exp.is_Rational:
        return (node.base,)
    if isinstance(node, sympy.Piecewise):
        return tuple(part for pair in node.args for part in pair.args)
    known = (*_FOLDED, sympy.Pow, sympy.Abs, sympy.sign, sympy.Heaviside, *CONDITIONS)
    if isinstance(node, known) or type(node) in FUNCTIONS:
        return node.args
    raise UnsupportedError(
        f"no ball arithmetic for {node} of type {type(node).__name__}; "
        "write the expression in elementary functions, erf and Piecewise"
    )
