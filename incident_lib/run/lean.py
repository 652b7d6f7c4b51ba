"""The Jupyter libraries, imported without what costs a second and is never used.

nbformat imports jsonschema, which imports rfc3987_syntax where it is installed (JupyterLab brings it), which
compiles a grammar of addresses for a whole second. No notebook has a field that is checked by it, and
jsonschema does without when it is absent: so it is absent while jsonschema is imported, and only then.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

_GRAMMAR = "rfc3987_syntax"


@contextmanager
def _absent(module: str) -> Iterator[None]:
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # the documented way to make an import fail
    try:
        yield
    finally:
        sys.modules.pop(module, None)


def prepare() -> None:
    """Import jsonschema without the grammar, unless it was imported already."""
    with _absent(_GRAMMAR):
        import_module("jsonschema")
