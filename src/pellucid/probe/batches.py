"""Batches: which of several a model was given when it raised."""

from collections.abc import Generator
from contextlib import contextmanager

from pellucid.core.errors import PellucidError


@contextmanager
def batch_told(number: int) -> Generator[None, None, None]:
    """Add to what a model raises meanwhile which batch of several it was given.

    Args:
        number: Of the batch, from 1.

    Yields:
        None.
    """
    try:
        yield
    except PellucidError:
        raise
    except Exception as error:
        error.add_note(f"That was batch {number} of the data. Give batches that the model takes.")
        raise
