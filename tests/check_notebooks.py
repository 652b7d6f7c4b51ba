"""Report what is wrong with the notebooks, for `make check`: exit 1 when something is.

A notebook asks questions, and each is answered by one call: no logic, no outputs, few and short cells.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
PARAMETERS = ("incident", "snapshot", "since", "config")
KERNEL = "incident-workbench"  # the folder below templates/kernels, which the package installs for Jupyter
MOST_CELLS, MOST_LINES = 12, 5
_LOGIC = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.AsyncFor, ast.While,
    ast.Try, ast.With, ast.If, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
_CALLS = {"print", "exec", "eval", "open", "display", "system", "run", "Popen"}
_SQL = ("select ", "insert ", "update ", "delete ", "vacuum", "explain ")


def problems(path: Path) -> Iterator[str]:
    """Yield what is wrong with one notebook."""
    try:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        yield f"is no valid notebook: {error}"
        return
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield "is older than format 4.5, so its cells have no ids"
        return
    yield from _shape(notebook)
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            yield from (f"cell {index} ({cell.id}) {what}" for what in _code(cell))


def _shape(notebook: Any) -> Iterator[str]:
    repeated = [name for name, count in Counter(cell.id for cell in notebook.cells).items() if count > 1]
    if repeated:
        yield f"has cell ids twice: {', '.join(repeated)}"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if len(code) > MOST_CELLS:
        yield f"has {len(code)} code cells; {MOST_CELLS} at most"
    if notebook.metadata.get("kernelspec", {}).get("name") != KERNEL:
        yield f"asks for another kernel than {KERNEL}"
    head = notebook.cells[0].source if notebook.cells else ""
    if not head.startswith("# ") or not all(f"\n{word}: " in head for word in ("Reads", "Writes", "Changes")):
        yield "does not begin with a title, a question and the lines Reads, Writes, Changes"
    yield from _parameters(notebook.cells[1:2])
    for before, cell in zip(notebook.cells[2:], notebook.cells[3:], strict=False):
        if cell.cell_type == "code" and not _is_question(before):
            yield f"has no question as a heading before cell {cell.id}"


def _parameters(cells: list[Any]) -> Iterator[str]:
    if not cells or "parameters" not in cells[0].metadata.get("tags", ()):
        yield "has no second cell tagged `parameters`"
        return
    lines = cells[0].source.splitlines()
    names = []
    for line in lines:
        statement = ast.parse(line).body[0]
        typed = isinstance(statement, ast.AnnAssign) and isinstance(statement.value, ast.Constant)
        if not typed or "  # " not in line:
            yield f"has a parameter that is not `name: type = default  # help`: {line}"
            return
        names.append(line.partition(":")[0])
    if tuple(names[: len(PARAMETERS)]) != PARAMETERS:
        yield f"does not declare {', '.join(PARAMETERS)} first"


def _code(cell: Any) -> Iterator[str]:
    if cell.outputs:
        yield "has outputs"
    if cell.execution_count is not None:
        yield "has an execution count"
    if len(cell.source.splitlines()) > MOST_LINES:
        yield f"has {len(cell.source.splitlines())} lines; {MOST_LINES} at most"
    if cell.source.lstrip().startswith(("%", "!")) or "\n!" in cell.source or "\n%" in cell.source:
        yield "calls a shell or a magic"
        return
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        yield f"is no Python: {error}"
        return
    yield from _logic(tree)


def _logic(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, _LOGIC):
            yield f"has logic in it ({type(node).__name__}); move it into the library"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            yield f"calls {node.func.id}()"
        if isinstance(node, ast.Constant) and str(node.value).lower().startswith(_SQL):
            yield "has SQL in it; statements live in probes"
        if isinstance(node, ast.ImportFrom | ast.Import) and not _is_ours(node):
            yield "imports something else than incident_lib"


def _is_ours(node: ast.ImportFrom | ast.Import) -> bool:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
    return all(name.partition(".")[0] == "incident_lib" for name in names)


def _is_question(cell: Any) -> bool:
    return cell.cell_type == "markdown" and cell.source.startswith("## ") and "?" in cell.source


def main() -> int:
    """Print every problem of every notebook and return 1 when there is one."""
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    found = [f"{path.name} {what}" for path in paths for what in problems(path)]
    if not paths:
        found = [f"no notebook in {NOTEBOOKS}"]
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
