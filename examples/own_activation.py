"""An activation of one's own has every ability of a built-in one; nothing is registered.

Run it with `python examples/own_activation.py`.
"""

from __future__ import annotations

import numpy as np
from sympy import Symbol, exp, oo

import symgrad as sg


def main() -> None:
    x = Symbol("x", real=True)
    bump = sg.Activation.from_expr("bump", x * exp(-(x**2) / 2), x)

    print("the slope toward +oo, with a proved remainder:")
    print(sg.tail(bump.d(1), toward=oo, terms=2))

    print("\nits least Lipschitz constant:", sg.lipschitz(bump).value)

    slope = sg.lambdify(x, bump(x).diff(x))
    print("\nits kernel at 0, 5, 38:", slope(np.array([0.0, 5.0, 38.0])))
    found = sg.check(slope, points=500)
    print(f"worst of {found.points} points: {found.max_ulp:.2f} ulp")

    net = sg.Chain(bump, depth=3)
    print("\nand a chain of it:")
    print(net.delta(1))
    print(net.bound(1))


if __name__ == "__main__":
    main()
