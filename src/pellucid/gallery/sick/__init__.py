"""Faults that can be put into a healthy run: real networks that really become sick while training."""

from collections.abc import Mapping
from types import MappingProxyType

from pellucid.gallery.sick import objective, optimization, samples, scale, units
from pellucid.gallery.sick.injection import Injection

INJECTIONS: Mapping[str, Injection] = MappingProxyType(
    {
        injection.name: injection
        for module in (units, scale, optimization, samples, objective)
        for injection in module.INJECTIONS
    }
)
"""Every fault by name."""

__all__ = ["INJECTIONS", "Injection"]
