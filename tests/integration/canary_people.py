"""What people leave in an incident's folder, with secrets: attachments, and a notebook that they ran."""

import csv
import html
import io
import json
from pathlib import Path

import nbformat
import papermill

from incident_lib.run.engine import register
from tests.integration.canary_stack import Stack

_PARAMETERS = 'config: str = ""\nincident: str = ""\ntexts: str = ""'
# The cells of a notebook that read texts with secrets from a file, and what becomes of these.
_CELLS = """\
import json, logging, os, sys
from IPython.display import HTML, JSON, Markdown, display
import pandas
with open(texts) as file:
    secrets = json.load(file)

print("\\n".join(secrets))
print("\\n".join(secrets), file=sys.stderr)

display(HTML(secrets[0]), Markdown(secrets[1]), JSON({"said": secrets[2]}))
secrets

pandas.DataFrame({"said": secrets})

try:
    raise KeyError(secrets[0])
except KeyError:
    logging.exception("failed: %s", secrets[1])

os.system(f"cat {texts}; cat {texts} >&2")

try:
    raise ValueError(secrets[0])
except ValueError as error:
    raise ExceptionGroup(secrets[1], [RuntimeError(text) for text in secrets]) from error
"""


def attach(stack: Stack, incident: Path) -> None:
    """Leave attachments of the usual kinds. What redacts an incident again, or bundles it, must hide all."""
    c, folder = stack.canaries, incident / "attachments"
    folder.mkdir(exist_ok=True)

    def texts(name: str) -> list[str]:
        """Return a text of each shape, and one that proves that the file was bundled."""
        return [
            *c.texts(f"attachment {name}"),
            c.proof(f"attachment {name}", f"zip!{incident.name}/attachments/{name}"),
        ]

    (folder / "chat.txt").write_text("\n".join(texts("chat.txt")) + "\n")
    (folder / "notes.md").write_text("# Notes\n\n" + "\n\n".join(texts("notes.md")) + "\n")
    (folder / "answer.json").write_text(json.dumps({"said": texts("answer.json")}, indent=1))
    paragraphs = (f"<p>{html.escape(text)}</p>" for text in texts("page.html"))
    (folder / "page.html").write_text(f"<html><body>{''.join(paragraphs)}</body></html>")
    rows = io.StringIO()
    csv.writer(rows).writerows(enumerate(texts("export.csv")))
    (folder / "export.csv").write_text(rows.getvalue())
    cells = [
        nbformat.v4.new_code_cell(
            "print(said)",
            outputs=[
                nbformat.v4.new_output("stream", text=text),
                nbformat.v4.new_output("display_data", {"text/plain": text}),
                nbformat.v4.new_output("error", ename="ValueError", evalue=text, traceback=[text]),
            ],
        )
        for text in texts("hers.ipynb")
    ]
    (folder / "hers.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))


def run_notebook(stack: Stack, incident: Path) -> str:
    """Run a notebook of a team by papermill with our engine, into the incident. Returns what it raised."""
    c = stack.canaries
    source = stack.given / "team.ipynb"
    texts = [*c.texts("notebook of a team"), c.proof("notebook of a team", "lab/team.ipynb")]
    (stack.given / "texts.json").write_text(json.dumps(texts))
    parameters = nbformat.v4.new_code_cell(_PARAMETERS, metadata={"tags": ["parameters"]})
    cells = [parameters, *(nbformat.v4.new_code_cell(cell) for cell in _CELLS.split("\n\n"))]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    source.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata)))
    register()
    (incident / "lab").mkdir(exist_ok=True)
    try:
        papermill.execute_notebook(
            source,
            incident / "lab" / "team.ipynb",
            {
                "config": str(stack.config),
                "incident": incident.name,
                "texts": str(stack.given / "texts.json"),
            },
            engine_name="incident",
            kernel_name="python3",
            progress_bar=False,
        )
    except papermill.PapermillExecutionError as error:
        return str(error)
    raise AssertionError("the last cell of it must raise")
