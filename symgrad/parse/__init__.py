"""Text to SymPy through an allow-list of names; nothing is ever evaluated as code.

A tokenizer and an operator-precedence parser of our own read

    expression   sum of products of powers; `^` and `**` are the power, right associative
    function     exp(x), sigmoid'(x), σ''(x), sigmoid^(3)(x), leaky_relu[alpha=1/100](x)
    number       exact: 0.1 is 1/10, 1e-6 is 1/1000000
    statement    a <= b, 0 < a < b, joined by & and |
    set          [-oo, -20], (0, 1], R

Names mean what the caller's `Names` say and nothing else. Length, nesting, digits, powers and the
arguments of functions are bounded *before* SymPy sees them, since SymPy computes while it builds
(2^(10^9) and Γ(10^6) are evaluated in the constructor). Every error is a `ParseError` with the
column.
"""

from symgrad.parse.grammar import parse, parse_set, parse_statement
from symgrad.parse.names import ELEMENTARY, Function, Limits, Names

__all__ = ["ELEMENTARY", "Function", "Limits", "Names", "parse", "parse_set", "parse_statement"]
