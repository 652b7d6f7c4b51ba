"""The parameters of a notebook: what it declares, and the refusal of what it does not."""

import ast
import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from incident_lib.errors import UsageError

TAG = "parameters"


def declared(notebook: Any) -> tuple[str, ...]:
    """Return the names that the cell tagged `parameters` sets, in order."""
    return tuple(
        name
        for cell in notebook.cells
        if cell.cell_type == "code" and TAG in cell.metadata.get("tags", ())
        for name in _names(cell.source)
    )


def check(name: str, known: Iterable[str], passed: Iterable[str]) -> None:
    """Refuse parameters that the notebook `name` does not have. Errors: UsageError naming the nearest.

    >>> check("20_database", ["incident"], ["incident"])
    """
    known = tuple(known)
    for parameter in passed:
        if parameter not in known:
            near = difflib.get_close_matches(parameter, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(known) or 'none'}"
            raise UsageError(f"{name} has no parameter {parameter!r}; {hint}")


def inject(notebook: Any, parameters: Mapping[str, str]) -> Any:
    """Return the notebook with a cell that sets `parameters`, as papermill writes it."""
    from papermill.parameterize import parameterize_notebook

    if not parameters:
        return notebook
    notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])  # as papermill's reader does
    return parameterize_notebook(notebook, dict(parameters))


def _names(source: str) -> Iterable[str]:
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return
    for statement in statements:
        targets = (
            statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        )
        yield from (target.id for target in targets if isinstance(target, ast.Name))
