"""The record of an activation, and its derivatives as functions.

`sigmoid(z)` is `Head(sigmoid, 0, z)`; its derivative is `Head(sigmoid, 1, z)`, printed σ'(z). There
is no class per activation, so a user's own activation prints, differentiates, pickles and compiles
by the same code as a built-in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import sympy
from sympy import Basic, Expr, Lambda, S, Symbol, Tuple
from sympy.core.function import AppliedUndef
from sympy.core.symbol import Str

from symgrad.activation import branched
from symgrad.activation.definition import Definition, Kink, X
from symgrad.errors import InputError
from symgrad.pieces import folded

__all__ = ["Activation", "Definition", "Derived", "Kink", "X"]


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

        `defaults` gives parameters their values; one that has none keeps its symbol. Kinks are
        found by themselves; `kinks` says which slope is used there, and by whose convention, where
        it is not the slope of the branch that the formula takes. Nothing is registered anywhere.

        Raises `InputError` where the formula is not one in a real variable x.
        """
        from symgrad.activation.head import elementary

        formula: Any = cast("Any", sympy.sympify(expr, strict=True))
        if not isinstance(x, Symbol):
            raise InputError(f"the variable of an activation is a symbol, got {x!r}")
        if not name.isidentifier():
            raise InputError(f"the name of an activation is an identifier, got {name!r}")
        if not isinstance(formula, Expr):
            raise InputError(f"the formula of '{name}' is an expression, got {formula!r}")
        undefined = sorted(map(str, formula.atoms(AppliedUndef)))
        if undefined:
            raise InputError(f"the formula of '{name}' has undefined functions: {undefined}")
        free: list[Any] = sorted(formula.free_symbols - {x}, key=lambda s: s.name)
        parameters = tuple(free)
        given = {p: sympy.sympify(v, strict=True) for p, v in (defaults or {}).items()}
        unknown = set(given) - set(parameters)
        if unknown:
            raise InputError(f"'{name}' has no parameter {unknown}; it has {parameters}")
        body = folded(elementary(formula).xreplace({x: X}), X)
        values: list[Any] = [given.get(p, p) for p in parameters]
        definition = Definition(body, parameters, latex, unicode, source, kinks, values)
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
    def _parts(self) -> Any:
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
    def _bound(self) -> branched.Branched:
        table = dict(zip(self.parameters, self.values, strict=True))
        stated = tuple(
            Kink(k.at.subs(table), k.slope.subs(table), k.convention) for k in self._parts.kinks
        )
        return branched.bound(self._parts.expr, tuple(table.items()), stated)

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """The points where g' is not continuous, from left to right, with its value there."""
        return self._bound.kinks

    @property
    def jumps(self) -> tuple[Expr, ...]:
        """The points where g itself is not continuous."""
        return self._bound.jumps

    @property
    def formula(self) -> Lambda:
        """x ↦ g(x) in elementary functions, with the parameters' values."""
        return self.derivative(0)

    def derivative(self, n: int) -> Lambda:
        """x ↦ g⁽ⁿ⁾(x) in elementary functions, at kinks by the record's convention.

        Raises `LimitError` where the formula has more terms than anyone can use.
        """
        body = self._bound.derivative(n)
        # Lambda(x, x) turns into SymPy's identity function, which has a variable of its own
        return Lambda(X, body) if body != X else Expr.__new__(Lambda, Tuple(X), body)

    def one_sided(self, at: Any, side: str, n: int = 1) -> Expr:
        """The limit of g⁽ⁿ⁾ at a point from the side "+" or "-".

        >>> from symgrad.catalogue import relu
        >>> relu.one_sided(0, "-"), relu.one_sided(0, "+")
        (0, 1)
        """
        if side not in ("+", "-"):
            raise InputError(f'the side of a point is "+" or "-", got {side!r}')
        return self._bound.one_sided(sympy.sympify(at, strict=True), side, n)

    @property
    def symmetry(self) -> str:
        """'odd', 'even' or '' where neither follows by exact algebra."""
        return self._bound.symmetry

    # use

    def __call__(self, *z: Any, **values: Any) -> Any:
        from symgrad.activation.head import Head

        g = self.bind(**values) if values else self
        if not z:
            return g
        if len(z) != 1:
            raise InputError(f"{self.name} is a function of one variable, got {len(z)} arguments")
        return Head(g, 0, argument(z[0]))

    def bind(self, **values: Any) -> Activation:
        """The same activation with parameters given: `leaky_relu.bind(alpha=Rational(1, 5))`.

        Raises `InputError` where a value contradicts what the parameter is assumed to be.
        """
        table = {p.name: p for p in self.parameters}
        current = dict(zip(self.parameters, self.values, strict=True))
        for key, value in values.items():
            if key not in table:
                known = ", ".join(table) or "none"
                raise InputError(f"{self.name} has no parameter '{key}'; its parameters: {known}")
            value = sympy.sympify(value, strict=True)
            for assumption in ("positive", "nonnegative", "nonzero", "integer", "real"):
                wanted = getattr(table[key], f"is_{assumption}")
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

    def label(self, name: str, show: Any, form: str = "[{}]") -> str:
        """The printed name, with those values of parameters that are not the usual ones."""
        usual = self._parts.defaults
        shown = [
            f"{show(p)}={show(v)}"
            for p, v, u in zip(self.parameters, self.values, usual, strict=True)
            if v != u
        ]
        return name + (form.format(", ".join(shown)) if shown else "")

    def _sympystr(self, printer: Any) -> str:
        return self.label(self.name, printer._print)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        name = self.label(self.latex_name, printer._print, "_{{{}}}")
        return name if exp is None else f"{name}^{{{exp}}}"

    def _pretty(self, printer: Any) -> Any:
        from sympy.printing.pretty.stringpict import prettyForm

        name = self.unicode_name if printer._use_unicode else self.name
        return prettyForm(self.label(name, printer._print))


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
        from symgrad.activation.head import Head

        return Head(self.activation, self.order, argument(z))

    def d(self, n: int | Expr = 1) -> Derived:
        """The n-th derivative of this one."""
        return Derived(self.activation, self.order + Derived(self.activation, n).order)

    @property
    def free_symbols(self) -> set[Basic]:
        return self.activation.free_symbols | self.order.free_symbols

    def _eval_derivative(self, s: Symbol) -> Expr:
        return S.Zero

    def _sympystr(self, printer: Any) -> str:
        name = self.activation.label(self.activation.name, printer._print)
        return name + marks(self.order, printer._print)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = printer._print(self.activation) + latex_marks(self.order, printer._print)
        return body if exp is None else f"{{{body}}}^{{{exp}}}"

    def _pretty(self, printer: Any) -> Any:
        from sympy.printing.pretty.stringpict import prettyForm

        form = printer._print(self.activation)
        mark = "′" if printer._use_unicode else "'"
        return prettyForm(f"{form}{marks(self.order, printer._print, mark)}")


def argument(z: Any) -> Expr:
    """What an activation may be applied to; raises `InputError` for the rest."""
    if isinstance(z, str):
        raise InputError(f"text is read by symgrad.parse first, got the string {z!r}")
    found = sympy.sympify(z, strict=True)
    if not isinstance(found, Expr) or found.is_Matrix:
        raise InputError(f"an activation is applied to a number or an expression, got {z!r}")
    return found


def marks(n: Expr, show: Any, mark: str = "'") -> str:
    """Primes up to three, then the order in brackets."""
    return mark * int(n) if n.is_Integer and 0 <= int(n) <= 3 else f"^({show(n)})"


def latex_marks(n: Expr, show: Any) -> str:
    """The marks of an n-th derivative: primes up to three, (n) beyond."""
    return "'" * int(n) if n.is_Integer and 0 <= int(n) <= 3 else rf"^{{\left({show(n)}\right)}}"
