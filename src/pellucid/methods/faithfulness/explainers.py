"""Explainers: several methods, asked the same of several models and inputs."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

from torch import nn

from pellucid.core.arguments import several
from pellucid.core.errors import InputError
from pellucid.core.progress import each
from pellucid.methods.attribution.method import Attribution, Method, method_of
from pellucid.methods.attribution.question import Question, layer_named
from pellucid.probe.address import Address


@dataclass(frozen=True, kw_only=True)
class Explainers:
    """Methods, and the layer of those that explain one.

    Attributes:
        methods: The methods.
        layers: Name of the layer of each class activation map; None for the other methods, and for one that is to be
            chosen.
        at: Name of the layer that is explained in place of the input; None for the input.
    """

    methods: tuple[Method, ...]
    layers: tuple[str | None, ...]
    at: str | None

    @classmethod
    def of(cls, model: nn.Module, given: str | Method | Sequence[str | Method], at: Address | None) -> "Explainers":
        """Return what was asked for.

        Args:
            model: The model, for its names.
            given: A method or several.
            at: A layer; see `Faithfulness`.

        Raises:
            InputError: No method came, or class activation maps and others share a layer.
            AddressError: There is no such method or layer.
        """
        given = (given,) if isinstance(given, str | Method) else several("method", given, "a method, or several")
        methods = tuple(_by_name(method_of(one), model) for one in given)
        if not methods:
            raise InputError("method=() came; expected one method or more, such as ('gradient', 'smoothgrad').")
        name = None if at is None else layer_named(model, at)[0]
        kinds = {one.needs_layer for one in methods}
        if name is not None and len(kinds) > 1:
            raise InputError(
                f"at={name!r} came for class activation maps, which lie over the input, beside methods that then "
                "explain the layer: what is taken away would not be the same. Leave at= out, or test them apart."
            )
        cams = kinds == {True}
        return cls(methods=methods, layers=(name if cams else None,) * len(methods), at=None if cams else name)

    def __call__(self, question: Question) -> list[Attribution]:
        """Ask a question, which is not being asked, with every method."""
        with question.asked():
            return self.asked(question)

    def asked(self, question: Question) -> list[Attribution]:
        """Return what each method finds about a question that is being asked."""
        found: list[Attribution] = []
        for method, layer in each(list(zip(self.methods, self.layers, strict=True)), "maps"):
            with nullcontext(question) if layer is None else question.moved(layer) as there:
                found.append(method.attribute(there))
        return found

    def pinned(self, found: Sequence[Attribution]) -> "Explainers":
        """Return the same with the layers that the methods chose, so that another model is asked at the same place."""
        chosen = [
            one.layer or layer if method.needs_layer else None
            for one, layer, method in zip(found, self.layers, self.methods, strict=True)
        ]
        return replace(self, layers=tuple(chosen))


def _by_name(method: Method, model: nn.Module) -> Method:
    """Return a method whose layer is named, since a copy of the model does not have the same module."""
    held: Any = getattr(method, "layer", None)
    if is_dataclass(method) and isinstance(held, nn.Module):
        changes: dict[str, Any] = {"layer": layer_named(model, held)[0]}
        return replace(method, **changes)
    return method
