"""The report on a chain: one document, shown as text, one HTML page, or versioned JSON."""

from symgrad.report.document import Report, report
from symgrad.report.forms import (
    CODEC,
    envelope,
    extrema_form,
    fact_form,
    formula_form,
    schema,
    tail_form,
    to_json_text,
    verdict_form,
    verdict_words,
)
from symgrad.report.page import page

__all__ = [
    "CODEC",
    "Report",
    "envelope",
    "extrema_form",
    "fact_form",
    "formula_form",
    "page",
    "report",
    "schema",
    "tail_form",
    "to_json_text",
    "verdict_form",
    "verdict_words",
]
