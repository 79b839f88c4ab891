"""Whose slope vanishes faster? Tail classes side by side, and comparisons as facts.

Run it with `python examples/compare_tails.py`.
"""

from __future__ import annotations

from sympy import oo

import symgrad as sg

NAMES = ("sigmoid", "tanh", "arctan", "softsign", "gelu", "relu", "leaky_relu")


def main() -> None:
    for name in NAMES:
        g = sg.activation(name)
        for toward, end in ((-oo, "-oo"), (oo, "+oo")):
            found = sg.tail(g.d(1), toward=toward, terms=1)
            print(f"{name + chr(39):12} toward {end}: {found.tail_class}")
    print()
    print(sg.compare(sg.activation("tanh").d(1), sg.activation("sigmoid").d(1), toward=oo))


if __name__ == "__main__":
    main()
