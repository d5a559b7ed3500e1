"""The report: one HTML file that opens offline, the verdict first and then the pictures."""

from pellucid.outlets.report.build import write_report
from pellucid.outlets.report.sheet import Sheet, sheet_of_checkup, sheet_of_run

__all__ = ["Sheet", "sheet_of_checkup", "sheet_of_run", "write_report"]
