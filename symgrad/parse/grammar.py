"""The grammar: tokens to SymPy by operator precedence, every budget checked before building."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NoReturn, cast

import sympy
from flint import arb
from sympy import Add, Basic, Expr, Integer, Interval, Mul, Pow, Rational, S, Set, Symbol

from symgrad.errors import InputError, ParseError, SymgradError
from symgrad.parse.names import Function, Names
from symgrad.parse.tokens import Token, tokens
from symgrad.rigor import program

__all__ = ["parse", "parse_set", "parse_statement"]

_RELATIONS: dict[str, Any] = {"<=": sympy.Le, ">=": sympy.Ge, "<": sympy.Lt, ">": sympy.Gt,
                              "=": sympy.Eq, "==": sympy.Eq, "!=": sympy.Ne}  # fmt: skip
_AND: Any = sympy.And
_OR: Any = sympy.Or
_UNREAL = tuple(
    type(c) for c in (S.ImaginaryUnit, S.ComplexInfinity, S.NaN, S.Infinity, S.NegativeInfinity)
)
_RESERVED = frozenset({"True", "False", "None", "I", "zoo", "nan"})
_RELATION_NAMES: dict[str, Any] = {"Eq": sympy.Eq, "Ne": sympy.Ne}


class _Reader:
    """One text, read once from left to right."""

    def __init__(self, text: str, names: Names) -> None:
        if not isinstance(text, str):
            raise ParseError(f"an expression is text, got {type(text).__name__}")
        self.text, self.names, self.limits = text, names, names.limits
        self.tokens = tokens(text, names.limits)
        self.at = 0
        self.depth = 0
        self.conditions = 0

    # --- tokens -------------------------------------------------------------------------------

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

    # --- statements ---------------------------------------------------------------------------

    def statement(self) -> Any:
        """Relations joined by | and & (which binds closer), or just a value."""
        start = self.token.column
        groups = [[self.relation()]]
        while sign := self.take("|", "&"):
            if sign.text == "|":
                groups.append([])
            groups[-1].append(self.relation())
        if len(groups) == 1 == len(groups[0]):
            return groups[0][0]
        if any(isinstance(part, Expr) for group in groups for part in group):
            self.fail("'&' and '|' join comparisons, not values", start)
        parts = [_AND(*group, evaluate=False) if len(group) > 1 else group[0] for group in groups]
        return _OR(*parts, evaluate=False) if len(parts) > 1 else parts[0]

    def relation(self) -> Any:
        left = self.sum()
        found = []
        while token := self.take(*_RELATIONS):
            right = self.sum()
            for side in (left, right):
                if not isinstance(side, Expr):
                    self.fail(f"'{token.text}' compares values, not comparisons", token.column)
            found.append(self.compared(_RELATIONS[token.text], left, right, token.column))
            left = right
        if not found:
            return left
        return found[0] if len(found) == 1 else _AND(*found, evaluate=False)

    # --- values -------------------------------------------------------------------------------

    def value(self, inner: Any, column: int) -> Expr:
        if not isinstance(inner, Expr):
            self.fail("a value is needed here, not a comparison", column)
        return inner

    def checked(self, build: Callable[..., Any], *args: Any, column: int) -> Any:
        """What SymPy builds from the arguments, refused where it is no finite real number."""
        try:
            result = build(*args)
        except (ValueError, TypeError, ArithmeticError, NotImplementedError) as error:
            self.fail(f"SymPy cannot build this: {error}", column)
        for part in (result, *getattr(result, "args", ())):
            if part in (S.ComplexInfinity, S.NaN, S.Infinity, S.NegativeInfinity):
                self.fail("this is not defined (a division by zero or a pole)", column)
            if part is S.ImaginaryUnit:
                self.fail("this is not real", column)
            if (
                isinstance(part, Rational)
                and max(part.p.bit_length(), part.q.bit_length()) > self.limits.bits
            ):
                self.fail(f"a number has at most {self.limits.bits} bits", column)
        return result

    def sum(self) -> Any:
        column = self.token.column
        first = self.product()
        terms = [first]
        while sign := self.take("+", "-"):
            if len(terms) == 1:
                self.value(first, column)
            term = self.value(self.product(), sign.column + 1)
            terms.append(term if sign.text == "+" else _negated(term))
        return first if len(terms) == 1 else self.checked(Add, *terms, column=column)

    def product(self) -> Any:
        """Factors and signs in one Mul: -(a + b)*c keeps its bracket, as SymPy prints it."""
        column = self.token.column
        minus, signed = self.signs()
        first = self.power()
        factors = [S.NegativeOne, first] if minus else [first]
        if signed:
            self.value(first, column)
        while sign := self.take("*", "/"):
            if len(factors) == 1:
                self.value(first, column)
            minus, signed = self.signs()
            factor = self.value(self.power(), sign.column + 1)
            if sign.text == "/":
                factor = self.checked(Pow, factor, S.NegativeOne, column=sign.column)
            factors += [S.NegativeOne, factor] if minus else [factor]
        return first if len(factors) == 1 else self.checked(Mul, *factors, column=column)

    def signs(self) -> tuple[bool, bool]:
        """Whether the signs that follow make a minus, and whether there are any."""
        minus = signed = False
        while sign := self.take("+", "-"):
            signed, minus = True, minus != (sign.text == "-")
        return minus, signed

    def power(self) -> Any:
        column = self.token.column
        base = self.atom()
        sign = self.take("^", "**")
        if sign is None:
            return base
        base = self.value(base, column)
        with self.nested():
            minus, _ = self.signs()
            exponent = self.value(self.power(), sign.column + 1)
            exponent = cast("Expr", Mul(S.NegativeOne, exponent)) if minus else exponent
        self.bounded_power(base, exponent, sign.column)
        return self.checked(Pow, base, exponent, column=sign.column)

    def bounded_power(self, base: Expr, exponent: Expr, column: int) -> None:
        """Refuse a power that SymPy would multiply out for minutes."""
        height = max((abs(r) for r in exponent.atoms(Rational)), default=1)
        if not exponent.free_symbols and not exponent.is_Rational:
            height = max(height, self.size(exponent, column))
        bits = max(_bits(base), *(_bits(log) for log in exponent.atoms(sympy.log)), 1)
        if height > self.limits.exponent or height * bits > 8 * self.limits.exponent:
            self.fail(f"numbers in an exponent go up to {self.limits.exponent}", column)

    def size(self, constant: Expr, column: int) -> float:
        """An upper bound of |constant|, by balls; refused where it does not fit a float."""
        try:
            bound = float(_ball(constant).abs_upper())
        except SymgradError:
            bound = math.inf
        if not bound < math.inf:
            self.fail("this number is too large, or is not real", column)
        return bound

    # --- atoms --------------------------------------------------------------------------------

    def atom(self) -> Any:
        token = self.token
        if token.kind == "number":
            self.at += 1
            return self.number(token)
        if token.kind == "name":
            self.at += 1
            return self.named(token)
        if self.take("("):
            with self.nested():
                inner = self.statement()
            self.need(")", "a bracket is open")
            return inner
        self.fail(f"a number, a name or '(' is needed here, but {self.seen()}")

    def number(self, token: Token) -> Expr:
        mantissa, _, exponent = token.text.lower().partition("e")
        whole, _, fraction = mantissa.partition(".")
        digits = (whole + fraction).lstrip("0") or "0"
        if len(whole) + len(fraction) > self.limits.digits:
            self.fail(f"a number has at most {self.limits.digits} digits", token.column)
        if len(exponent) > 5 or abs(int(exponent or 0)) > self.limits.decimal_exponent:
            bound = self.limits.decimal_exponent
            self.fail(f"the exponent of a decimal lies between -{bound} and {bound}", token.column)
        power = int(exponent or 0) - len(fraction)
        if power >= 0:
            return Integer(int(digits) * 10**power)
        return Rational(int(digits), 10**-power)

    def named(self, token: Token) -> Any:
        name, functions = token.text, self.names.functions
        if name == "Piecewise" and self.token.text == "(":
            return self.piecewise(token)
        if name in _RELATION_NAMES and self.token.text == "(":
            return self.relation_call(token)
        if name in functions and self.calls():
            return self.call(token, functions[name])
        if name in self.names.symbols:
            if self.token.text == "(":
                self.unknown(name, token.column)
            return self.names.symbols[name]
        constants = self.names.constants()
        if name in constants:
            return constants[name]
        if name in ("True", "true") and self.conditions:
            return S.true
        if name in functions:
            self.fail(f"'{name}' is a function: write {name}(...)", token.column)
        if name == "oo":
            self.fail("oo is an end of an interval, not a number", token.column)
        if name in _RESERVED:
            self.fail(f"'{name}' is no name for a real number", token.column)
        if self.names.unknown is not None and self.token.text not in ("(", "'"):
            return self.names.unknown(name)
        self.unknown(name, token.column)

    def unknown(self, name: str, column: int) -> NoReturn:
        calls = self.token.text in ("(", "'")
        if calls:
            known, kind = [*self.names.functions, "Piecewise"], "function"
        else:
            known, kind = [*self.names.symbols, *self.names.constants()], "name"
        near = difflib.get_close_matches(name, known, n=1)
        if near:
            self.fail(f"no {kind} '{name}'; did you mean '{near[0]}'?", column)
        if calls and (self.names.unknown is not None or name in self.names.symbols):
            self.fail(f"no function '{name}'; a product is written {name}*(...)", column)
        shown = ", ".join(sorted(known)[:40])
        self.fail(f"no {kind} '{name}'; there are: {shown}", column)

    def calls(self) -> bool:
        """Whether f( or f' or f[ or f^(n)( follows."""
        return self.token.text in ("(", "'", "[") or self.order_follows()

    def order_follows(self) -> bool:
        signs = [self.peek(k) for k in range(5)]
        return (
            signs[0].text in ("^", "**")
            and signs[1].text == "("
            and signs[2].kind == "number"
            and signs[3].text == ")"
            and signs[4].text == "("
        )

    def call(self, token: Token, function: Function) -> Any:
        column = token.column
        keyword = self.peek().kind == "name" and self.peek(2).text == "="
        if self.token.text == "[" or (self.token.text == "(" and keyword):
            function = self.bound(token, function)
        order = 0
        if self.order_follows():
            digits = self.peek(2)
            if not digits.text.isdecimal() or len(digits.text) > 4:
                self.fail("the order of a derivative is a whole number", digits.column)
            order = int(digits.text)
            self.at += 4
        else:
            while self.take("'"):
                order += 1
        if order > self.limits.order:
            self.fail(f"derivatives go up to order {self.limits.order}", column)
        args = self.arguments(token, function)
        build = function.make
        if order:
            if function.derivative is None:
                self.fail(f"'{token.text}' has no derivative of one variable", column)
            build = function.derivative(order)
        return self.checked(build, *args, column=column)

    def bound(self, token: Token, function: Function) -> Function:
        """The function with the parameters of leaky_relu[alpha=1/100] bound."""
        if function.bind is None or not function.parameters:
            self.fail(f"'{token.text}' has no parameters")
        closing = "]" if self.take("[") else ")"
        if closing == ")":
            self.need("(", "the parameters follow")
        values: dict[str, Expr] = {}
        while True:
            name = self.token
            if name.kind != "name" or self.peek().text != "=":
                self.fail("parameters are given as name=value")
            if name.text not in function.parameters:
                near = ", ".join(function.parameters)
                self.fail(f"'{token.text}' has no parameter '{name.text}'; it has: {near}")
            if name.text in values:
                self.fail(f"the parameter '{name.text}' is given twice")
            self.at += 2
            with self.nested():
                values[name.text] = self.value(self.sum(), name.column)
            if not self.take(","):
                break
        self.need(closing, "the parameters are open")
        bind = function.bind
        try:
            return bind(**values)
        except InputError as error:
            self.fail(str(error), token.column)

    def arguments(self, token: Token, function: Function) -> list[Expr]:
        self.need("(", f"'{token.text}' is a function")
        args: list[Expr] = []
        while True:
            column = self.token.column
            with self.nested():
                argument = self.value(self.sum(), column)
            if not argument.free_symbols and self.size(argument, column) > function.largest:
                largest = f"{function.largest:.0e}" if math.isfinite(function.largest) else "inf"
                self.fail(f"the argument of '{token.text}' goes up to {largest}", column)
            if token.text == "exp":
                self.bounded_power(S.Exp1, argument, column)
            args.append(argument)
            if not self.take(","):
                break
        self.need(")", f"the arguments of '{token.text}' are open")
        low, high = function.arity
        if not low <= len(args) <= high:
            wanted = str(low) if low == high else f"{low} to {high}"
            self.fail(f"'{token.text}' takes {wanted} arguments, got {len(args)}", token.column)
        return args

    def relation_call(self, token: Token) -> Any:
        """Eq(a, b) and Ne(a, b), as SymPy prints them."""
        self.need("(", "two sides follow")
        sides: list[Expr] = []
        for closing in (",", ")"):
            column = self.token.column
            with self.nested():
                sides.append(self.value(self.sum(), column))
            self.need(closing, f"'{token.text}' has two sides")
        return self.compared(_RELATION_NAMES[token.text], *sides, column=token.column)

    def compared(self, relation: Any, left: Expr, right: Expr, column: int) -> Any:
        """The relation, not evaluated; one that is a condition of a Piecewise says something."""
        if self.conditions and not (left.free_symbols | right.free_symbols):
            self.fail("a condition compares something that holds a symbol", column)
        if self.conditions and (left.has(sympy.Piecewise) or right.has(sympy.Piecewise)):
            self.fail("a condition holds no Piecewise", column)
        return relation(left, right, evaluate=False)

    def piecewise(self, token: Token) -> Any:
        """Piecewise((value, condition), ..., (value, True)), as SymPy prints it."""
        self.need("(", "Piecewise is a function")
        pairs: list[tuple[Any, Any]] = []
        while True:
            self.need("(", "Piecewise takes pairs (value, condition)")
            with self.nested():
                column = self.token.column
                piece = self.value(self.sum(), column)
                self.need(",", "a pair is (value, condition)")
                column = self.token.column
                self.conditions += 1
                condition = self.statement()
                self.conditions -= 1
                if isinstance(condition, Expr):
                    self.fail("a condition is needed here, not a value", column)
            self.need(")", "a pair is open")
            pairs.append((piece, condition))
            if len(pairs) > 16:
                self.fail("Piecewise takes at most 16 pairs", token.column)
            if not self.take(","):
                break
        self.need(")", "Piecewise is open")
        if pairs[-1][1] is not S.true:
            self.fail("the last condition of a Piecewise is True", token.column)
        return self.checked(lambda: sympy.Piecewise(*pairs, evaluate=False), column=token.column)


def _negated(term: Expr) -> Expr:
    """-term, with the sign among the factors of a product."""
    return cast("Expr", Mul(S.NegativeOne, *(term.args if isinstance(term, Mul) else (term,))))


@lru_cache(maxsize=4096)
def _ball(constant: Expr) -> arb:
    """An enclosure of a constant; each g⁽ⁿ⁾(c) in it is enclosed on its own, by its formula."""
    table: dict[Basic, tuple[Symbol, arb]] = {}
    stack: list[Basic] = [constant]
    while stack:
        part = stack.pop()
        if isinstance(part, sympy.Function) and len(part.args) > 1 and not part.args[0].is_number:
            t = sympy.Dummy("t", real=True)
            head: Any = part.func
            formula = head(*part.args[:-1], t).doit()
            table[part] = (t, program(formula, t).ball(_ball(cast("Expr", part.args[-1]))))
        else:
            stack += part.args
    inner = constant.xreplace({part: t for part, (t, _) in table.items()})
    symbols, balls = zip(*table.values(), strict=True) if table else ((), ())
    return program(inner, *symbols).ball(*balls)


def _bits(base: Expr) -> int:
    """The length of the longest number in an expression."""
    return max((max(r.p.bit_length(), r.q.bit_length()) for r in base.atoms(Rational)), default=1)


def parse(text: str, names: Names | None = None) -> Expr:
    """The expression that the text stands for, under `names` (default: free real symbols).

    >>> parse("x^2/(1 + exp(-0.5*x))")
    x**2/(1 + exp(-x/2))
    >>> parse("exq(x)")
    Traceback (most recent call last):
        ...
    symgrad.errors.ParseError: no function 'exq'; did you mean 'exp'? (column 1)
      exq(x)
      ^
    """
    parser = _Reader(text, names or Names.free())
    result = parser.value(parser.statement(), 0)
    parser.end()
    if result.atoms(*_UNREAL):
        parser.fail("this is not real, or not defined", 0)
    return result


def parse_statement(text: str, names: Names | None = None) -> Basic:
    """The comparison, or comparisons joined by & and |, that the text stands for, unevaluated.

    >>> parse_statement("exp(x) >= 1 + x")
    exp(x) >= x + 1
    """
    parser = _Reader(text, names or Names.free())
    result = parser.statement()
    if isinstance(result, Expr):
        parser.end()
        parser.fail("a comparison such as 'f(x) <= 1/4' is needed", 0)
    parser.end()
    return result


def parse_set(text: str, names: Names | None = None) -> Set:
    """An interval: square brackets hold their end, round ones do not; R is the whole line.

    >>> parse_set("[-oo, -20)")
    Interval.open(-oo, -20)
    >>> parse_set("R")
    Reals
    """
    parser = _Reader(text, names or Names())
    if parser.token.text in ("R", "Reals") and parser.peek().kind == "end":
        return S.Reals
    opening = parser.take("[", "(") or parser.fail("an interval starts with '[' or '('")
    low = _end_of_interval(parser)
    parser.need(",", "an interval has two ends")
    high = _end_of_interval(parser)
    closing = parser.take("]", ")") or parser.fail("an interval ends with ']' or ')'")
    parser.end()
    if (low < high) != S.true and not (low == high and opening.text + closing.text == "[]"):
        parser.fail(f"an interval's ends are in order, got {low} and {high}", 0)
    found: Any = Interval(low, high, opening.text == "(", closing.text == ")")
    return found


def _end_of_interval(parser: _Reader) -> Expr:
    column = parser.token.column
    signed = 1 if parser.token.text in "+-" and parser.token.kind == "sign" else 0
    word = parser.peek(signed)
    if word.text == "oo" and word.kind == "name":
        negative = parser.token.text == "-"
        parser.at += signed + 1
        return S.NegativeInfinity if negative else S.Infinity
    end = parser.value(parser.sum(), column)
    if end.free_symbols or not end.is_real:
        parser.fail("an end of an interval is a real number, -oo or oo", column)
    return end
