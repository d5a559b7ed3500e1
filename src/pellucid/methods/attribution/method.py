"""What a method of attribution is, and what it returns."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from pellucid.core.errors import AddressError, InputError, did_you_mean
from pellucid.methods.attribution.question import Question


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """Maps as a method computed them.

    Attributes:
        maps: [examples, ...] each, shaped like the question's values (or coarser, for class activation maps).
        scores: What is explained, [examples].
        check: What `error` is: "completeness" (what the map's sum misses of the difference that it explains, as a
            share of it), "conservation" (the same, of a method whose rules absorb a part), "sampling" (the
            standard error of the map over its size), or "" where nothing can be checked.
        error: [examples], 0 or more; None without a check.
        layer: The layer that was explained, where the method chose it; "" otherwise.
        notes: Further numbers to report, such as the nodes of a path.
    """

    maps: tuple[Tensor, ...]
    scores: Tensor
    check: str = ""
    error: Tensor | None = None
    layer: str = ""
    notes: dict[str, float] = field(default_factory=dict)


class Method(ABC):
    """A method of attribution: a frozen dataclass whose fields are its options.

    Attributes:
        name: What users write, such as "smoothgrad".
        needs_layer: Whether it explains a layer and not the input.
        signed: Whether the sign of a value means for or against.
        contributes: Whether a value is a share of the score, so that a place with a high one speaks for it, and not how
            steep the score is there.
    """

    known: ClassVar[dict[str, type["Method"]]] = {}
    name: ClassVar[str] = ""
    needs_layer: ClassVar[bool] = False
    signed: ClassVar[bool] = True
    contributes: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Make the method known by its name."""
        if cls.name:
            Method.known[cls.name] = cls

    @abstractmethod
    def attribute(self, question: Question) -> Attribution:
        """Explain the question, which is being asked: the model is in eval mode."""


def method_of(wanted: str | Method) -> Method:
    """Return a method by its name, with its own options; a method as it is.

    Raises:
        AddressError: There is no such method.
        InputError: It is neither a name nor a method.
    """
    if isinstance(wanted, Method):
        return wanted
    if not isinstance(wanted, str):
        raise InputError(f"method={wanted!r} came; expected a name or a method: {', '.join(Method.known)}.")
    plain = wanted.lower().replace("-", "").replace("_", "").replace(" ", "")
    if plain not in Method.known:
        known = f"There are: {', '.join(sorted(Method.known))}."
        raise AddressError(
            f"There is no method {wanted!r}. {did_you_mean(plain, Method.known)} {known}".replace("  ", " ")
        )
    return Method.known[plain]()
