"""One straight-line program for the cost and all its gradients: linear in the depth.

A line is a rule with names put in; the rules of one activation are made once, from the common parts
of g and g', so that building the program costs no algebra per layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import sympy
from flint import arb
from sympy import Expr, Symbol

from symgrad.activation import X, elementary
from symgrad.chain.notation import put, real
from symgrad.errors import InputError, LimitError
from symgrad.loss import A, Y
from symgrad.render import Block, Listing, Para, Shown, text
from symgrad.rigor import precision, program

if TYPE_CHECKING:
    from symgrad.chain.chain import Chain

__all__ = ["Line", "Rule", "StraightLine", "sweep"]

_MAX_BITS = 1 << 20

_PRINTED = 400
"""How many lines are printed."""


@dataclass(frozen=True)
class Rule:
    """An expression in its own parameters: what a line computes."""

    expr: Expr
    parameters: tuple[Symbol, ...]

    @cached_property
    def operations(self) -> int:
        return int(sympy.count_ops(self.expr))

    @cached_property
    def ball(self) -> Callable[..., arb]:
        """The rule on balls."""
        return program(self.expr, *self.parameters).ball


@dataclass(frozen=True, slots=True)
class Line:
    """`name` = rule(args)."""

    name: str
    rule: Rule
    args: tuple[str, ...]

    @property
    def expr(self) -> Expr:
        """The right-hand side as a SymPy expression in the names of the program."""
        pairs = zip(self.rule.parameters, self.args, strict=True)
        return put(self.rule.expr, {p: real(n) for p, n in pairs})


@dataclass(frozen=True)
class StraightLine(Shown):
    """Lines computed from top to bottom; every common part has a name and is computed once.

    `inputs` are the names the lines start from, `outputs` says which name holds which result.
    """

    lines: tuple[Line, ...]
    inputs: tuple[str, ...]
    outputs: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def operations(self) -> int:
        """How many arithmetic operations and function calls the lines make."""
        return sum(line.rule.operations for line in self.lines)

    @property
    def statements(self) -> Iterable[tuple[Symbol, Expr]]:
        """The lines as (symbol, expression), as `sympy.cse` writes them."""
        return ((real(line.name), line.expr) for line in self.lines)

    def only(self, *outputs: str) -> StraightLine:
        """The part of the program that these outputs need."""
        for name in outputs:
            if name not in self.outputs:
                raise InputError(
                    f"the program has no output '{name}'; it has {', '.join(self.outputs)}"
                )
        needed = {self.outputs[name] for name in outputs}
        kept: list[Line] = []
        for line in reversed(self.lines):
            if line.name in needed:
                kept.append(line)
                needed.update(line.args)
        inputs = tuple(name for name in self.inputs if name in needed)
        return StraightLine(tuple(reversed(kept)), inputs, {n: self.outputs[n] for n in outputs})

    def balls(self, values: Mapping[str, arb], prec: int = 64) -> dict[str, arb]:
        """Enclosures of all outputs where each input is a ball."""
        registers = dict(values)
        with precision(prec):
            for line in self.lines:
                inputs = (registers[n] for n in line.args)
                registers[line.name] = line.rule.ball(*inputs, prec=prec)
        return {output: registers[name] for output, name in self.outputs.items()}

    def evaluate(self, values: Mapping[Any, Expr], bits: int = 53) -> dict[str, arb]:
        """The outputs at exact numbers, each to `bits` relative bits, or an exact zero.

        Raises `LimitError` where 2²⁰ bits of working precision are not enough.
        """
        named = {getattr(k, "name", k): sympy.sympify(v, strict=True) for k, v in values.items()}
        work = 2 * bits + 32
        while work <= _MAX_BITS:
            with precision(work):
                start = {n: program(named[n]).ball(prec=work) for n in self.inputs}
            found = self.balls(start, work)
            if all(
                v.is_zero() or (v.is_finite() and v.rel_accuracy_bits() >= bits)
                for v in found.values()
            ):
                return found
            work *= 2
        raise LimitError(
            f"{bits} bits are not reached with {_MAX_BITS} bits of work; ask for fewer"
        )

    def _blocks(self) -> Iterable[Block]:
        hidden = max(0, len(self) - _PRINTED)
        shown = [f"{line.name} = {text(line.expr)}" for line in self.lines[: len(self) - hidden]]
        yield Listing("\n".join(shown))
        if hidden:
            yield Para(f"({hidden} more lines are in .lines and .statements)")
        named = [f"{k} = {v}" for k, v in self.outputs.items() if k != v]
        results = ", ".join(named) if not hidden else ""
        yield Para(
            f"{len(self)} lines, {self.operations} operations" + (f"; {results}" if results else "")
        )


@lru_cache(maxsize=256)
def _shared(
    exprs: tuple[Expr, ...], parameters: tuple[Symbol, ...]
) -> tuple[tuple[str, Rule], ...]:
    """Rules that compute `exprs`, common parts first; results are named r0, r1, ..."""
    names = (Symbol(f"s{k}") for k in range(1, 1000))
    parts, results = sympy.cse(list(exprs), symbols=names, order="none")
    steps = [(s.name, e) for s, e in parts] + [(f"r{k}", e) for k, e in enumerate(results)]
    order = {s: k for k, s in enumerate([*parameters, *(s for s, _ in parts)])}
    rules = []
    for name, e in steps:
        used = tuple(sorted(e.free_symbols & order.keys(), key=order.__getitem__))
        rules.append((name, Rule(e, used)))
    return tuple(rules)


_P, _Q, _R = real("p"), real("q"), real("r")
_AFFINE = Rule(_P * _Q + _R, (_P, _Q, _R))
_LINEAR = Rule(_P * _Q, (_P, _Q))
_SUM = Rule(_P + _Q, (_P, _Q))


class _Writer:
    def __init__(self) -> None:
        self.lines: list[Line] = []

    def put(self, name: str, rule: Rule, *args: str) -> str:
        self.lines.append(Line(name, rule, args))
        return name

    def put_shared(
        self,
        exprs: tuple[Expr, ...],
        where: Mapping[Symbol, str],
        names: Sequence[str],
        mark: str,
    ) -> None:
        """Lines that compute `exprs` with inputs renamed, results called `names`."""
        called = dict(where)
        for own, rule in _shared(exprs, tuple(where)):
            target = names[int(own[1:])] if own[0] == "r" else f"{own}__{mark}"
            self.put(target, rule, *(called[p] for p in rule.parameters))
            called[Symbol(own)] = target


def sweep(chain: Chain) -> StraightLine:
    """Cost and every gradient in one forward and one backward sweep.

    Names: z__l, a__l, d__l = g'(z__l), e__l = ∂C/∂a__l, delta__l, C, C_w__l = ∂C/∂w__l.
    """
    out, depth, tied = _Writer(), chain.depth, chain.tie_weights
    rows = [  # (l, layer, its weight, its input)
        (l, layer, "w" if tied else f"w__{l}", f"a__{l - 1}" if l > 1 else "x")
        for l, layer in enumerate(chain.layers, 1)
    ]
    for l, layer, w, before in rows:
        if layer.has_bias:
            out.put(f"z__{l}", _AFFINE, w, before, f"b__{l}")
        else:
            out.put(f"z__{l}", _LINEAR, w, before)
        value = f"g__{l}" if layer.skip else f"a__{l}"
        out.put_shared(layer.elementary, {X: f"z__{l}"}, (value, f"d__{l}"), str(l))
        if layer.skip:
            out.put(f"a__{l}", _SUM, before, value)
    cost = (chain.loss.formula, elementary(chain.loss.da))
    out.put_shared(cost, {A: f"a__{depth}", Y: "y"}, ("C", f"e__{depth}"), "C")
    outputs = {"C": "C"}
    total = ""
    for l, layer, w, before in reversed(rows):
        delta = out.put(f"delta__{l}", _LINEAR, f"d__{l}", f"e__{l}")
        share = out.put(f"C_w__{l}", _LINEAR, delta, before)
        outputs |= {f"w__{l}": share, f"delta__{l}": delta}
        if layer.has_bias:
            outputs[f"b__{l}"] = delta
        if tied:
            total = out.put(f"C_w_from__{l}", _SUM, share, total) if total else share
        back = f"e__{l - 1}" if l > 1 else "C_x"
        if layer.skip:
            out.put(back, _AFFINE, w, delta, f"e__{l}")
        else:
            out.put(back, _LINEAR, w, delta)
    outputs["x"] = "C_x"
    if tied:
        outputs["w"] = total
    return StraightLine(tuple(out.lines), tuple(s.name for s in chain.symbols), outputs)
