"""Small notebooks for the tests of running them."""

from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = 'incident: str = ""  # id or path\nsince: str = "15m"  # how far back\nconfig: str = ""  # file'


def notebook(*sources: str, kernel: str = "python3") -> Any:
    """Return a notebook with a title, the parameters and one code cell for each source."""
    cells = [new_markdown_cell("# A test"), new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    made = new_notebook(cells=[*cells, *(new_code_cell(source) for source in sources)])
    made.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    return made


def save(made: Any, path: Any) -> Any:
    """Write a notebook and return its path."""
    nbformat.write(made, path)
    return path
