"""The Sphinx domain `symgrad`: directives from the table, roles, and references to facts."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Set
from typing import Any, ClassVar, cast

from docutils import nodes
from docutils.nodes import make_id
from docutils.parsers.rst import directives
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.directives.patches import MathDirective
from sphinx.domains import Domain
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_refnode

import symgrad
from symgrad.errors import SymgradError
from symgrad.sphinxext.nodes import Scroll, entitle, formulas_as_text, visitors
from symgrad.sphinxext.rows import ROWS, Row
from symgrad.sphinxext.shelf import Shelf, digest, stop

__all__ = ["SymgradDomain", "connect"]

_logger = logging.getLogger(__name__)
HERE = pathlib.Path(__file__).parent


def _ask(env: BuildEnvironment, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request; notes that this document rests on symgrad."""
    domain = _domain(env)
    pictures = _pictures(env)
    domain.data["documents"][env.current_document.docname] = [digest(), *pictures]
    request |= {"activations": dict(env.config.symgrad_activations)}
    return _shelf(env).ask(request, env.config.symgrad_timeout, pictures)


def _warn(at: SphinxDirective | SphinxRole, message: str, row: str) -> None:
    _logger.warning("%s", message, location=at.get_location(), type="symgrad", subtype=row)


def _pictures(env: BuildEnvironment) -> list[str]:
    """The formats that figures are written in: PDF too where LaTeX is the aim."""
    return ["svg", "pdf"] if _domain(env).data["latex"] else ["svg"]


def _spelled(fact: str) -> str:
    """The id of a fact in words that an anchor may hold: `tanh.d1.tail+` ends in plus."""
    return fact.replace("-", " minus ").replace("+", " plus ")


def _domain(env: BuildEnvironment) -> SymgradDomain:
    return cast("SymgradDomain", env.get_domain("symgrad"))


def _shelf(env: BuildEnvironment) -> Shelf:
    return Shelf(pathlib.Path(env.doctreedir) / "symgrad")


class _Directive(SphinxDirective):
    """Any row of the table."""

    row: ClassVar[Row]
    final_argument_whitespace = True
    has_content = False

    def run(self) -> list[nodes.Node]:
        own = {key: value for key, value in self.options.items() if key in self.row.options}
        request: dict[str, Any] = {
            "row": self.row.name,
            "argument": " ".join(self.arguments[0].split()) if self.arguments else "",
            "options": own,
            "files": {key: self._file(own[key]) for key in self.row.files if key in own},
        }
        try:
            answer = _ask(self.env, request)
        except SymgradError as error:
            message = str(error)
            _warn(self, message, self.row.name)
            return [nodes.error("", nodes.literal_block(message, message, language="none"))]
        for complaint in answer["failed"]:
            _warn(self, complaint, self.row.name)
        return self._shown(answer)

    def _file(self, name: str) -> list[str]:
        """The file's name and what it says, so that a change of it changes the request."""
        relative, path = self.env.relfn2path(name)
        try:
            content = pathlib.Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self.error(f"cannot read {name}: {error}") from None
        self.env.note_dependency(relative)
        return [name, path, content]

    def _shown(self, answer: dict[str, Any]) -> list[nodes.Node]:
        docname = self.env.current_document.docname
        body = answer["body"]
        for node in body:
            self.set_source_info(node)
        classes = ["symgrad", f"symgrad-{self.row.name}", *self.options.get("class", [])]
        box = nodes.container("", *body, classes=classes)
        shows: list[Any] = [*box.findall(lambda n: isinstance(n, (nodes.table, nodes.figure)))]
        messages: list[nodes.system_message] = []
        if "caption" in self.options:
            caption, messages = self.parse_inline(self.options["caption"], lineno=self.lineno)
            for first in shows[:1]:
                entitle(first, caption)
        here = os.path.dirname(self.env.doc2path(docname))
        for image in box.findall(nodes.image):
            place = os.path.relpath(_shelf(self.env).folder / f"{image['uri']}.*", here)
            image["uri"] = pathlib.PurePath(place).as_posix()
            image.attributes |= {k: self.options[k] for k in ("alt", "width") if k in self.options}
        if "label" in self.options:
            self._label(answer["labelled"])
        self.add_name(shows[0] if shows else box)
        domain = _domain(self.env)
        for fact in answer["facts"]:
            anchor = make_id("fact-" + _spelled(fact))
            if domain.note_fact(fact, docname, anchor):
                target = nodes.target("", "", ids=[anchor])
                self.state.document.note_explicit_target(target)
                box.insert(0, target)
        return [box, *messages]

    def _label(self, formula: nodes.math_block | None) -> None:
        """Number the formula and let `:eq:` find it."""
        label = self.options["label"]
        if formula is None:
            raise self.error(f"nothing here is a formula that the label {label!r} could number")
        formula["label"], formula["docname"] = label, self.env.current_document.docname
        found: list[nodes.Node] = [formula]
        MathDirective.add_target(cast("MathDirective", self), found)
        formula.replace_self(found)


def _directive(row: Row) -> type[_Directive]:
    common = {
        "name": directives.unchanged_required,
        "class": directives.class_option,
        "label": directives.unchanged_required,
        "caption": directives.unchanged_required,
        "alt": directives.unchanged_required,
        "width": directives.length_or_percentage_or_unitless,
    }
    members = {
        "row": row,
        "__doc__": f"`symgrad:{row.name}`: {row.argument}.",
        "required_arguments": 0 if row.optional else 1,
        "optional_arguments": 1 if row.optional else 0,
        "option_spec": {**common, **row.options},
    }
    return type(f"{row.name.title()}Directive", (_Directive,), members)


class _ExpressionRole(SphinxRole):
    """An expression set inline: :symgrad:expr:`sigmoid'(x)`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            request = {"row": "expr", "argument": self.text, "options": {}, "files": {}}
            answer = _ask(self.env, request)
        except SymgradError as error:
            _warn(self, str(error), "expr")
            return [nodes.literal(self.rawtext, self.text)], []
        return list(answer["body"][0].children), []


class SymgradDomain(Domain):
    """Directives, roles, and where each fact is shown."""

    name = "symgrad"
    label = "symgrad"
    directives: ClassVar[dict[str, Any]] = {row.name: _directive(row) for row in ROWS}
    roles: ClassVar[dict[str, Any]] = {"expr": _ExpressionRole(), "fact": XRefRole()}
    initial_data: ClassVar[dict[str, Any]] = {
        "facts": {},
        "documents": {},
        "latex": False,
    }
    dangling_warnings: ClassVar[dict[str, str]] = {
        "fact": "no fact of this id is shown: %(target)s"
    }
    data_version = 1

    def note_fact(self, fact: str, docname: str, anchor: str) -> bool:
        """Remember that a document shows a fact; whether it is the first place in it that does."""
        places = self.data["facts"].setdefault(fact, {})
        if docname in places:
            return False
        places[docname] = anchor
        return True

    def clear_doc(self, docname: str) -> None:
        self.data["documents"].pop(docname, None)
        for fact, places in list(self.data["facts"].items()):
            places.pop(docname, None)
            if not places:
                del self.data["facts"][fact]

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, Any]) -> None:
        for docname, made_by in otherdata["documents"].items():
            if docname in docnames:
                self.data["documents"][docname] = made_by
        for fact, places in otherdata["facts"].items():
            for docname, anchor in places.items():
                if docname in docnames:
                    self.data["facts"].setdefault(fact, {})[docname] = anchor

    def place(self, fact: str) -> tuple[str, str] | None:
        """The document and the anchor that a reference to the fact leads to."""
        return min(self.data["facts"].get(fact, {}).items(), default=None)

    def resolve_xref(
        self, env: BuildEnvironment, fromdocname: str, builder: Builder, typ: str, target: str,
        node: pending_xref, contnode: nodes.Element,
    ) -> nodes.reference | None:  # fmt: skip
        place = self.place(target)
        return make_refnode(builder, fromdocname, *place, contnode, target) if place else None

    def resolve_any_xref(self, *args: Any, **values: Any) -> list[Any]:
        return []

    def get_objects(self) -> Iterable[tuple[str, str, str, str, str, int]]:
        for fact in self.data["facts"]:
            place = self.place(fact)
            if place is not None:
                yield fact, fact, "fact", *place, 1


def _outdated(
    app: Sphinx, env: BuildEnvironment, added: Set[str], changed: Set[str], removed: Set[str]
) -> list[str]:
    """Documents that show another version's results, or lack pictures for this builder."""
    wanted = {digest(), *_pictures(env)}
    known = _domain(env).data["documents"]
    return [name for name, made in known.items() if not wanted <= {*made} and name in env.all_docs]


def _started(app: Sphinx) -> None:
    app.config.html_static_path.append(str(HERE / "static"))
    _domain(app.env).data["latex"] = app.builder.format == "latex"


def _resolved(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.format == "text":
        formulas_as_text(doctree)


def _finished(app: Sphinx, exception: Exception | None) -> None:
    stop()
    if exception is None:
        _shelf(app.env).prune()


def connect(app: Sphinx) -> dict[str, Any]:
    """Register everything with the application."""
    app.add_config_value("symgrad_timeout", 60.0, "", types=frozenset({int, float}))
    app.add_config_value("symgrad_activations", {}, "env", types=frozenset({dict}))
    app.add_domain(SymgradDomain)
    app.add_node(Scroll, False, **visitors())
    app.add_css_file("symgrad.css")
    app.connect("builder-inited", _started)
    app.connect("env-get-outdated", _outdated)
    app.connect("doctree-resolved", _resolved)
    app.connect("build-finished", _finished)
    return {
        "version": symgrad.__version__,
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
