"""Figures and findings drawn with characters."""

from pellucid.core.figure.text.findings import findings_text
from pellucid.core.figure.text.page import figure_text

__all__ = ["figure_text", "findings_text"]
