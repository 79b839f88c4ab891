"""The head g⁽ⁿ⁾(z): one SymPy function for every activation and every order of derivative."""

from __future__ import annotations

from typing import Any

import sympy
from mpmath.libmp import from_man_exp
from sympy import Basic, Expr, Lambda, Piecewise, Rational, S, Symbol
from sympy.core.function import ArgumentIndexError, DefinedFunction

from symgrad.activation.definition import X
from symgrad.activation.record import Activation, latex_marks, marks
from symgrad.errors import DomainError, InputError, LimitError, UnsupportedError
from symgrad.oracle import digits_of
from symgrad.rigor import constant, program
from symgrad.rigor.sharp import sharpened

__all__ = ["Head", "elementary"]

_INFINITE = (S.Infinity, S.NegativeInfinity)
_NO_VALUE = (S.NaN, S.ComplexInfinity, *_INFINITE, sympy.AccumBounds)


class Head(DefinedFunction):
    """g⁽ⁿ⁾(z), the n-th derivative of an activation at z."""

    nargs = 3

    @classmethod
    def eval(cls, g: Any, n: Any, z: Any) -> Expr | None:
        if not isinstance(g, Activation):
            raise InputError(f"the first argument of a head is an activation, got {g!r}")
        if not n.is_Integer:
            return None
        if z is S.NaN:
            return S.NaN
        if z.is_Float:
            return cls(g, n, z, evaluate=False)._eval_evalf(z._prec)
        if z.is_zero or z in _INFINITE:
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

    @property
    def is_number(self) -> bool:
        return self.order.is_Integer and self.z.is_number and not self.activation.free_symbols

    # derivatives

    def fdiff(self, argindex: int = 3) -> Expr:
        if argindex != 3:
            raise ArgumentIndexError(self, argindex)
        return Head(self.activation, self.order + 1, self.z)

    def _eval_derivative(self, s: Symbol) -> Expr:
        parameter = s in self.activation.free_symbols
        if s in self.order.free_symbols or (parameter and not self.order.is_Integer):
            return sympy.Derivative(self, s, evaluate=False)
        slope = self.z.diff(s)
        chain = self.fdiff() * slope if slope != 0 else S.Zero
        if parameter:
            t = sympy.Dummy("t", real=True)
            chain += self.elementary_at(t).diff(s).xreplace({t: self.z})
        return chain

    def _eval_derivative_n_times(self, s: Symbol, n: Expr) -> Any:
        slope = self.z.diff(s)
        if slope.has(s) or s in self.order.free_symbols | self.activation.free_symbols:
            return super()._eval_derivative_n_times(s, n)
        return slope**n * Head(self.activation, self.order + n, self.z)

    # other forms

    def elementary_at(self, z: Expr) -> Any:
        """The formula of g⁽ⁿ⁾ at z, n a number."""
        formula = self.activation.derivative(int(self.order)).expr
        return formula if z == X else formula.subs(X, z)

    def doit(self, **hints: Any) -> Expr:
        """The elementary expression of g⁽ⁿ⁾ at z."""
        z = self.z.doit(**hints) if hints.get("deep", True) else self.z
        if not self.order.is_Integer:
            return self.func(self.activation, self.order, z)
        return self.elementary_at(z)

    def _eval_elementary(self) -> Expr:
        return self.doit(deep=False)

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> Expr:
        whole = self.func(*args).doit(deep=False)
        return whole if isinstance(whole, Head) else whole.rewrite(rule, **hints)

    def _eval_rewrite_as_tractable(self, *args: Any, limitvar: Any = None, **hints: Any) -> Expr:
        return self.doit(deep=False).rewrite("tractable", deep=True, limitvar=limitvar)

    def _eval_expand_func(self, **hints: Any) -> Expr:
        return self.doit(deep=False)

    def _eval_simplify(self, **hints: Any) -> Expr:
        return self.func(self.activation, self.order, sympy.simplify(self.z, **hints))

    def _eval_as_leading_term(self, x: Symbol, logx: Any = None, cdir: Any = 0) -> Expr:
        return self.doit(deep=False).as_leading_term(x, logx=logx, cdir=cdir)

    def _eval_nseries(self, x: Symbol, n: int, logx: Any, cdir: Any = 0) -> Expr:
        return self.doit(deep=False)._eval_nseries(x, n, logx, cdir)

    def inverse(self, argindex: int = 3) -> Any:
        """y ↦ the x with g⁽ⁿ⁾(x) = y, where there is one in closed form; None otherwise."""
        y = sympy.Dummy("y", real=True)
        formula = self.elementary_at(X)
        if formula.args == (X,) and hasattr(formula, "inverse"):
            return formula.inverse()
        if formula.count(X) != 1:  # solve may give one branch of several
            return None
        try:
            found = sympy.solve(formula - y, X)
        except NotImplementedError:
            return None
        return Lambda(y, found[0]) if len(found) == 1 else None

    # values

    def _eval_evalf(self, prec: int) -> Expr | None:
        if not self.order.is_Integer or self.activation.free_symbols or not self.z.is_number:
            return None
        try:
            if not self.z.is_extended_real:
                return self._complex_value(prec)
            return digits_of(self.elementary_at(X), X, self.z, prec)
        except LimitError:
            return self._value_by_jet(prec)
        except (DomainError, UnsupportedError):
            return None

    def _value_by_jet(self, prec: int) -> Expr | None:
        """From the Taylor coefficients of g, which need no formula of g⁽ⁿ⁾."""
        n = int(self.order)
        formula = program(sharpened(self.activation.formula.expr), X)
        for bits in (prec + 64, 2 * prec + 256, 8 * prec + 1024):
            value = formula.jet(constant(self.z, bits), n + 1, prec=bits)[n]
            if value.is_finite() and value.rel_accuracy_bits() > prec + 8:
                mantissa, exponent = value.mid().man_exp()
                scaled = from_man_exp(
                    int(mantissa) * int(sympy.factorial(n)), int(exponent), prec, "n"
                )
                return sympy.Float._new(scaled, prec)
        return None

    def _complex_value(self, prec: int) -> Expr | None:
        """By SymPy at a precision that leaves room for what cancels at this argument."""
        expr = self.elementary_at(X)
        if expr.has(Piecewise):
            return None
        room = prec + 64
        z = self.z._eval_evalf(room) if self.z.args else self.z
        size = max(1, int(sympy.ceiling(abs(z).evalf(10, maxn=20))).bit_length()) if z else 1
        if size > 20:
            return None
        value = expr.subs(X, self.z).evalf(int((room + 3 * 2**size) / 3.3))
        return value._eval_evalf(prec) if value.is_number else None

    def _eval_is_extended_real(self) -> bool | None:
        return True if self.z.is_real and self._keeps_real() else None

    def _eval_is_finite(self) -> bool | None:
        return True if self.z.is_real and self._keeps_real() else None

    def _keeps_real(self) -> bool:
        return all(v.is_real for v in self.activation.values)

    # printing

    def _sympystr(self, printer: Any) -> str:
        g = printer._print(self.activation)
        return f"{g}{marks(self.order, printer._print)}({printer._print(self.z)})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = printer._print(self.activation) + latex_marks(self.order, printer._print)
        if exp is not None:
            body = f"{{{body}}}^{{{exp}}}"
        return rf"{body}\left({printer._print(self.z)}\right)"

    def _pretty(self, printer: Any) -> Any:
        g = self.activation
        name = g.label(g.unicode_name if printer._use_unicode else g.name, printer._print)
        name += marks(self.order, _flat(printer), "′" if printer._use_unicode else "'")
        return printer._helper_print_function(self.func, (self.z,), func_name=name)

    def _as_code(self, printer: Any) -> str:
        if not self.order.is_Integer:
            raise UnsupportedError(f"{self} has no code: the order of the derivative is no number")
        return printer._print(self.doit(deep=False))

    # Plain sympy.lambdify and the code printers write the elementary formula. It is the formula as
    # it stands: accurate far out only through symgrad.lambdify.
    _numpycode = _scipycode = _pythoncode = _mpmathcode = _jaxcode = _cupycode = _as_code
    _tensorflowcode = _torchcode = _ccode = _cxxcode = _fcode = _rcode = _javascriptcode = _as_code
    _lambdacode = _numexprcode = _octave = _juliacode = _rust_code = _mcode = _glslcode = _as_code


def _flat(printer: Any) -> Any:
    return lambda e: str(e)


def _special_value(g: Activation, n: int, z: Expr) -> Any:
    """The value at 0 or ±oo where substitution gives a plain number, or the parameters' one."""
    if n > 12:
        return None
    value = g.derivative(n).expr.subs(X, z)
    if value.has(*_NO_VALUE) or value.has(Piecewise) or value.count_ops() > 20:
        return None
    return value


def elementary(expr: Any) -> Any:
    """The expression with every head replaced by its formula, and |x|, max, min as pieces.

    >>> from symgrad.catalogue import sigmoid
    >>> elementary(sigmoid.d(1)(X))
    exp(-x)/(1 + exp(-x))**2
    """
    heads = expr.atoms(Head)
    while heads:
        expr = expr.xreplace({h: h.doit() for h in heads})
        left = expr.atoms(Head)
        if left & heads:
            raise UnsupportedError(f"{min(map(str, left))} has no formula: its order is no number")
        heads = left
    if expr.has(*_BENT):
        expr = expr.replace(lambda e: isinstance(e, _BENT), _as_pieces)
    return expr


_BENT = (sympy.Abs, sympy.sign, sympy.Max, sympy.Min, sympy.Heaviside)


def _as_pieces(e: Any) -> Any:
    if not e.free_symbols:
        return e
    first, *rest = e.args
    if isinstance(e, sympy.Abs):
        return Piecewise((-first, first < 0), (first, True))
    if isinstance(e, sympy.sign):
        return Piecewise((-1, first < 0), (0, sympy.Eq(first, 0)), (1, True))
    if isinstance(e, sympy.Heaviside):
        middle = rest[0] if rest else Rational(1, 2)
        return Piecewise((0, first < 0), (middle, sympy.Eq(first, 0)), (1, True))
    for other in rest:
        first = _extreme(first, other, isinstance(e, sympy.Max))
    return first


def _extreme(one: Any, other: Any, largest: bool) -> Any:
    """Max or Min of two, piece by piece: SymPy solves a condition that holds pieces."""
    if isinstance(one, Piecewise):
        pieces: Any = one.args
        return Piecewise(*((_extreme(part, other, largest), where) for part, where in pieces))
    if isinstance(other, Piecewise):
        return _extreme(other, one, largest)
    return Piecewise((other, one < other if largest else one > other), (one, True))
