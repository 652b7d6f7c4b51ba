"""The Jupyter libraries, imported without what costs a second and is never used.

nbformat imports jsonschema, which imports what checks addresses, times and spans where that is installed
(JupyterLab brings it): rfc3987_syntax compiles a grammar for a whole second, the others take a tenth. No
notebook has a field that is checked by them, and jsonschema does without when they are absent: so they are
absent while jsonschema is imported, and only then.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module

_CHECKERS = ("rfc3987_syntax", "rfc3986_validator", "rfc3339_validator", "isoduration")


@contextmanager
def _absent(modules: Iterable[str]) -> Iterator[None]:
    hidden = [module for module in modules if module not in sys.modules]
    for module in hidden:
        sys.modules[module] = None  # type: ignore[assignment]  # the documented way to make an import fail
    try:
        yield
    finally:
        for module in hidden:
            sys.modules.pop(module, None)


def prepare() -> None:
    """Import jsonschema without its checkers, unless it was imported already."""
    if "jsonschema" in sys.modules:
        return
    with _absent(_CHECKERS):
        import_module("jsonschema")
