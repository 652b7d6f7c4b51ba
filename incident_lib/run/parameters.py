"""The parameters of a notebook: what it declares, and the refusal of what it does not."""

import ast
import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from incident_lib.errors import UsageError

TAG = "parameters"
_INJECTED = "injected-parameters"


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
    """Return the notebook with a cell that sets `parameters`, as papermill writes it.

    For other languages than Python it is papermill, which takes longer to import than a notebook to run.
    """
    if not parameters:
        return notebook
    about = notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])  # as papermill's reader does
    if notebook.metadata.get("kernelspec", {}).get("language", "python") != "python":
        from papermill.parameterize import parameterize_notebook

        return parameterize_notebook(notebook, dict(parameters))
    from nbformat.v4 import new_code_cell

    lines = "".join(f"{name} = {_quoted(value)}\n" for name, value in parameters.items())
    injected = new_code_cell(f"# Parameters\n{lines}", metadata={"tags": [_INJECTED]})
    earlier, declared_at = (_tagged(notebook, tag) for tag in (_INJECTED, TAG))
    at = declared_at + 1 if earlier < 0 else earlier
    notebook.cells[at : at + (earlier >= 0)] = [injected]
    about["parameters"] = dict(parameters)
    return notebook


def _tagged(notebook: Any, tag: str) -> int:
    """Return the index of the first cell with that tag, -1 where there is none."""
    return next((index for index, cell in enumerate(notebook.cells) if tag in cell.metadata.tags), -1)


def _quoted(text: str) -> str:
    r"""Return a string as Python source.

    >>> print(_quoted('a "b"\n'))
    "a \"b\"\n"
    """
    escaped = text.encode("unicode_escape").decode().replace('"', r"\"")
    return f'"{escaped}"'


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
