"""Files that run when something imports or reads them by itself; a marker shows which did."""

from pathlib import Path

MODULES = (
    "jupyterlab", "jupyter_server", "jupyter_client", "ipykernel", "ipykernel_launcher", "IPython",
    "traitlets", "incident_lib", "msgspec", "sitecustomize", "usercustomize", "multiprocessing", "json",
)  # fmt: skip
SETTINGS = (
    "jupyter_config", "jupyter_server_config", "jupyter_lab_config", "ipython_config", "ipykernel_config",
    "ipython_kernel_config",
)  # fmt: skip


def plant(folder: Path, marker: Path) -> None:
    """Put the files into a folder; whichever runs adds its name to the marker."""
    for name in (*MODULES, *SETTINGS):
        text = f"open({str(marker)!r}, 'a').write({name + chr(10)!r})\n"
        (folder / f"{name}.py").write_text(text)


def executed(marker: Path) -> list[str]:
    """Return the names of the files that ran."""
    return marker.read_text().split() if marker.exists() else []
