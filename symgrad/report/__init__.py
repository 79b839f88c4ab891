"""The report on a chain: one document, shown as text, one HTML page, or versioned JSON."""

from symgrad.report.document import Report, report
from symgrad.report.forms import CODEC, envelope, form, schema, to_json_text, verdict_words
from symgrad.report.page import page

__all__ = [
    "CODEC", "Report", "envelope", "form", "page", "report", "schema", "to_json_text",
    "verdict_words",
]  # fmt: skip
