"""A unique secret in every place that is read and typed; every command; then every byte is searched."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from incident_lib.characters import visible, visible_markup
from incident_lib.cli.parser import build
from incident_lib.redact import Redactor
from tests.integration import docker_service
from tests.integration.canary_places import Stack, planted
from tests.integration.canary_search import Search
from tests.integration.canary_typist import TYPED, Typist, search
from tests.integration.canary_values import SHAPES, Canaries

pytestmark = [pytest.mark.slow, pytest.mark.postgres, *docker_service.MARKS]
engine = docker_service.engine
# Hidden where they stand as they usually do, not yet in the middle of a sentence or flattened to a line.
_BY_THEIR_PLACE = {"basic", "redis auth", "yaml name and value"}


def test_every_command_is_tried() -> None:
    (commands,) = (action.choices for action in build()._actions if action.choices)
    assert set(TYPED) == {*commands}, "say in TYPED how the command is tried"


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    canaries = Canaries(seed=1)
    for number, text in enumerate(canaries.texts("a file")):
        (tmp_path / f"{number}.txt").write_text(text)
    found = Search(canaries)
    found.folder(tmp_path)
    assert {shape for _, shape in found.found} >= {*SHAPES}


@pytest.fixture
def stack(tmp_path: Path, engine: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    seed = int(os.environ.get("CANARY_SEED", time.time_ns() % 1_000_000_007))
    with planted(tmp_path, Canaries(seed), engine) as made:
        monkeypatch.chdir(made.folder)
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def test_no_secret_gets_out(stack: Stack) -> None:
    typist = Typist(stack)
    typist.all()
    useless = [command for command, codes in typist.codes.items() if not {0, 1, 3, 130} & {*codes}]
    assert not useless, f"only ever wrong usage: {useless}, {typist.printed}"
    found = search(stack, typist)
    assert found.files > 200
    assert len(stack.canaries.planted) > 700
    seen = hidden_alone()
    got_out = {where for where in found.found if where[1] in seen - _BY_THEIR_PLACE}
    assert not got_out, found.report()
    for command, text in typist.printed:
        assert visible(text) == text, command
    for path in stack.folder.rglob("*.html"):
        assert visible_markup(path.read_text()) == path.read_text(), path
    for path in stack.folder.rglob("*.ipynb"):
        assert not re.search(r"\\u(?:202[a-e]|206[6-9])", path.read_text(), re.IGNORECASE), path


def hidden_alone() -> set[str]:
    """Return the shapes that redaction hides alone and in a line of JSON."""
    hidden = set()
    for shape in SHAPES:
        canaries = Canaries(seed=1)
        (text,) = canaries.texts("alone", (shape,))
        left = Search(canaries)
        for around in (text, json.dumps({"message": text})):
            left.data("alone", Redactor().text(around).encode())
        hidden |= {shape} if not left.found else set()
    return hidden
