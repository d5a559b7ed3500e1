"""Figures as static images by matplotlib: PNG, SVG and PDF."""

from pellucid.core.figure.static.image import png, save, svg

__all__ = ["png", "save", "svg"]
