"""An activation is its record: name, formula, parameters; and the one head g⁽ⁿ⁾(z).

`sigmoid(z)` is `Head(sigmoid, 0, z)`; its derivative is `Head(sigmoid, 1, z)`, printed σ'(z). There is
no class per activation, so a user's own activation prints, differentiates, pickles and compiles by the
same code as a built-in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from sympy import Basic, Expr, Lambda, Piecewise, Rational, S, Symbol, Tuple
from sympy.core.function import AppliedUndef, ArgumentIndexError, DefinedFunction, FunctionClass
from sympy.core.symbol import Str

from symgrad.errors import InputError
from symgrad.oracle import digits_of
from symgrad.pieces import folded

__all__ = ["Activation", "Definition", "Derived", "Head", "Kink", "Univariate", "univariate"]

X = Symbol("x", real=True)
"""The variable that every record's formula is written in."""


@dataclass(frozen=True, slots=True)
class Kink:
    """A point where g' jumps: the value of g' used there, and whose convention that is."""

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
    """What a record says beside its name and the values of its parameters; hidden from `subs`."""

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


class Activation(Expr):
    """A function g of one real variable, given by name, formula and parameters.

    Called with an expression it gives the head g(z); called with keywords it binds parameters.

    >>> from sympy import Symbol, exp
    >>> z = Symbol("z", real=True)
    >>> g = Activation.from_expr("my_g", z / (1 + exp(-z)), z)
    >>> g(z).diff(z)
    my_g'(z)
    """

    __slots__ = ()
    is_commutative = True

    def __new__(cls, name: str | Str, values: Iterable[Expr], definition: Definition) -> Activation:
        return super().__new__(cls, Str(str(name)), Tuple(*values), definition)

    @classmethod
    def from_expr(
        cls,
        name: str,
        expr: Expr,
        x: Symbol,
        *,
        defaults: Mapping[Symbol, Expr] | None = None,
        latex: str = "",
        unicode: str = "",
        source: str = "",
        kinks: Iterable[Kink] = (),
    ) -> Activation:
        """The activation g(x) = expr; symbols of `expr` other than x are its parameters.

        `defaults` gives parameters their values; one that has none keeps its symbol. Nothing is
        registered anywhere. Raises `InputError` where the formula is not one in a real variable x.
        """
        expr = sympy.sympify(expr, strict=True)
        if not isinstance(x, Symbol):
            raise InputError(f"the variable of an activation is a symbol, got {x!r}")
        if not name.isidentifier():
            raise InputError(f"the name of an activation is an identifier such as my_g, got {name!r}")
        undefined = expr.atoms(AppliedUndef)
        if undefined:
            raise InputError(f"the formula of '{name}' has undefined functions: {undefined}")
        parameters = tuple(sorted(expr.free_symbols - {x}, key=lambda s: s.name))
        given = dict(defaults or {})
        unknown = set(given) - set(parameters)
        if unknown:
            raise InputError(f"'{name}' has no parameter {unknown}; it has {parameters}")
        expr = folded(elementary(expr).xreplace({x: X}), X)
        values = [given.get(p, p) for p in parameters]
        definition = Definition(expr, parameters, latex, unicode, source, kinks, values)
        return cls(name, values, definition)

    # the record

    @property
    def name(self) -> str:
        return self.args[0].name  # type: ignore[attr-defined]

    @property
    def values(self) -> tuple[Expr, ...]:
        """The values of the parameters, in the order of `parameters`."""
        return tuple(self.args[1].args)  # type: ignore[return-value]

    @property
    def _parts(self) -> _Parts:
        return self.args[2].parts  # type: ignore[attr-defined]

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """The parameters by their own symbols, which carry the assumptions."""
        return self._parts.parameters

    @property
    def source(self) -> str:
        """Author, year and place of the definition."""
        return self._parts.source

    @property
    def latex_name(self) -> str:
        return self._parts.latex or rf"\operatorname{{{self.name}}}".replace("_", r"\_")

    @property
    def unicode_name(self) -> str:
        return self._parts.unicode or self.name

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """The points where g' jumps, with the convention for its value there."""
        bind = dict(zip(self.parameters, self.values, strict=True))
        return tuple(
            Kink(k.at.subs(bind), k.slope.subs(bind), k.convention) for k in self._parts.kinks
        )

    @property
    def formula(self) -> Lambda:
        """x ↦ g(x) in elementary functions, with the parameters' values."""
        return self.derivative(0)

    def derivative(self, n: int) -> Lambda:
        """x ↦ g⁽ⁿ⁾(x) in elementary functions, off the kinks."""
        bind = dict(zip(self.parameters, self.values, strict=True))
        body = _nth_derivative(self._parts.expr, n).xreplace(bind)
        # Lambda(x, x) turns into SymPy's identity function, which has a variable of its own
        return Lambda(X, body) if body != X else Expr.__new__(Lambda, Tuple(X), body)

    @property
    def symmetry(self) -> str:
        """'odd', 'even' or '' where neither follows by exact algebra."""
        return _symmetry(self.formula.expr)

    # use

    def __call__(self, *z: Any, **values: Any) -> Any:
        g = self.bind(**values) if values else self
        if not z:
            return g
        if len(z) != 1:
            raise InputError(f"{self.name} is a function of one variable, got {len(z)} arguments")
        return Head(g, 0, z[0])

    def bind(self, **values: Any) -> Activation:
        """The same activation with parameters given: `leaky_relu.bind(alpha=Rational(1, 5))`."""
        table = {p.name: p for p in self.parameters}
        current = dict(zip(self.parameters, self.values, strict=True))
        for key, value in values.items():
            if key not in table:
                known = ", ".join(table) or "none"
                raise InputError(f"{self.name} has no parameter '{key}'; its parameters: {known}")
            value = sympy.sympify(value, strict=True)
            for assumption, wanted in table[key].assumptions0.items():
                if wanted and getattr(value, f"is_{assumption}", None) is False:
                    raise InputError(f"{self.name} needs a {assumption} {key}, got {value}")
            current[table[key]] = value
        return type(self)(self.name, current.values(), self.args[2])  # type: ignore[arg-type]

    def d(self, n: int | Expr = 1) -> Derived:
        """The n-th derivative, itself a function of one variable."""
        return Derived(self, n)

    # SymPy's questions

    @property
    def free_symbols(self) -> set[Basic]:
        return set().union(*(v.free_symbols for v in self.values))

    def _eval_derivative(self, s: Symbol) -> Expr:
        return S.Zero

    def _eval_is_extended_real(self) -> None:
        return None

    def _label(self, printed_name: str, print_value: Any, separator: str = ", ") -> str:
        shown = [
            f"{p.name}={print_value(v)}"
            for p, v, usual in zip(self.parameters, self.values, self._parts.defaults, strict=True)
            if v != usual
        ]
        return f"{printed_name}[{separator.join(shown)}]" if shown else printed_name

    def _sympystr(self, printer: Any) -> str:
        return self.name

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return self.latex_name if exp is None else f"{self.latex_name}^{{{exp}}}"

    def _pretty(self, printer: Any) -> Any:
        from sympy.printing.pretty.stringpict import prettyForm

        return prettyForm(self.unicode_name if printer._use_unicode else self.name)


class Derived(Expr):
    """The n-th derivative g⁽ⁿ⁾ as a function: `sigmoid.d(2)(z)` is σ''(z)."""

    __slots__ = ()

    def __new__(cls, activation: Activation, n: int | Expr) -> Derived:
        order = sympy.sympify(n, strict=True)
        if (order.is_Integer and order < 0) or order.is_integer is False:
            raise InputError(f"the order of a derivative is an integer n >= 0, got {n}")
        return super().__new__(cls, activation, order)

    @property
    def activation(self) -> Activation:
        return self.args[0]  # type: ignore[return-value]

    @property
    def order(self) -> Expr:
        return self.args[1]  # type: ignore[return-value]

    def __call__(self, z: Any) -> Expr:
        return Head(self.activation, self.order, z)

    def d(self, n: int | Expr = 1) -> Derived:
        """The n-th derivative of this one."""
        return Derived(self.activation, self.order + n)

    def _eval_derivative(self, s: Symbol) -> Expr:
        return S.Zero

    def _sympystr(self, printer: Any) -> str:
        return self.activation.name + _marks(self.order, "'", printer._print)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = self.activation.latex_name + _latex_marks(self.order, printer)
        return body if exp is None else f"{{{body}}}^{{{exp}}}"


class Head(DefinedFunction):
    """g⁽ⁿ⁾(z), the n-th derivative of an activation at z."""

    nargs = 3

    @classmethod
    def eval(cls, g: Any, n: Any, z: Any) -> Expr | None:
        if not isinstance(g, Activation):
            raise InputError(f"the first argument of a head is an activation, got {g!r}")
        if not n.is_Integer:
            return None
        if z.is_Float:
            return cls(g, n, z, evaluate=False)._eval_evalf(z._prec)
        if z.is_zero or z in (S.Infinity, S.NegativeInfinity):
            return _special_value(g, int(n), z)
        return None

    @property
    def activation(self) -> Activation:
        return self.args[0]  # type: ignore[return-value]

    @property
    def order(self) -> Expr:
        return self.args[1]  # type: ignore[return-value]

    @property
    def z(self) -> Expr:
        return self.args[2]  # type: ignore[return-value]

    @property
    def free_symbols(self) -> set[Basic]:
        return self.activation.free_symbols | self.order.free_symbols | self.z.free_symbols

    def fdiff(self, argindex: int = 3) -> Expr:
        if argindex != 3:
            raise ArgumentIndexError(self, argindex)
        return Head(self.activation, self.order + 1, self.z)

    def _eval_derivative(self, s: Symbol) -> Expr:
        chain = self.fdiff() * self.z.diff(s)
        if s in self.activation.free_symbols:
            g = self.activation.derivative(int(self.order))
            chain += g.expr.diff(s).xreplace({X: self.z})
        return chain

    def doit(self, **hints: Any) -> Expr:
        """The elementary expression of g⁽ⁿ⁾ at z."""
        z = self.z.doit(**hints) if hints.get("deep", True) else self.z
        if not self.order.is_Integer:
            return self.func(self.activation, self.order, z)
        return self.activation.derivative(int(self.order)).expr.xreplace({X: z})

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> Expr:
        whole = self.func(*args).doit(deep=False)
        return whole if isinstance(whole, Head) else whole.rewrite(rule, **hints)

    def _eval_rewrite_as_tractable(self, *args: Any, limitvar: Any = None, **hints: Any) -> Expr:
        return self.doit(deep=False).rewrite("tractable", deep=True, limitvar=limitvar)

    def _eval_expand_func(self, **hints: Any) -> Expr:
        return self.doit(deep=False)

    def _eval_as_leading_term(self, x: Symbol, logx: Any = None, cdir: Any = 0) -> Expr:
        return self.doit(deep=False).as_leading_term(x, logx=logx, cdir=cdir)

    def _eval_nseries(self, x: Symbol, n: int, logx: Any, cdir: Any = 0) -> Expr:
        return self.doit(deep=False)._eval_nseries(x, n, logx, cdir)

    def _eval_evalf(self, prec: int) -> Expr | None:
        if not self.order.is_Integer or self.activation.free_symbols:
            return None
        expr = self.activation.derivative(int(self.order)).expr
        z = self.z if self.z.is_Float else self.z._eval_evalf(prec + 64) if self.z.args else self.z
        if self.z.is_real and not self.z.free_symbols:
            return digits_of(expr, X, self.z, prec)
        if z is not None and z.is_number:
            return expr.subs(X, z).evalf(int(prec / 3.32) + 15)._eval_evalf(prec)
        return None

    def _eval_is_extended_real(self) -> bool | None:
        return True if self.z.is_real else None

    def _eval_is_finite(self) -> bool | None:
        return True if self.z.is_real else None

    def inverse(self, argindex: int = 3) -> Any:
        """The inverse function where SymPy solves g(x) = y uniquely."""
        y = sympy.Dummy("y")
        found = sympy.solve(self.activation.derivative(int(self.order)).expr - y, X)
        if len(found) != 1:
            raise InputError(f"no unique inverse of {self} in closed form")
        return Lambda(y, found[0])

    def _sympystr(self, printer: Any) -> str:
        g = self.activation._label(self.activation.name, printer._print)
        return f"{g}{_marks(self.order, chr(39), printer._print)}({printer._print(self.z)})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = self.activation.latex_name + _latex_marks(self.order, printer)
        if exp is not None:
            body = f"{{{body}}}^{{{exp}}}"
        return rf"{body}\left({printer._print(self.z)}\right)"

    def _pretty(self, printer: Any) -> Any:
        name = self.activation.unicode_name if printer._use_unicode else self.activation.name
        mark = "′" if printer._use_unicode else "'"
        name += _marks(self.order, mark, printer._print)
        return printer._helper_print_function(self.func, (self.z,), func_name=name)


def _marks(n: Expr, mark: str, show: Any) -> str:
    if n.is_Integer and 0 <= int(n) <= 3:
        return mark * int(n)
    return f"^({show(n)})"


def _latex_marks(n: Expr, printer: Any) -> str:
    if n.is_Integer and 0 <= int(n) <= 3:
        return "'" * int(n)
    return rf"^{{\left({printer._print(n)}\right)}}"


@lru_cache(maxsize=1024)
def _nth_derivative(expr: Expr, n: int) -> Expr:
    if n == 0:
        return expr
    return folded(_smooth(_nth_derivative(expr, n - 1).diff(X)), X)


def _smooth(expr: Expr) -> Expr:
    """The derivative off the kinks: no Dirac deltas, no Heaviside, no derivative of sign."""
    deltas = expr.atoms(sympy.DiracDelta)
    return expr.xreplace(dict.fromkeys(deltas, S.Zero)) if deltas else expr


def elementary(expr: Expr) -> Expr:
    """The expression with every head replaced by its formula, and |x|, max, min as pieces."""
    heads = expr.atoms(Head)
    while heads:
        expr = expr.xreplace({h: h.doit() for h in heads})
        heads = expr.atoms(Head)
    bent = expr.atoms(sympy.Abs, sympy.sign, sympy.Max, sympy.Min, sympy.Heaviside)
    if bent:
        expr = expr.replace(
            lambda e: isinstance(e, (sympy.Abs, sympy.sign, sympy.Max, sympy.Min, sympy.Heaviside)),
            _as_pieces,
        )
    return expr


def _as_pieces(e: Expr) -> Expr:
    if isinstance(e, sympy.Abs):
        (u,) = e.args
        return Piecewise((-u, u < 0), (u, True)) if u.free_symbols else e
    if isinstance(e, sympy.sign):
        (u,) = e.args
        return Piecewise((-1, u < 0), (0, sympy.Eq(u, 0)), (1, True))
    if isinstance(e, sympy.Heaviside):
        u = e.args[0]
        return Piecewise((0, u < 0), (Rational(1, 2), sympy.Eq(u, 0)), (1, True))
    first, *rest = e.args
    best = first
    for other in rest:
        before = best < other if isinstance(e, sympy.Max) else best > other
        best = Piecewise((other, before), (best, True))
    return best


def _special_value(g: Activation, n: int, z: Expr) -> Expr | None:
    for kink in g.kinks:
        if kink.at == z:
            return kink.slope if n == 1 else g.formula(z) if n == 0 else None
    if g.free_symbols and z is not S.Zero:
        return None
    value = g.derivative(n).expr.subs(X, z)
    return value if value.is_number and value.is_finite and not value.has(sympy.AccumBounds) else None


def _symmetry(expr: Expr) -> str:
    mirrored = expr.xreplace({X: -X})
    for name, gap in (("odd", expr + mirrored), ("even", expr - mirrored)):
        if sympy.simplify(gap.rewrite(sympy.exp)) == 0:
            return name
    return ""


@dataclass(frozen=True, slots=True)
class Univariate:
    """A function of one real variable, as every call of symgrad reads it.

    `expr` may hold heads, `elementary` holds none; `name` is for display and ids.
    """

    expr: Expr
    x: Symbol
    name: str
    activation: Activation | None = None
    order: int = 0

    @property
    def elementary(self) -> Expr:
        if self.activation is not None:
            return self.activation.derivative(self.order).expr.xreplace({X: self.x})
        return elementary(self.expr)


def univariate(f: Any, x: Symbol | None = None) -> Univariate:
    """Read an activation, `g.d(n)`, a SymPy function class, or an expression in x as one function.

    >>> import sympy
    >>> univariate(sympy.tanh).elementary
    tanh(x)

    Raises `InputError` where the variable is not clear.
    """
    variable = x if x is not None else X
    if isinstance(f, Activation):
        return Univariate(f(variable), variable, f.name, f, 0)
    if isinstance(f, Derived):
        if not f.order.is_Integer:
            raise InputError(f"the order of the derivative must be a number, got {f.order}")
        n = int(f.order)
        return Univariate(f(variable), variable, f"{f.activation.name}.d{n}", f.activation, n)
    if isinstance(f, (FunctionClass, Lambda)):
        return Univariate(f(variable), variable, str(getattr(f, "__name__", "f")))
    if isinstance(f, str):
        raise InputError(f"text is read by symgrad.parse first, got the string {f!r}")
    expr = sympy.sympify(f, strict=True)
    if x is None:
        symbols = sorted(expr.free_symbols, key=lambda s: s.name)
        if len(symbols) > 1:
            raise InputError(f"{expr} has the symbols {symbols}; say which one is the variable: x=...")
        variable = symbols[0] if symbols else X
    if isinstance(expr, Head) and expr.z == variable and expr.order.is_Integer:
        g, n = expr.activation, int(expr.order)
        return Univariate(expr, variable, g.name if n == 0 else f"{g.name}.d{n}", g, n)
    return Univariate(expr, variable, "f")
