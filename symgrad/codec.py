"""JSON to SymPy and back, through an allow-list of heads; equal after a round trip.

An expression is a list, its head and then its arguments: ["exp", ["Symbol", "x", {"real": true}]].
Integers and digits are strings, so that no reader rounds them. Nothing is evaluated on the way
back: ["LessThan", a, b] stays the comparison it was. Records (facts, results) are objects
{"record": "Fact", field: value, ...}; a reader builds only what its tables name.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import sympy
from flint import fmpz
from sympy import Basic, Float, Integer, Rational, S, Symbol
from sympy.core.assumptions import _assume_defined
from sympy.core.function import AppliedUndef
from sympy.core.symbol import Str
from sympy.functions.elementary.piecewise import ExprCondPair

from symgrad.activation import Activation, Definition, Derived, Head, Kink
from symgrad.catalogue import activations
from symgrad.errors import InputError, LimitError, UnknownNameError
from symgrad.fact import Derivation, Evidence, Fact, Proved, Refuted, Step, Undecided
from symgrad.loss import Loss
from symgrad.rigor import Enclosure

__all__ = ["Codec", "decode", "encode"]

MAX_DEPTH = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_']*")

_ATOMS: dict[str, Basic] = {
    "pi": S.Pi, "E": S.Exp1, "EulerGamma": S.EulerGamma, "Catalan": S.Catalan,
    "GoldenRatio": S.GoldenRatio, "oo": S.Infinity, "-oo": S.NegativeInfinity,
    "zoo": S.ComplexInfinity, "nan": S.NaN, "I": S.ImaginaryUnit, "true": S.true, "false": S.false,
    "EmptySet": S.EmptySet, "Reals": S.Reals, "Integers": S.Integers, "Naturals": S.Naturals,
    "Naturals0": S.Naturals0, "IdentityFunction": S.IdentityFunction,
}  # fmt: skip
_ATOM_NAMES = {value: name for name, value in _ATOMS.items()}

_UNEVALUATED = """
    Add Mul Pow exp log sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh coth
    sech csch asinh acosh atanh acoth asech acsch atan2 erf erfc erfi gamma loggamma polygamma zeta
    sinc Abs sign floor ceiling Heaviside LambertW Max Min re im conjugate
    Equality Unequality LessThan GreaterThan StrictLessThan StrictGreaterThan And Or Not Implies
    Equivalent Contains Derivative Subs
""".split()
_PLAIN = """
    Piecewise Interval Union Intersection Complement FiniteSet ImageSet ConditionSet ProductSet
    Lambda Tuple Product Sum Indexed IndexedBase Idx Limit Integral Order
""".split()


def _raw(head: type[Basic]) -> Callable[..., Basic]:
    """Builds the object from its arguments as they are, with nothing computed."""
    return lambda *args: Basic.__new__(head, *args)


def _unevaluated(head: Any) -> Callable[..., Basic]:
    return lambda *args: head(*_values(head, args), evaluate=False)


def _values(head: type, args: tuple[Basic, ...]) -> tuple[Basic, ...]:
    """The arguments, which are values where the head is an operation or a function."""
    if issubclass(head, (sympy.Add, sympy.Mul, sympy.Pow, sympy.Function)):
        for arg in args:
            if not isinstance(arg, sympy.Expr):
                _refuse(f"the arguments of {head.__name__} are values", arg)
    return args


def _of_activation(build: Callable[..., Basic]) -> Callable[..., Basic]:
    """The builder for arguments of which the first is an activation."""

    def checked(*args: Basic) -> Basic:
        if not isinstance(args[0], Activation):
            raise InputError(f"an activation is needed here, got {_short(args[0])}")
        return build(*args)

    return checked


def _commutative(head: Any) -> Callable[..., Basic]:
    """An Add or Mul of exactly these arguments, in their order."""
    return lambda *args: head._from_args(_values(head, args))


_HEADS: dict[type[Basic], Callable[..., Basic]] = {
    **{getattr(sympy, name): _unevaluated(getattr(sympy, name)) for name in _UNEVALUATED},
    **{getattr(sympy, name): _raw(getattr(sympy, name)) for name in _PLAIN},
    sympy.Add: _commutative(sympy.Add),
    sympy.Mul: _commutative(sympy.Mul),
    sympy.Tuple: sympy.Tuple,
    sympy.FiniteSet: sympy.FiniteSet,
    ExprCondPair: _raw(ExprCondPair),
    Derived: _of_activation(_raw(Derived)),
    Head: _of_activation(_unevaluated(Head)),
}

_RECORDS: tuple[type, ...] = (
    Proved, Refuted, Undecided, Evidence, Step, Derivation, Fact, Kink, Enclosure, Loss,
)  # fmt: skip


class Codec:
    """Writes and reads the heads and records of its tables; `Codec(heads, records)` adds to them.

    >>> from sympy import exp, Symbol
    >>> x = Symbol("x", real=True)
    >>> encode(exp(-x))
    ['exp', ['Mul', ['Integer', '-1'], ['Symbol', 'x', {'real': True}]]]
    >>> decode(encode(exp(-x))) == exp(-x)
    True
    """

    def __init__(
        self, heads: Mapping[type[Basic], Callable[..., Basic]] | None = None,
        records: Iterable[type] = (),
    ) -> None:  # fmt: skip
        self._builders = {**_HEADS, **(heads or {})}
        self._heads = {head.__name__: build for head, build in self._builders.items()}
        self._records = {record.__name__: record for record in (*_RECORDS, *records)}
        self._known = {g.name: g for g in activations()}

    # --- writing ------------------------------------------------------------------------------

    def encode(self, thing: Any) -> Any:
        """The thing as JSON data; raises `InputError` for what no table names."""
        match thing:
            case None | bool() | str():
                return thing
            case int():
                return thing if abs(thing) < 2**53 else {"int": _text(thing)}
            case float():
                return {"float": thing.hex(), "shown": repr(thing)}
            case Basic():
                return self._expression(thing)
            case tuple() if not hasattr(thing, "_fields"):
                return {"tuple": [self.encode(item) for item in thing]}
            case list():
                return {"list": [self.encode(item) for item in thing]}
            case dict():
                pairs = [[self.encode(key), self.encode(value)] for key, value in thing.items()]
                return {"table": pairs}
        record = type(thing)
        if dataclasses.is_dataclass(record) and self._records.get(record.__name__) is record:
            fields = [f for f in dataclasses.fields(record) if f.init]
            values = {f.name: self.encode(getattr(thing, f.name)) for f in fields}
            return {"record": record.__name__, **values}
        raise InputError(f"{record.__name__} has no JSON form here, got {_short(thing)}")

    def _expression(self, expr: Any) -> list[Any]:
        if expr in _ATOM_NAMES:
            return [_ATOM_NAMES[expr]]
        for name, (kind, write, _) in _WRITTEN.items():
            if isinstance(expr, kind):
                return [name, *write(self, expr)]
        if type(expr) not in self._builders:
            raise InputError(f"{type(expr).__name__} has no JSON form here, got {_short(expr)}")
        return [type(expr).__name__, *map(self._expression, expr.args)]

    def _write_activation(self, g: Activation) -> list[Any]:
        known = self._known.get(g.name)
        own = [] if known and known.args[2] == g.args[2] else [self._expression(g.args[2])]
        return [g.name, [self._expression(value) for value in g.values], *own]

    def _write_definition(self, made: Definition) -> list[Any]:
        names = [f.name for f in dataclasses.fields(made.parts)]
        return [self.encode(getattr(made.parts, name)) for name in names]

    def _write_function(self, f: Any) -> list[Any]:
        given = dict(sorted(getattr(f.func, "_kwargs", {}).items()))
        return [type(f).__name__, given, *map(self._expression, f.args)]

    # --- reading ------------------------------------------------------------------------------

    def decode(self, tree: Any) -> Any:
        """What `encode` wrote; raises `InputError` for anything else."""
        _bounded(tree, MAX_DEPTH)
        return self._read(tree)

    def _read(self, tree: Any) -> Any:
        match tree:
            case None | bool() | int() | str():
                return tree
            case [str() as head, *args] if head in self._heads or head in _WRITTEN:
                return self._basic(head, args)
            case [str() as head, *args] if head in _ATOMS:
                return _ATOMS[head] if not args else _refuse(f"{head} takes no argument", args)
            case {"list": list(items)}:
                return [self._read(item) for item in items]
            case {"tuple": list(items)}:
                return tuple(self._read(item) for item in items)
            case {"table": list(pairs)}:
                if any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
                    _refuse("a table holds pairs", pairs)
                try:
                    return {self._read(key): self._read(value) for key, value in pairs}
                except TypeError:
                    _refuse("the keys of a table are not lists or tables", pairs)
            case {"int": str(digits)}:
                return _integer(digits)
            case {"float": str(digits)}:
                return _float(digits)
            case {"record": str(name), **fields}:
                return self._record(name, fields)
        _refuse("no JSON of symgrad", tree)

    def _record(self, name: str, fields: dict[str, Any]) -> Any:
        record = self._records.get(name)
        if record is None:
            _refuse(f"no record '{name}' is allowed here", fields)
        wanted = {f.name for f in dataclasses.fields(record) if f.init}
        if set(fields) - wanted:
            _refuse(f"{name} has the fields {sorted(wanted)}", sorted(fields))
        values = {key: self._read(value) for key, value in fields.items()}
        try:
            return record(**values)
        except (TypeError, ValueError, AttributeError) as error:
            _refuse(f"no {name}: {error}", fields)

    def _basic(self, head: str, args: list[Any]) -> Basic:
        try:
            if head in _WRITTEN:
                return _WRITTEN[head][2](self, *args)
            return self._heads[head](*map(self._part, args))
        except InputError:
            raise
        except (TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
            _refuse(f"no {head}: {error}", args)

    def _part(self, tree: Any) -> Basic:
        """What stands inside an expression: an expression, never text that SymPy would evaluate."""
        found = self._read(tree)
        return found if isinstance(found, Basic) else _refuse("an expression is needed here", tree)

    def _read_function(self, name: Any, assumptions: Any, first: Any, *more: Any) -> Basic:
        head = sympy.Function(_name(name), **_assumptions(assumptions))
        return head(*map(self._part, (first, *more)))

    def _read_activation(self, name: Any, values: Any, definition: Any = None) -> Basic:
        if not isinstance(values, list) or not isinstance(name, str):
            _refuse("an activation has a name and a list of values", [name, values])
        if definition is not None:
            made = self._part(definition)
        elif name in self._known:
            made = self._known[name].args[2]
        else:
            raise UnknownNameError("activation", name[:80], self._known)
        if not isinstance(made, Definition) or not name.isidentifier() or len(name) > 200:
            _refuse("an activation has an identifier and a definition", [name, definition])
        if len(values) != len(made.parts.parameters):
            _refuse(f"this activation has {len(made.parts.parameters)} parameters", values)
        return Activation(name, [self._part(value) for value in values], made)  # type: ignore[arg-type]

    def _read_definition(self, *args: Any) -> Basic:
        expr, parameters, latex, plain, source, kinks, defaults = parts = [*map(self._read, args)]
        groups = ((parameters, Symbol), (kinks, Kink), (defaults, Basic))
        fits = isinstance(expr, Basic) and all(
            isinstance(group, tuple) and all(isinstance(one, kind) for one in group)
            for group, kind in (((latex, plain, source), str), *groups)
        )
        return Definition(*parts) if fits else _refuse("no definition of an activation", args)


def _bounded(tree: Any, room: int) -> None:
    """Refuse a tree that is nested too deeply to be read by recursion."""
    if room < 0:
        raise LimitError(f"JSON of an expression is nested at most {MAX_DEPTH} deep")
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for part in inner:
        _bounded(part, room - 1)


def _write_symbol(codec: Codec, symbol: Any) -> list[Any]:
    given = {k: v for k, v in symbol._assumptions_orig.items() if v is not None}
    given.pop("commutative", None)
    if type(symbol) not in (Symbol, sympy.Dummy):
        raise InputError(f"{type(symbol).__name__} has no JSON form here, got {symbol}")
    index = [str(symbol.dummy_index)] if isinstance(symbol, sympy.Dummy) else []
    return [symbol.name, *index, dict(sorted(given.items()))]


def _read_symbol(codec: Codec, name: Any, assumptions: Any) -> Basic:
    return Symbol(_name(name), **_assumptions(assumptions))


def _read_dummy(codec: Codec, name: Any, index: Any, assumptions: Any) -> Basic:
    return sympy.Dummy(_name(name), dummy_index=_integer(index), **_assumptions(assumptions))


def _name(text: Any) -> str:
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        _refuse("a name is letters, digits and _", text)
    return text


def _assumptions(given: Any) -> dict[str, bool]:
    if not isinstance(given, dict) or not set(given) <= set(_assume_defined):
        _refuse("no assumptions of SymPy", given)
    return {key: bool(value) for key, value in given.items()}


def _text(number: Any) -> str:
    """The decimal digits; Python's own limit is 4300."""
    return str(fmpz(int(number)))


def _integer(text: Any) -> int:
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]{1,100000}", text):
        _refuse("an integer is a string of at most 100000 digits", text)
    return int(fmpz(text))


def _float(text: str) -> float:
    try:
        return float.fromhex(text)
    except (ValueError, OverflowError):
        _refuse("a float is written as its hexadecimal form", text)


def _read_rational(codec: Codec, p: Any, q: Any) -> Basic:
    return Rational(_integer(p), _integer(q) or _refuse("a denominator is not 0", [p, q]))


def _write_float(codec: Codec, number: Any) -> list[Any]:
    sign, mantissa, exponent, _ = number._mpf_
    signed = -int(mantissa) if sign else int(mantissa)
    return [_text(signed), str(int(exponent)), number._prec]


def _read_float(codec: Codec, mantissa: Any, exponent: Any, precision: Any) -> Basic:
    m, e = _integer(mantissa), _integer(exponent)
    if type(precision) is not int or not 1 <= precision <= 10**6 or abs(e) > 10**9:
        _refuse("no float of SymPy", [mantissa, exponent, precision])
    triple = (int(m < 0), abs(m), e, abs(m).bit_length()) if m else 0
    return Float(triple, precision=precision)


def _read_text(codec: Codec, text: Any) -> Basic:
    return Str(text) if isinstance(text, str) else _refuse("text is needed here", text)


#: What is more than a head with arguments: its type, what writes the rest of the list, what reads.
_WRITTEN: dict[str, tuple[type, Callable[[Codec, Any], list[Any]], Callable[..., Basic]]] = {
    "Integer": (Integer, lambda _, n: [_text(n)], lambda _, digits: Integer(_integer(digits))),
    "Rational": (Rational, lambda _, r: [_text(r.p), _text(r.q)], _read_rational),
    "Float": (Float, _write_float, _read_float),
    "Dummy": (sympy.Dummy, _write_symbol, _read_dummy),
    "Symbol": (Symbol, _write_symbol, _read_symbol),
    "Str": (Str, lambda _, text: [text.name], _read_text),
    "Activation": (Activation, Codec._write_activation, Codec._read_activation),
    "Definition": (Definition, Codec._write_definition, Codec._read_definition),
    "Function": (AppliedUndef, Codec._write_function, Codec._read_function),
}


def _short(thing: Any) -> str:
    shown = repr(thing)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _refuse(law: str, tree: Any) -> NoReturn:
    raise InputError(f"{law}, got {_short(tree)}")


_CORE = Codec()


def encode(thing: Any) -> Any:
    """The expression, fact or plain data as JSON data."""
    return _CORE.encode(thing)


def decode(tree: Any) -> Any:
    """What `encode` wrote; raises `InputError` for anything else."""
    return _CORE.decode(tree)
