"""Tests; the tree of the package, plus reference (slow twins) and ward (sick and healthy models)."""

from tests import shapes

__all__ = ["shapes"]
