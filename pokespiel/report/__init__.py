"""One page that explains a run: ``pokespiel report RUN``."""

from pokespiel.report.page import write_report

__all__ = ["write_report"]
