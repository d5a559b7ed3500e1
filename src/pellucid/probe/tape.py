"""Tape: what a capture wrote down."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pellucid.core.errors import AddressError, did_you_mean


class Section(Mapping[str, Any]):
    """Entries by key, in execution order. A wrong key raises an error that says why it is not there.

    Args:
        entries: Key to what was kept; read live, so that it fills while the capture runs.
        explain: Says why a key is missing.
    """

    def __init__(self, entries: dict[str, Any], explain: Callable[[str], str]) -> None:
        self._entries = entries
        self._explain = explain

    def __getitem__(self, key: str) -> Any:
        if key not in self._entries:
            raise AddressError(self._explain(key))
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    # Mapping's own versions wait for a KeyError.

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def get(self, key: str, default: Any = None) -> Any:
        """Return the entry under a key, or a default where there is none."""
        return self._entries.get(key, default)


class Tape(Section):
    """What a capture wrote down: outputs by key, and beside them inputs and gradients.

    Keys are the user's own module names. The second call of a module is "name#2"; in a nested output the parts
    are "name/0" (tuple), "name/key" (mapping), "name/1/0" (nested), also "name#2/0".

    Attributes:
        inputs: What the modules were given, under the same keys; several arguments are "name/0", "name/key".
        grads: The gradient of the loss with respect to each output, under the key of the output; of several
            backward passes the last one.
    """

    def __init__(self, *, with_inputs: bool, with_grads: bool) -> None:
        self.outputs: dict[str, Any] = {}
        self.given: dict[str, Any] = {}
        self.gradients: dict[str, Any] = {}
        self.unreachable: dict[str, str] = {}
        self._with_inputs = with_inputs
        self._with_grads = with_grads
        super().__init__(self.outputs, self._no_output)
        self.inputs = Section(self.given, self._no_input)
        self.grads = Section(self.gradients, self._no_gradient)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of all outputs, in execution order."""
        return tuple(self.outputs)

    def __repr__(self) -> str:
        return f"Tape({len(self.outputs)} outputs, {len(self.given)} inputs, {len(self.gradients)} gradients)"

    def _no_output(self, key: str) -> str:
        if not self.outputs:
            return (
                f"No {key!r} on this tape: nothing was captured. Call the model inside the with block of "
                "pel.capture, and do not read the tape before."
            )
        return _missing(f"No {key!r} on this tape.", key, self.outputs, listed="print(tape.names)")

    def _no_input(self, key: str) -> str:
        if not self._with_inputs:
            return f"No input of {key!r} on this tape: pel.capture(..., inputs=True) keeps what modules are given."
        start = f"No input of {key!r} on this tape."
        return _missing(start, key, self.given, listed="print(list(tape.inputs))")

    def _no_gradient(self, key: str) -> str:
        start = f"No gradient of {key!r} on this tape"
        if not self._with_grads:
            return f"{start}: pel.capture(..., grads=True) keeps gradients."
        if key in self.unreachable:
            return f"{start}: {self.unreachable[key]}"
        if key in self.outputs:
            return (
                f"{start}: no backward pass reached it. Call loss.backward() inside the with block, on a loss "
                "that depends on this output, without torch.no_grad()."
            )
        return _missing(f"{start}.", key, self.gradients, listed="print(list(tape.grads))")


def _missing(start: str, key: str, entries: Mapping[str, Any], *, listed: str) -> str:
    sentences = (start, did_you_mean(key, entries), f"{listed} lists all {len(entries)}.")
    return " ".join(filter(None, sentences))
