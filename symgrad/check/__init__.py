"""A kernel against the oracle: how far, in ulp, and what else went wrong."""

from symgrad.check.exhaustive import check_all
from symgrad.check.report import Finding, Limit, Report, Worst
from symgrad.check.run import assert_ulp, check, errors_at

__all__ = ["Finding", "Limit", "Report", "Worst", "assert_ulp", "check", "check_all", "errors_at"]
