"""The checker of shapes and types in tests: beartype, with an int allowed where a float is asked for."""

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

check: Callable[..., Any] = beartype(conf=BeartypeConf(is_pep484_tower=True))
