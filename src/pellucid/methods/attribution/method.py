"""What a method of attribution is, and what it returns."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from pellucid.core.arguments import Options, came
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


class Method(Options, ABC):
    """A method of attribution: a frozen dataclass whose fields are its options; what others must know of it is here.

    Attributes:
        known: The methods that have a name of their own, by that name.
        name: What users write, such as "smoothgrad"; a class without a name of its own is called as it is in Python.
        caveat: What its maps cannot show, as a sentence under the picture; "" for nothing.
        cut: Why a map may be 0 though the gradient arrives, as the end of a sentence; "" for no reason.
        needs_layer: Whether it explains a layer and not the input.
        needs_grid: Whether it needs a layer with places.
        signed: Whether the sign of a value means for or against.
        contributes: Whether a value is a share of the score, so that a place with a high one speaks for it, and not how
            steep the score is there.
        slope: Whether a map is the gradient, times the input where it contributes: next to 0 where the score is flat.
    """

    known: ClassVar[dict[str, type["Method"]]] = {}
    name: ClassVar[str] = ""
    caveat: ClassVar[str] = ""
    cut: ClassVar[str] = ""
    needs_layer: ClassVar[bool] = False
    needs_grid: ClassVar[bool] = False
    signed: ClassVar[bool] = True
    contributes: ClassVar[bool] = False
    slope: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Make the method known by a name of its own.

        Raises:
            InputError: Another class has the name; the same one may be defined again, as in a cell that is run again.
        """
        name = cls.__dict__.get("name")
        cls.name = name or cls.__name__
        if not name:
            return
        other = Method.known.get(name, cls)
        # Its place inside a function is not known yet: dataclasses with slots are made twice, first without it.
        if (other.__module__, other.__name__) != (cls.__module__, cls.__name__):
            raise InputError(
                f"The method {cls.__name__} has the name {name!r}, which {other.__module__}.{other.__name__} has "
                f"already. Expected a name of its own, or none: then it is given as an object, method={cls.__name__}()."
            )
        Method.known[name] = cls

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
        made = f" Make one: {wanted.__name__}()." if isinstance(wanted, type) and issubclass(wanted, Method) else ""
        raise InputError(f"{came('method', wanted)}; expected a name or a method: {', '.join(Method.known)}.{made}")
    plain = wanted.lower().replace("-", "").replace("_", "").replace(" ", "")
    found = Method.known.get(wanted) or Method.known.get(plain)
    if found is None:
        known = f"There are: {', '.join(sorted(Method.known))}."
        raise AddressError(
            f"There is no method {wanted!r}. {did_you_mean(plain, Method.known)} {known}".replace("  ", " ")
        )
    return found()
