r"""LaTeX of formulas to MathML Core, so that a page shows them in any browser with nothing to load.

The input is what SymPy's LaTeX printer and symgrad's heads write: a small language, read by a
tokenizer and one recursive rule. A command that is not known is shown as its name.
"""

from __future__ import annotations

import re
from html import escape

__all__ = ["mathml"]

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.", re.DOTALL)

_LETTERS: dict[str, str] = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
        "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega "
        "varepsilon vartheta varphi varrho varsigma ell partial infty emptyset hbar nabla".split(),
        "αβγδϵζηθικλμνξπρστυϕχψωΓΔΘΛΞΠΣΥΦΨΩεϑφϱςℓ∂∞∅ℏ∇",
        strict=True,
    )
)
_OPERATORS: dict[str, str] = dict(
    zip(
        "cdot times le leq ge geq neq in cup cap setminus wedge vee neg to rightarrow mapsto "
        "Rightarrow Leftrightarrow approx sim lfloor rfloor lceil rceil ldots dots prime circ "
        "langle rangle { } |".split(),
        "⋅×≤≤≥≥≠∈∪∩∖∧∨¬→→↦⇒⇔≈∼⌊⌋⌈⌉……′∘⟨⟩{}‖",
        strict=True,
    )
)
_OPERATORS |= {"displaystyle": "", "limits": "", "!": ""}
_FUNCTIONS = (
    "log ln exp sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan max min sup inf "
    "lim limsup liminf det arg gcd Re Im"
).split()
_SPACED = {*_FUNCTIONS, "operatorname"}
_LARGE = {"prod": "∏", "sum": "∑", "int": "∫"}
_SPACES = {",": "0.17em", ":": "0.22em", ";": "0.28em", " ": "0.25em", "quad": "1em"}
_ACCENTS = {"hat": "^", "tilde": "~", "bar": "¯", "overline": "¯", "vec": "→", "dot": "˙"}
_DOUBLE = dict(zip("RZNQCEP", "ℝℤℕℚℂ𝔼ℙ", strict=True))
_WORDS = {"operatorname", "mathrm", "mathit", "mathbf", "mathtt", "text"}


def mathml(latex: str, *, display: bool = False) -> str:
    r"""One formula as a `math` element.

    >>> mathml(r"\frac{1}{2}")
    '<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math>'
    """
    kind = ' display="block"' if display else ""
    return f"<math{kind}>{''.join(_Reader(latex).row(()))}</math>"


def _row(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def _fence(sign: str) -> str:
    return f'<mo fence="true" stretchy="true">{escape(sign)}</mo>' if sign and sign != "." else ""


class _Reader:
    def __init__(self, latex: str) -> None:
        self.tokens = [t for t in _TOKEN.findall(latex) if not t.isspace()]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def row(self, closing: tuple[str, ...]) -> list[str]:
        """Atoms with their scripts, until one of the closing tokens."""
        parts: list[str] = []
        while self.peek() and self.peek() not in closing:
            name = self.peek().removeprefix("\\")
            after = self.tokens[self.at - 1].removeprefix("\\") in _FUNCTIONS if parts else False
            if parts and (after or name in _SPACED) and not parts[-1].endswith("</mo>"):
                parts.append('<mspace width="0.17em"/>')
            parts += self.scripted()
        return parts

    def scripted(self) -> list[str]:
        large = self.peek()[1:] in _LARGE or self.peek()[1:] in ("lim", "sup", "inf", "max", "min")
        parts = self.atom()
        if not parts and self.peek() not in ("^", "_", "'"):
            return []
        primes = 0
        above = below = ""
        while self.peek() in ("'", "^", "_"):
            sign = self.next()
            if sign == "'":
                primes += 1
                continue
            script = _row(self.argument())
            above, below = (script, below) if sign == "^" else (above, script)
        base = _row(parts) if parts else "<mrow></mrow>"
        if primes:
            base = f"<msub>{base}{below}</msub>" if below else base
            below = ""
            mark = f'<mo lspace="0" rspace="0">{"′" * primes}</mo>'
            base = f"<mrow>{base}{mark}</mrow>" if above else f"{base}{mark}"
        under, over = ("under", "over") if large else ("sub", "sup")
        kind = f"m{under if below else ''}{over if above else ''}"
        if kind == "m":
            return [base] if primes or len(parts) != 1 else parts
        return [f"<{kind}>{base}{below}{above}</{kind}>"]

    def argument(self) -> list[str]:
        """A group in braces, or one atom."""
        if self.peek() == "{":
            self.at += 1
            parts = self.row(("}",))
            self.at += 1
            return parts or ["<mrow></mrow>"]
        return self.atom() or ["<mrow></mrow>"]

    def words(self) -> str:
        """The text of a group, as it is written."""
        if self.peek() != "{":
            return self.next()
        self.at += 1
        found, depth = [], 1
        while self.peek():
            token = self.next()
            depth += (token == "{") - (token == "}")
            if not depth:
                break
            found.append(token.removeprefix("\\") if len(token) == 2 else token)
        return "".join(found)

    def atom(self) -> list[str]:
        token = self.next()
        if token == "{":
            parts = self.row(("}",))
            self.at += 1
            return [_row(parts)] if parts else []
        if token[:1].isdigit():
            return [f"<mn>{token}</mn>"]
        if token.startswith("\\"):
            return self.command(token[1:])
        if token.isalpha():
            return [f"<mi>{escape(token)}</mi>"]
        if token in "()[]|":
            return [f'<mo fence="false" stretchy="false">{token}</mo>']
        if token in ("&", "}", ""):
            return []
        return [f"<mo>{escape('−' if token == '-' else token)}</mo>"]

    def command(self, name: str) -> list[str]:
        match name:
            case "frac" | "dfrac" | "tfrac":
                top, bottom = _row(self.argument()), _row(self.argument())
                return [f"<mfrac>{top}{bottom}</mfrac>"]
            case "sqrt":
                if self.peek() == "[":
                    self.at += 1
                    index = _row(self.row(("]",)))
                    self.at += 1
                    return [f"<mroot>{_row(self.argument())}{index}</mroot>"]
                return [f"<msqrt>{_row(self.argument())}</msqrt>"]
            case "left":
                return self.fenced()
            case "begin":
                return self.table()
            case "mathbb":
                letter = self.words()
                return [f"<mi>{escape(_DOUBLE.get(letter, letter))}</mi>"]
        if name in _LETTERS:
            return [f"<mi>{_LETTERS[name]}</mi>"]
        if name in _OPERATORS:
            return [f"<mo>{escape(_OPERATORS[name])}</mo>"] if _OPERATORS[name] else []
        if name in _LARGE:
            return [f"<mo>{_LARGE[name]}</mo>"]
        if name in _SPACES:
            return [f'<mspace width="{_SPACES[name]}"/>']
        if name in _FUNCTIONS:
            return [f"<mi>{name}</mi>"]
        if name in _WORDS:
            return self.named(name)
        if name in _ACCENTS:
            mark = f"<mo>{_ACCENTS[name]}</mo>"
            return [f'<mover accent="true">{_row(self.argument())}{mark}</mover>']
        return [f"<mtext>{escape(name)}</mtext>"]

    def named(self, command: str) -> list[str]:
        if command in ("operatorname", "mathrm", "mathit", "mathbf"):
            name = escape(self.words())
            kind = ' mathvariant="normal"' if len(name) == 1 else ""
            return [f"<mi{kind}>{name}</mi>"]
        return [f"<mtext>&nbsp;{escape(self.words().strip())}&nbsp;</mtext>"]

    def fenced(self) -> list[str]:
        opening = self.next()
        inner = self.row(("\\right",))
        self.at += 1
        closing = self.next()
        signs = [_OPERATORS.get(s[1:], s) if s.startswith("\\") else s for s in (opening, closing)]
        return [f"<mrow>{_fence(signs[0])}{''.join(inner)}{_fence(signs[1])}</mrow>"]

    def table(self) -> list[str]:
        kind = self.words()
        if kind == "array":
            self.words()
        left_aligned = ' style="text-align:left"' if kind in ("cases", "aligned") else ""
        rows: list[list[str]] = [[]]
        while self.peek() and self.peek() != "\\end":
            cell = "".join(self.row(("&", r"\\", r"\end")))
            rows[-1].append(f"<mtd{left_aligned}>{cell}</mtd>")
            if self.peek() == "&":
                self.at += 1
            elif self.peek() == "\\\\":
                self.at += 1
                rows.append([])
        self.at += 1
        self.words()
        brace = _fence("{" if kind == "cases" else "")
        body = "".join(f"<mtr>{''.join(row)}</mtr>" for row in rows if row)
        return [f"<mrow>{brace}<mtable>{body}</mtable></mrow>"]
