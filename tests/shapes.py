"""The checker of shapes and types in tests: beartype, with an int allowed where a float is asked for."""

import importlib
import random
from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

# beartype looks at one random item of a container, and draws it from Python's global generator. With a generator
# of its own the tests can see whether pellucid draws: tests/test_untouched.py fails when these names have moved.
for _module in ("beartype._check.code.codemain", "beartype._util.kind.integer.utilintget"):
    vars(importlib.import_module(_module))["getrandbits"] = random.Random(0).getrandbits

check: Callable[..., Any] = beartype(conf=BeartypeConf(is_pep484_tower=True))
