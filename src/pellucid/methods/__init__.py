"""Algorithms that need a model and serve more than one window.

Attribution methods will live in ``pellucid.methods.attribution``, one file each. What needs no model belongs
to ``pellucid.maths``; what serves a single window belongs to that window.
"""
