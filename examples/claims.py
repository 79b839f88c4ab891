"""Three popular texts on vanishing gradients, judged claim by claim.

Each claim is stated in our own words, judged as it stands by a `Fact` that the library proves or
refutes when this file runs, and, where it fails as it stands, set right by a second `Fact`. Run it
with `python examples/claims.py`.

A: a question and answer, "why are vanishing gradients an issue in a minimization problem?";
B: a question and answer, "why does a vanishing gradient not mean the optimum?";
C: a longer version of the answer in A.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sympy
from sympy import Abs, Eq, Function, Integer, Limit, Rational, S, Symbol, exp, log, oo, symbols

import symgrad as sg
from symgrad.depth import normal
from symgrad.descent import Adagrad, GradientDescent, Newton, invariance, newton_step, quadratic_law
from symgrad.fact import Derivation, Fact, Proved, Refuted, Step
from symgrad.rigor import sign

x = Symbol("x", real=True)
z, u, v = symbols("z u v", real=True)
SIGMOID = 1 / (1 + exp(-z))
PLATEAU = (SIGMOID - Rational(9, 10)) ** 2 / 2
"""The cost of one sigmoid unit with target 0.9; its minimum is at z = log 9."""
BOWL = u**2 / 1000 + v**2
F = Function


def D(f: str, v: str) -> sympy.Expr:
    """∂f/∂v, as it is written."""
    name = Symbol(v, real=True)
    return sympy.Derivative(Function(f, real=True)(name), name)


@dataclass(frozen=True)
class Claim:
    """What a text says, how it fares as it stands, and what is true where it does not."""

    source: str
    says: str
    judged: Callable[[], Fact]
    holds: bool
    mended: Callable[[], Fact] | None = None
    fair: str = ""
    """The reading under which the text is right, or what its authors may have meant."""
    picture: tuple[str, ...] = ()
    """The plot directive that shows it: its argument, then its options."""


def numbers(
    name: str, *items: tuple[sympy.Basic, str] | tuple[sympy.Basic, str, sympy.Basic]
) -> Fact:
    """Relations between exact constants, each decided by balls or exact algebra.

    An item is (relation, because) or, where the relation is long, (relation, because, as shown).
    """
    steps = []
    for relation, because, *shown in items:
        gap = sign(relation.lhs - relation.rhs)
        true = {"<": gap < 0, "<=": gap <= 0, ">": gap > 0, ">=": gap >= 0, "==": gap == 0}
        holds = true[relation.rel_op]
        verdict = Proved("balls") if holds else Refuted(None, f"the difference has the sign {gap}")
        words = f"{because} (the left side is {sympy.N(relation.lhs, 4)})"
        steps.append(Step(shown[0] if shown else relation, words, verdict))
    return Fact(
        name, sympy.And(*(step.claim for step in steps), evaluate=False), Derivation(tuple(steps))
    )


def relation(kind: type, left: sympy.Expr, right: sympy.Expr) -> sympy.Basic:
    return kind(left, right, evaluate=False)


def refuted(name: str, statement: sympy.Basic, by: Fact, at: sympy.Basic | None, why: str) -> Fact:
    """The statement fails, by the witness whose numbers the other fact proves."""
    if not by.verdict:
        raise ValueError(f"the witness of {name} is not proved: {by.verdict}")
    steps = (
        *by.derivation.steps,
        Step(statement, "the witness", Refuted(at, why), (len(by.derivation),)),
    )
    return Fact(name, statement, Derivation(steps))


def _plateau_witness() -> Fact:
    slope, value = PLATEAU.diff(z).subs(z, -20), PLATEAU.subs(z, -20)
    return numbers(
        "claims.plateau",
        (
            relation(sympy.Lt, Abs(slope), Rational(1, 10**8)),
            "the slope at z = -20",
            relation(sympy.Lt, Abs(F("f'")(-20)), Rational(1, 10**8)),
        ),
        (
            relation(sympy.Gt, value, Rational(4, 10)),
            "the cost at z = -20",
            relation(sympy.Gt, F("f")(-20), Rational(4, 10)),
        ),
        (
            relation(Eq, PLATEAU.subs(z, log(9)), S.Zero),
            "the minimum is at z = log 9",
            relation(Eq, F("f")(log(9)), S.Zero),
        ),
    )


def small_is_not_optimal() -> Fact:
    f = Function("f")(z)
    return refuted(
        "claims.small_is_optimal",
        sympy.Implies(Abs(f.diff(z)) < Rational(1, 10**8), f < Rational(1, 10)),
        _plateau_witness(),
        sympy.Tuple(z, -20),
        "a slope below 1e-8 with a cost above 0.4, while 0 is reached",
    )


def gradients_tend_to_zero() -> Fact:
    return quadratic_law(BOWL, (u, v), Rational(1, 2)).fact


def other_layers_train() -> Fact:
    net = sg.Chain(sg.sigmoid, depth=2)
    d2 = net.gradient("b", 2).explicit
    d1 = net.gradient("w", 1).explicit
    at = dict.fromkeys(net.symbols, S.Zero) | {
        net.b(1): Integer(-30),
        net.w(2): S.One,
        Symbol("x", real=True): S.One,
    }
    at = {s: at.get(s, S.Zero) for s in (d1.free_symbols | d2.free_symbols)}
    first, second = (sympy.simplify(d.subs(at).doit()) for d in (d1, d2))
    return numbers(
        "claims.other_layers",
        (
            relation(sympy.Lt, Abs(first), Rational(1, 10**13)),
            "layer 1 is saturated: z¹ = -30",
            relation(sympy.Lt, Abs(D("C", "w__1")), Rational(1, 10**13)),
        ),
        (
            relation(sympy.Gt, Abs(second), Rational(1, 10)),
            "layer 2 at the same point",
            relation(sympy.Gt, Abs(D("C", "b__2")), Rational(1, 10)),
        ),
    )


def moved_optimum() -> Fact:
    """As printed, h(x) = f(k (x − x_opt)) has its minimum where k(x − x_opt) = x_opt."""
    f, o, k = (z - 3) ** 2, Integer(3), Integer(2)
    printed = f.subs(z, k * (z - o))
    witness = numbers(
        "claims.printed",
        (
            relation(sympy.Gt, Abs(printed.diff(z).subs(z, o)), S.Zero),
            "f = (x - 3)², k = 2: the slope of h at x_opt = 3",
            relation(sympy.Gt, Abs(F("h'")(3)), S.Zero),
        ),
    )
    claim = Eq(Function("h'")(Symbol("x_opt")), 0)
    return refuted("claims.moved_optimum", claim, witness, sympy.Tuple(o, k), "h moves the optimum")


def newton_leaves() -> Fact:
    step = newton_step(PLATEAU, z, -oo, 1)
    away = Fact("claims.newton_plateau", step.fact.statement, step.fact.derivation)
    claim = sympy.Gt(Symbol("z_1", real=True), Symbol("z_0", real=True))
    return refuted(
        "claims.newton", claim, away, sympy.Tuple(z, -oo), "the step tends to -1, away from log 9"
    )


def newton_step_fact() -> Fact:
    return newton_step(PLATEAU, z, -oo, 2).fact


def one_small_factor() -> Fact:
    """A later slope of 1e-6 and a weight of 1e9 give a product of 1e3."""
    point = log(Integer(10) ** 6)
    slope = SIGMOID.diff(z).subs(z, point)
    witness = numbers(
        "claims.small_factor",
        (
            relation(sympy.Lt, slope, Rational(1, 10**6)),
            "at z² = log 10⁶ the slope is small",
            relation(sympy.Lt, F("sigma'")(point), Rational(1, 10**6)),
        ),
        (
            relation(sympy.Gt, Integer(10) ** 9 * slope, Integer(900)),
            "times the weight w³ = 10⁹ it is a large factor",
            relation(sympy.Gt, Symbol("w__3") * F("sigma'")(point), Integer(900)),
        ),
    )
    claim = Eq(Limit(Symbol("delta__1"), Function("g'")(Symbol("z__2")), 0), 0)
    return refuted("claims.factor", claim, witness, Integer(10) ** 9, "the weight makes up for it")


def bounded_product() -> Fact:
    return sg.Chain(sg.sigmoid, depth=3).bound(1).fact


def near_optimum_slope_is_small() -> Fact:
    """|f'(x)| ≤ sup|f''| |x − x*| for a smooth f with minimum x*; here f is the plateau's cost."""
    K = sg.lipschitz(PLATEAU.diff(z), x=z)
    top = K.value
    claim = Abs(Function("f'")(z)) <= top * Abs(z - log(9))
    mean = Step(claim, "mean value theorem at f'(log 9) = 0", Proved("mean value theorem"), (1,))
    bound = Step(Abs(Function("f''")(z)) <= top, "the Lipschitz constant of f'", K.verdict)
    return Fact("claims.necessary", claim, Derivation((bound, mean)))


def sigmoid_tails() -> Fact:
    right, left = (sg.tail(sg.sigmoid.d(1), toward=t, terms=1) for t in (oo, -oo))
    steps = (
        Step(right.fact.statement, "the right tail", right.verdict),
        Step(left.fact.statement, "the left tail", left.verdict),
    )
    return Fact("claims.sigmoid_flat", right.fact.statement, Derivation(steps))


def distance_from_the_optimum() -> Fact:
    """Target 0.999: the optimum log 999 lies in the tail, and the slope grows away from it."""
    slope = SIGMOID.diff(z)
    optimum = log(Integer(999))
    witness = numbers(
        "claims.distance",
        (
            relation(sympy.Lt, slope.subs(z, optimum), Rational(1, 500)),
            "target 0.999: the slope at the optimum log 999",
            relation(sympy.Lt, F("sigma'")(optimum), Rational(1, 500)),
        ),
        (
            relation(sympy.Gt, slope.subs(z, 0), Rational(1, 5)),
            "the slope at 0, which is 6.9 away from the optimum",
            relation(sympy.Gt, F("sigma'")(0), Rational(1, 5)),
        ),
    )
    claim = Function("sigma'")(z) <= exp(-Abs(z - Symbol("z_opt", real=True)))
    return refuted(
        "claims.exponential", claim, witness, S.Zero, "the slope grows with the distance"
    )


def ratio_not_constant(
    f: object, g: object, name: str, toward: sympy.Expr = oo
) -> Callable[[], Fact]:
    def judge() -> Fact:
        compared = sg.compare(f, g, toward)
        c = Symbol("c", positive=True)
        claim = Eq(Limit(Function("f'")(x) / Function("sigma'")(x), x, oo), c)
        return refuted(
            name, claim, compared.fact, None, "the ratio tends to 0 or to oo, not to a c > 0"
        )

    return judge


def artanh_is_steep() -> Fact:
    low = sg.extrema(1 / (1 - z**2), on=sympy.Interval.open(-1, 1), x=z)
    claim = sympy.Lt(Function("artanh'")(z), 1)
    return refuted("claims.artanh", claim, low.fact, S.Zero, "artanh' ≥ 1 on all of (−1, 1)")


def scaled_sigmoid() -> Fact:
    """(2σ(x) − 1)' = 2σ'(x): tanh(x/2) is less saturated by a constant factor."""
    gap = sympy.simplify((sympy.tanh(z / 2).diff(z) - 2 * SIGMOID.diff(z)).rewrite(exp))
    verdict = Proved("exact algebra") if gap == 0 else Refuted(None, str(gap))
    claim = Eq(sympy.tanh(z / 2).diff(z), 2 * SIGMOID.diff(z), evaluate=False)
    return Fact("claims.half_tanh", claim, Derivation((Step(claim, "in exponentials", verdict),)))


def slope_tail(g: object, toward: sympy.Expr) -> Callable[[], Fact]:
    return lambda: sg.tail(g, toward=toward, terms=1).fact


def relu_dies() -> Fact:
    return sg.random_law(normal(1), sg.relu).fact


def leaky_depth() -> Fact:
    return sg.depth_law(sg.leaky_relu, 1, at=-1).fact


def never_exactly_zero() -> Fact:
    from symgrad.prove import prove

    return prove(sg.sigmoid(x).diff(x) > 0, x).fact


def exactly_zero() -> Fact:
    return sg.tail(sg.relu.d(1), toward=-oo, terms=1).fact


def stopping_rule() -> Fact:
    claim = sympy.Implies(
        Abs(Symbol("Delta_w")) < Symbol("epsilon"), Abs(Symbol("w") - Symbol("w_opt")) < Symbol("K")
    )
    change = Abs(PLATEAU.diff(z).subs(z, -20))
    witness = numbers(
        "claims.stop",
        (
            relation(sympy.Lt, change, Rational(1, 10**8)),
            "one step of rate 1 at z = -20",
            relation(sympy.Lt, Abs(Symbol("Delta_z")), Rational(1, 10**8)),
        ),
        (
            relation(sympy.Gt, log(9) + 20, Integer(22)),
            "the distance to the optimum log 9",
            relation(sympy.Gt, Abs(Symbol("z") - log(9)), Integer(22)),
        ),
    )
    return refuted("claims.stopping", claim, witness, Integer(-20), "a tiny step, 22 away")


def bowl_ratio() -> Fact:
    ratio = sympy.cancel(BOWL.diff(v) / BOWL.diff(u))
    gap = sympy.simplify(ratio - 1000 * v / u)
    verdict = Proved("exact algebra") if gap == 0 else Refuted(None, str(gap))
    claim = Eq(Function("f_v")(u, v) / Function("f_u")(u, v), 1000 * v / u)
    return Fact("claims.ratio", claim, Derivation((Step(claim, "differentiation", verdict),)))


def bowl_change() -> Fact:
    """A step −ηg along one axis with curvature λ changes f by −ηg²(1 − ηλ/2)."""
    eta, lam = symbols("eta lambda", positive=True)
    f = lam * u**2 / 2
    g = f.diff(u)
    gap = sympy.expand(f.subs(u, u - eta * g) - f + eta * g**2 * (1 - eta * lam / 2))
    verdict = Proved("exact algebra") if gap == 0 else Refuted(None, str(gap))
    claim = Eq(Symbol("Delta_f"), -eta * Symbol("g") ** 2 * (1 - eta * lam / 2))
    return Fact("claims.change", claim, Derivation((Step(claim, "exact algebra", verdict),)))


def not_at_minimum() -> Fact:
    law = quadratic_law(BOWL, (u, v), Rational(1, 2))
    left = law.at(1000, (1, 1))[0]
    witness = numbers(
        "claims.after_1000",
        (
            relation(sympy.Gt, left, Rational(36, 100)),
            "the first weight after 1000 steps from 1",
            relation(sympy.Gt, F("u")(1000), Rational(36, 100)),
        ),
    )
    claim = Eq(Function("u")(1000), 0)
    return refuted(
        "claims.1000", claim, witness, Integer(1000), "0.999^1000 = 0.3677 of the way is left"
    )


def how_many_steps() -> Fact:
    law = quadratic_law(BOWL, (u, v), Rational(1, 2))
    n = law.steps_to(Rational(1, 1000), (1, 1))
    return numbers(
        "claims.steps",
        (
            relation(sympy.Le, law.at(n, (1, 1))[0], Rational(1, 1000)),
            f"after {n} steps",
            relation(sympy.Le, F("u")(n), Rational(1, 1000)),
        ),
        (
            relation(sympy.Gt, law.at(n - 1, (1, 1))[0], Rational(1, 1000)),
            f"after {n - 1} steps",
            relation(sympy.Gt, F("u")(n - 1), Rational(1, 1000)),
        ),
    )


def farther_start() -> Fact:
    law = quadratic_law(BOWL, (u, v), Rational(1, 2))
    n = law.steps_to(Rational(1, 1000), (1000, 1))
    witness = numbers(
        "claims.far_steps",
        (
            relation(sympy.Le, law.at(n, (1000, 1))[0], Rational(1, 1000)),
            f"from 1000, after {n} steps",
            relation(sympy.Le, F("u")(n), Rational(1, 1000)),
        ),
    )
    claim = sympy.Gt(Limit(Abs(Function("u")(Symbol("n"))), Symbol("n"), oo), 0)
    return refuted(
        "claims.farther", claim, witness, Integer(1000), f"{n} steps reach 1/1000 from 1000"
    )


def chain_gradient() -> Fact:
    return sg.Chain(sg.sigmoid, depth=3).gradient("w", 1).fact


def chain_delta() -> Fact:
    return sg.Chain(sg.sigmoid, depth=3).delta(1).fact


def printed_recursion() -> Fact:
    """g in place of g': at z² = 0 the sigmoid gives 1/2 where the slope is 1/4."""
    witness = numbers(
        "claims.g_and_slope",
        (
            relation(sympy.Gt, SIGMOID.subs(z, 0), SIGMOID.diff(z).subs(z, 0)),
            "the sigmoid at z¹ = 0: its slope there is 1/4",
            relation(sympy.Gt, F("sigma")(0), F("sigma'")(0)),
        ),
    )
    g, d1, d2, w2 = Function("g"), Symbol("delta__1"), Symbol("delta__2"), Symbol("w__2")
    claim = Eq(d1, w2 * g(Symbol("z__1")) * d2)
    return refuted("claims.recursion", claim, witness, S.Zero, "the factor is g'(z), not g(z)")


def one_factor_too_many() -> Fact:
    """L = 1: the printed product gives δ¹ = g(z¹) δ¹."""
    witness = numbers(
        "claims.extra",
        (
            relation(sympy.Lt, SIGMOID.diff(z).subs(z, 0), S.One),
            "the extra factor is not 1",
            relation(sympy.Lt, F("sigma'")(0), S.One),
        ),
    )
    g, d = Function("g'"), Symbol("delta__L")
    claim = Eq(d, g(Symbol("z__L")) * d)
    return refuted(
        "claims.extra_factor", claim, witness, S.Zero, "δᴸ holds the factor g'(zᴸ) already"
    )


def depends_on_all_later() -> Fact:
    net = sg.Chain(sg.sigmoid, depth=4)
    found = net.gradient("w", 1)
    needed = {net.w(l) for l in (2, 3, 4)} | {net.z(l) for l in (1, 2, 3)}
    missing = needed - found.expr.free_symbols
    verdict = Proved("exact algebra") if not missing else Refuted(None, f"{missing} do not occur")
    step = Step(found.fact.statement, "every later weight and slope occurs", verdict)
    return Fact("claims.depends", found.fact.statement, Derivation((*found.derivation.steps, step)))


def small_activation() -> Fact:
    """tanh(0) = 0 with slope 1: an activation near zero does not make the factor small."""
    witness = numbers(
        "claims.tanh_at_zero",
        (
            relation(Eq, sympy.tanh(z).subs(z, 0), S.Zero),
            "the activation",
            relation(Eq, F("g")(0), S.Zero),
        ),
        (
            relation(Eq, sympy.tanh(z).diff(z).subs(z, 0), S.One),
            "its slope",
            relation(Eq, F("g'")(0), S.One),
        ),
    )
    claim = Eq(Limit(Function("g'")(z), Function("g")(z), 0), 0)
    return refuted("claims.small_activation", claim, witness, S.Zero, "it is the slope that counts")


def depth_matters() -> Fact:
    return sg.depth_law(sg.sigmoid, 1, at=1).fact


def depth_does_not_matter() -> Fact:
    constant = sg.depth_law(sg.relu, 1, at=1).fact
    claim = Eq(Limit(Function("P")(Symbol("n")), Symbol("n"), oo), 0)
    return refuted("claims.depth", claim, constant, S.One, "ReLU with w = 1 keeps P_n = 1")


def saddle_is_near() -> Fact:
    cases = sg.Chain(sg.sigmoid, depth=3).critical_points()
    saddles = [case for case in cases if "saddle" in case.kind]
    if saddles:
        raise ValueError(f"a sigmoid chain with biases should have no saddle, got {saddles}")
    claim = sympy.Implies(Abs(Symbol("grad")) < Symbol("epsilon"), Symbol("saddle_is_near"))
    return refuted(
        "claims.saddle", claim, cases[0].fact, None, "there is no saddle at all, only zero loss"
    )


def last_weight_zero() -> Fact:
    net = sg.Chain(sg.sigmoid, depth=2)
    condition = net.zero_weight()
    witness = numbers(
        "claims.w_L",
        (
            relation(sympy.Gt, Abs(SIGMOID.subs(z, 0) - Rational(9, 10)), S.Zero),
            "the residual at w² = b² = 0 with the target 0.9",
            relation(sympy.Gt, Abs(Symbol("a__2") - Symbol("y")), S.Zero),
        ),
    )
    claim = Eq(D("C", "b__2"), 0)
    return refuted(
        "claims.last_weight",
        claim,
        witness,
        sympy.Tuple(0, Rational(9, 10)),
        f"it is critical exactly when {condition}",
    )


def curvature_is_affordable() -> Fact:
    """The Hessian of a one-neuron chain is held by O(L) numbers."""
    return sg.Chain(sg.sigmoid, depth=3).hessian().fact


def curvature_is_not_expensive() -> Fact:
    """With L = 12 layers the 24·24 second derivatives follow from one κ for each layer."""
    held = len(sg.Chain(sg.sigmoid, depth=12).hessian().recurrences)
    witness = numbers(
        "claims.cost_witness",
        (
            relation(sympy.Le, Integer(held), Integer(2 * 12)),
            "L = 12: recurrences that hold all second derivatives",
            relation(sympy.Le, F("numbers")(12), Integer(24)),
        ),
    )
    n = Symbol("L", positive=True)
    claim = sympy.Ge(F("numbers")(n), (2 * n) ** 2)
    return refuted("claims.cost", claim, witness, Integer(12), "O(L) numbers hold the Hessian")


def relu_is_not_safe() -> Fact:
    alive = sg.random_law(normal(1), sg.relu).alive
    witness = numbers(
        "claims.relu_alive",
        (
            relation(sympy.Lt, alive**10, Rational(1, 1000)),
            "with symmetric random weights, the chance that 10 layers are all alive",
            relation(sympy.Lt, F("p_alive")(10), Rational(1, 1000)),
        ),
    )
    claim = Eq(F("p_alive")(Symbol("n")), 1)
    return refuted("claims.relu_safe", claim, witness, Integer(10), "each layer is a fair coin")


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "A",
        "Descent drives the gradient to zero, so some components must become small.",
        gradients_tend_to_zero,
        True,
        fair="It takes a minimum: with a target outside the range of g there is none, and descent "
        "drives the gradient to zero at infinity",
    ),
    Claim(
        "A",
        "A layer whose gradient is close to zero is at an ideal value already.",
        small_is_not_optimal,
        False,
        near_optimum_slope_is_small,
        "The converse is right: near the optimum the slope is small",
    ),
    Claim(
        "A",
        "Other layers can still be trained while the gradients of some are close to zero.",
        other_layers_train,
        True,
        fair="The text only asks why they could not; nothing hinders them",
    ),
    Claim(
        "A",
        "Replacing f by c f changes the good rates of gradient descent.",
        lambda: invariance(GradientDescent(1)),
        True,
        fair="The rate η on c f acts exactly as the rate c η on f",
    ),
    Claim(
        "A",
        "f(k(x − x_opt)), as printed, only rescales the input.",
        moved_optimum,
        False,
        lambda: invariance(GradientDescent(1)),
        "f(x_opt + k(x − x_opt)) is meant; there the rate η acts as k²η",
    ),
    Claim(
        "A",
        "Newton's method chooses the step by itself, whatever the scales.",
        lambda: invariance(Newton()),
        True,
    ),
    Claim(
        "C",
        "A Newton-type method would do, if only it were affordable.",
        newton_leaves,
        False,
        newton_step_fact,
        "It would near the optimum, where the curvature is positive",
    ),
    Claim(
        "C",
        "The second derivative of a deep chain is too expensive.",
        curvature_is_not_expensive,
        False,
        curvature_is_affordable,
        "The text speaks of wide layers, where the Hessian has as many entries as weights squared",
    ),
    Claim(
        "A",
        "The derivative in layer i is a product over the layers from i onwards.",
        chain_delta,
        True,
    ),
    Claim(
        "A",
        "If the slope of a later layer is near zero, so are the derivatives of layer i.",
        one_small_factor,
        False,
        bounded_product,
        "It is so for weights of moderate size: the bound says how moderate",
    ),
    Claim(
        "A",
        "A later unit can have a small slope because it is far from its optimum.",
        _plateau_witness,
        True,
    ),
    Claim(
        "A",
        "A derivative near zero is necessary near the optimum of a smooth function.",
        near_optimum_slope_is_small,
        True,
    ),
    Claim(
        "A",
        "It is not sufficient.",
        _plateau_witness,
        True,
        picture=(
            "1/2*(sigmoid(x) - 9/10)^2",
            ":kind: curve",
            ":range: -20 8",
            ":caption: The cost of one sigmoid unit, target 0.9: flat where it is largest",
        ),
    ),
    Claim("C", "The sigmoid flattens out for large inputs of both signs.", sigmoid_tails, True),
    Claim(
        "C",
        "Its derivative is exponentially small with the distance from the optimum.",
        distance_from_the_optimum,
        False,
        sigmoid_tails,
        "The distance of z from 0 is meant, and there it is right, on both sides",
        picture=(
            "sigmoid'(x)",
            ":kind: tail",
            ":caption: The slope of the sigmoid, its leading term, the bound of the remainder",
        ),
    ),
    Claim(
        "C",
        "'arctanh', read as tanh, saturates less, by a constant factor.",
        ratio_not_constant(sg.tanh.d(1), sg.sigmoid.d(1), "claims.tanh"),
        False,
        scaled_sigmoid,
        "tanh(x/2) = 2σ(x) − 1 does, by the factor 2: the same curve, stretched",
        picture=(
            "sigmoid'(x) | tanh'(x) | arctan'(x)",
            ":kind: curve",
            ":log:",
            ":range: 0 30",
            ":caption: Three slopes: e^(-2x) for tanh, e^(-x) for the sigmoid, 1/x² for arctan",
        ),
    ),
    Claim(
        "C",
        "'arctanh', read as arctan, saturates less, by a constant factor.",
        ratio_not_constant(sg.arctan.d(1), sg.sigmoid.d(1), "claims.arctan"),
        False,
        slope_tail(sg.arctan.d(1), oo),
        "It does saturate less, and by far more than a constant: its slope falls like 1/x²",
    ),
    Claim(
        "C",
        "'arctanh', read as artanh, has small slopes too.",
        artanh_is_steep,
        False,
        fair="No reading saves it: artanh is not defined beyond 1 and its slope is at least 1",
    ),
    Claim("C", "ReLU has it much more severely in the lower tail.", exactly_zero, True),
    Claim(
        "C",
        "ReLU does not have it in the upper tail.",
        slope_tail(sg.relu.d(1), oo),
        True,
        fair="This is about one layer; in depth the sign of each z counts",
    ),
    Claim(
        "C",
        "So a ReLU chain is safe on its upper side.",
        relu_is_not_safe,
        False,
        relu_dies,
    ),
    Claim(
        "C",
        "Leaky ReLU has the problem less severely.",
        slope_tail(sg.leaky_relu.d(1), -oo),
        True,
        fair="In one layer the slope is 1/100 and not 0",
    ),
    Claim(
        "C",
        "Leaky ReLU does not vanish in depth.",
        lambda: refuted(
            "claims.leaky",
            Eq(Symbol("P_n"), 1),
            leaky_depth(),
            S.NegativeOne,
            "with w = 1 and z < 0, P_n = 100^(-n)",
        ),
        False,
        leaky_depth,
    ),
    Claim(
        "B",
        "A vanishing gradient is not exactly zero.",
        never_exactly_zero,
        True,
        fair="This is the sigmoid; in ReLU's lower tail the gradient is exactly zero",
    ),
    Claim(
        "B",
        "Stopping when a parameter moves by less than ε treats plateau and optimum alike, "
        "so it finds an optimum.",
        stopping_rule,
        False,
        _plateau_witness,
        "That the rule sees no difference is right, and it is the trouble",
    ),
    Claim(
        "B",
        "A small component of the gradient does not put a parameter near its critical value.",
        _plateau_witness,
        True,
    ),
    Claim(
        "B",
        "It means that f changes little by a step along that component.",
        bowl_change,
        True,
        fair="This is for small rates; exactly, the change is −ηg²(1 − ηλ/2)",
    ),
    Claim(
        "B",
        "In 0.001 w₁² + w₂² the gradient is 1000 times larger along w₂ at equal coordinates.",
        bowl_ratio,
        True,
    ),
    Claim(
        "B",
        "Gradient descent at rate 0.5 reaches its minimum in 1000 iterations.",
        not_at_minimum,
        False,
        how_many_steps,
        "The second weight is there after one step, and a third of the way is left to the first",
        picture=(
            "u^2/1000 + v^2",
            ":kind: descent",
            ":rate: 1/2",
            ":steps: 1000",
            ":caption: A thousand steps from (1, 1): from the second on, u alone is left, slow",
        ),
    ),
    Claim(
        "B",
        "From a farther start it would not reach the minimum at all.",
        farther_start,
        False,
        how_many_steps,
        "It would not within the 1000 iterations of the picture",
    ),
    Claim(
        "B",
        "Adagrad gives each parameter its own rate, free of the size of its gradient.",
        lambda: invariance(Adagrad(1)),
        True,
    ),
    Claim("B", "∂C/∂wˡ = δˡ aˡ⁻¹.", chain_gradient, True),
    Claim(
        "B",
        "δˡ = wˡ⁺¹ g(zˡ) δˡ⁺¹, as printed.",
        printed_recursion,
        False,
        chain_delta,
        "With g' for g it is right, and the text calls g(zˡ) what it uses as the slope",
    ),
    Claim(
        "B",
        "The product of slopes runs to zᴸ and δᴸ follows, as printed.",
        one_factor_too_many,
        False,
        chain_delta,
        "It is right if δᴸ is read as ∂C/∂aᴸ",
    ),
    Claim(
        "B",
        "The update of a weight depends on all later weights and activations.",
        depends_on_all_later,
        True,
    ),
    Claim(
        "B",
        "It tends to zero when a later activation tends to zero.",
        small_activation,
        False,
        bounded_product,
        "It does when a later slope tends to zero and the rest is bounded",
    ),
    Claim(
        "B",
        "The effect grows with the number of later layers.",
        depth_matters,
        True,
        fair="For the sigmoid without biases it does with any weight; the text says may become",
        picture=(
            "sigmoid | tanh | softsign",
            ":kind: depth",
            ":depth: 60",
            ":weight: 1",
            ":caption: Sizes of the error term against depth, all weights 1, no biases",
        ),
    ),
    Claim("B", "It does so for every activation.", depth_does_not_matter, False, depth_matters),
    Claim(
        "B",
        "A gradient that is small in every weight means that a saddle is near.",
        saddle_is_near,
        False,
        _plateau_witness,
    ),
    Claim(
        "B",
        "wᴸ = 0 is a critical point.",
        last_weight_zero,
        False,
        fair="Without biases it is one for the target 1/2, or where another factor is zero too",
    ),
)


def judged() -> Iterator[tuple[int, Claim, Fact, Fact | None]]:
    """Each claim with its computed facts; raises where a verdict is not what the table says."""
    for number, claim in enumerate(CLAIMS, 1):
        fact = claim.judged()
        wanted = Proved if claim.holds else Refuted
        if not isinstance(fact.verdict, wanted):
            raise ValueError(f"claim {number} ({claim.says}) came out as {fact.verdict}")
        mended = claim.mended() if claim.mended else None
        if mended is not None and not mended.verdict:
            raise ValueError(f"what is true for claim {number} came out as {mended.verdict}")
        yield number, claim, fact, mended


def main() -> None:
    for number, claim, fact, mended in judged():
        print(f"{number}. [{claim.source}] {claim.says}")
        print(f"   as it stands: {'proved' if fact.verdict else 'refuted'}")
        print("   " + str(fact).replace("\n", "\n   "))
        if mended is not None:
            print("   true is:\n   " + str(mended).replace("\n", "\n   "))
        if claim.fair:
            print(f"   to be fair: {claim.fair}")
        print()


if __name__ == "__main__":
    main()
