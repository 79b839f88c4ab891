"""The grammar: tokens to SymPy by operator precedence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn, cast

import sympy
from sympy import Add, Basic, Expr, Interval, Mul, Pow, S, Set

from symgrad.errors import InputError, UnknownNameError
from symgrad.parse.budget import Builder
from symgrad.parse.names import Function, Names
from symgrad.parse.tokens import Token

__all__ = ["parse", "parse_set", "parse_statement"]

_RELATIONS: dict[str, Any] = {"<=": sympy.Le, ">=": sympy.Ge, "<": sympy.Lt, ">": sympy.Gt,
                              "=": sympy.Eq, "==": sympy.Eq, "!=": sympy.Ne}  # fmt: skip
_AND: Any = sympy.And
_OR: Any = sympy.Or
_PIECEWISE: Any = sympy.Piecewise
_UNREAL = tuple(
    type(c) for c in (S.ImaginaryUnit, S.ComplexInfinity, S.NaN, S.Infinity, S.NegativeInfinity)
)
_NO_VALUES = dict.fromkeys(
    ("True", "False", "None", "I", "zoo", "nan"), "'{}' is no name for a real number"
) | {"oo": "{} is an end of an interval, not a number"}
_MOST_PIECES = 16


class _Reader(Builder):
    """Reads statements and values; inside a condition of a Piecewise `conditions` is not 0."""

    conditions = 0

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
        return _joined(_OR, [_joined(_AND, group) for group in groups])

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
        return _joined(_AND, found) if found else left

    def compared(self, relation: Any, left: Expr, right: Expr, column: int) -> Any:
        """The relation, not evaluated; one that is a condition of a Piecewise says something."""
        if self.conditions and not (left.free_symbols | right.free_symbols):
            self.fail("a condition compares something that holds a symbol", column)
        if self.conditions and (left.has(_PIECEWISE) or right.has(_PIECEWISE)):
            self.fail("a condition holds no Piecewise", column)
        return relation(left, right, evaluate=False)

    # --- values -------------------------------------------------------------------------------

    def sum(self) -> Any:
        column = self.token.column
        first = self.product()
        terms = [first]
        while sign := self.take("+", "-"):
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
            self.value(first, column)
            minus, _ = self.signs()
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

    def inner(self) -> tuple[Expr, int]:
        """A value one level deeper, and where it starts."""
        column = self.token.column
        with self.nested():
            return self.value(self.sum(), column), column

    # --- atoms --------------------------------------------------------------------------------

    def atom(self) -> Any:
        token = self.token
        if token.kind in ("number", "name"):
            self.at += 1
            return self.number(token) if token.kind == "number" else self.named(token)
        if self.take("("):
            with self.nested():
                inner = self.statement()
            self.need(")", "a bracket is open")
            return inner
        self.fail(f"a number, a name or '(' is needed here, but {self.seen()}")

    def named(self, token: Token) -> Any:
        name, functions, symbols = token.text, self.names.functions, self.names.symbols
        opens = self.token.text == "("
        if name in _WRITTEN and opens:
            return _WRITTEN[name](self, token)
        if name in functions and self.calls():
            return self.call(token, functions[name])
        values = {**self.names.constants(), **symbols}
        if name in values and not (name in symbols and opens):
            return values[name]
        if name in symbols:
            self.unknown(name, token.column)
        if name in ("True", "true") and self.conditions:
            return S.true
        if name in functions:
            self.fail(f"'{name}' is a function: write {name}(...)", token.column)
        if name in _NO_VALUES:
            self.fail(_NO_VALUES[name].format(name), token.column)
        if self.names.unknown is not None and self.token.text not in ("(", "'"):
            return self.names.unknown(name)
        self.unknown(name, token.column)

    def unknown(self, name: str, column: int) -> NoReturn:
        if self.token.text in ("(", "'"):
            error = UnknownNameError("function", name, [*self.names.functions, "Piecewise"])
            if not error.near and (self.names.unknown is not None or name in self.names.symbols):
                self.fail(f"no function '{name}'; a product is written {name}*(...)", column)
        else:
            known = [*self.names.symbols, *self.names.constants()]
            error = UnknownNameError("name", name, known)
        self.fail(str(error), column)

    def calls(self) -> bool:
        """Whether f( or f' or f[ or f^(n)( follows."""
        return self.token.text in ("(", "'", "[") or self.order_follows()

    def order_follows(self) -> bool:
        power, opening, order, closing, argument = (self.peek(k) for k in range(5))
        return (
            power.text in ("^", "**")
            and order.kind == "number"
            and (opening.text, closing.text, argument.text) == ("(", ")", "(")
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

        def one() -> None:
            name = self.token
            if name.kind != "name" or self.peek().text != "=":
                self.fail("parameters are given as name=value")
            if name.text not in function.parameters:
                known = ", ".join(function.parameters)
                self.fail(f"'{token.text}' has no parameter '{name.text}'; it has: {known}")
            if name.text in values:
                self.fail(f"the parameter '{name.text}' is given twice")
            self.at += 2
            values[name.text], _ = self.inner()

        self.listed(one, closing, "the parameters are open")
        try:
            return function.bind(**values)
        except InputError as error:
            self.fail(str(error), token.column)

    def arguments(self, token: Token, function: Function) -> list[Expr]:
        def one() -> Expr:
            argument, column = self.inner()
            if not argument.free_symbols and self.size(argument, column) > function.largest:
                largest = f"{function.largest:.0e}" if math.isfinite(function.largest) else "inf"
                self.fail(f"the argument of '{token.text}' goes up to {largest}", column)
            if token.text == "exp":
                self.bounded_power(S.Exp1, argument, column)
            return argument

        self.need("(", f"'{token.text}' is a function")
        args = self.listed(one, ")", f"the arguments of '{token.text}' are open")
        low, high = function.arity
        if not low <= len(args) <= high:
            wanted = str(low) if low == high else f"{low} to {high}"
            self.fail(f"'{token.text}' takes {wanted} arguments, got {len(args)}", token.column)
        return args

    # --- what SymPy prints as a call ------------------------------------------------------------

    def relation_call(self, token: Token) -> Any:
        """Eq(a, b) and Ne(a, b)."""
        self.need("(", "two sides follow")
        sides = self.listed(self.inner, ")", f"'{token.text}' has two sides")
        if len(sides) != 2:
            self.fail(f"'{token.text}' has two sides, got {len(sides)}", token.column)
        (left, _), (right, _) = sides
        relation = sympy.Eq if token.text == "Eq" else sympy.Ne
        return self.compared(relation, left, right, token.column)

    def piecewise(self, token: Token) -> Any:
        """Piecewise((value, condition), ..., (value, True))."""
        self.need("(", "Piecewise is a function")
        pairs = self.listed(self.pair, ")", "Piecewise is open")
        if len(pairs) > _MOST_PIECES:
            self.fail(f"Piecewise takes at most {_MOST_PIECES} pairs", token.column)
        if pairs[-1][1] is not S.true:
            self.fail("the last condition of a Piecewise is True", token.column)
        return self.checked(lambda: _PIECEWISE(*pairs, evaluate=False), column=token.column)

    def pair(self) -> tuple[Expr, Any]:
        self.need("(", "Piecewise takes pairs (value, condition)")
        with self.nested():
            piece, _ = self.inner()
            self.need(",", "a pair is (value, condition)")
            column = self.token.column
            self.conditions += 1
            condition = self.statement()
            self.conditions -= 1
        if isinstance(condition, Expr):
            self.fail("a condition is needed here, not a value", column)
        self.need(")", "a pair is open")
        return piece, condition

    # --- sets -----------------------------------------------------------------------------------

    def interval(self) -> Set:
        if self.token.text in ("R", "Reals") and self.peek().kind == "end":
            return S.Reals
        opening = self.take("[", "(") or self.fail("an interval starts with '[' or '('")
        low = self.end_of_interval()
        self.need(",", "an interval has two ends")
        high = self.end_of_interval()
        closing = self.take("]", ")") or self.fail("an interval ends with ']' or ')'")
        self.end()
        if (low < high) != S.true and not (low == high and opening.text + closing.text == "[]"):
            self.fail(f"an interval's ends are in order, got {low} and {high}", 0)
        return cast("Any", Interval)(low, high, opening.text == "(", closing.text == ")")

    def end_of_interval(self) -> Expr:
        token = self.token
        signed = int(token.kind == "sign" and token.text in "+-")
        if self.peek(signed).text == "oo":
            self.at += signed + 1
            return S.NegativeInfinity if token.text == "-" else S.Infinity
        end = self.value(self.sum(), token.column)
        if end.free_symbols or not end.is_real:
            self.fail("an end of an interval is a real number, -oo or oo", token.column)
        return end


_WRITTEN: dict[str, Callable[[_Reader, Token], Any]] = {
    "Piecewise": _Reader.piecewise,
    "Eq": _Reader.relation_call,
    "Ne": _Reader.relation_call,
}


def _joined(word: Any, parts: list[Any]) -> Any:
    return word(*parts, evaluate=False) if len(parts) > 1 else parts[0]


def _negated(term: Expr) -> Expr:
    """-term, with the sign among the factors of a product."""
    return cast("Expr", Mul(S.NegativeOne, *(term.args if isinstance(term, Mul) else (term,))))


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
    reader = _Reader(text, names or Names.free())
    result = reader.value(reader.statement(), 0)
    reader.end()
    if result.atoms(*_UNREAL):
        reader.fail("this is not real, or not defined", 0)
    return result


def parse_statement(text: str, names: Names | None = None) -> Basic:
    """The comparison, or comparisons joined by & and |, that the text stands for, unevaluated.

    >>> parse_statement("exp(x) >= 1 + x")
    exp(x) >= x + 1
    """
    reader = _Reader(text, names or Names.free())
    result = reader.statement()
    reader.end()
    if isinstance(result, Expr):
        reader.fail("a comparison such as 'f(x) <= 1/4' is needed", 0)
    return result


def parse_set(text: str, names: Names | None = None) -> Set:
    """An interval: square brackets hold their end, round ones do not; R is the whole line.

    >>> parse_set("[-oo, -20)")
    Interval.open(-oo, -20)
    >>> parse_set("R")
    Reals
    """
    return _Reader(text, names or Names()).interval()
