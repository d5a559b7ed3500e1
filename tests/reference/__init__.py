"""Slow, independent float64 twins of what pellucid computes."""
