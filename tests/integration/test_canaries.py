"""A unique secret in every place that is read and typed; every command; then every byte is searched."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from incident_lib.characters import visible, visible_markup
from incident_lib.cli.parser import build
from incident_lib.redact import Redactor
from tests.integration import docker_service
from tests.integration.canary_places import planted
from tests.integration.canary_search import Search
from tests.integration.canary_stack import Stack
from tests.integration.canary_typist import TYPED, Typist, search
from tests.integration.canary_values import SHAPES, Canaries

pytestmark = [pytest.mark.slow, pytest.mark.postgres, *docker_service.MARKS]
engine = docker_service.engine
SEED = 20_261_129  # another one plants other secrets; the soak takes a new one in every round


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
    seed = int(os.environ.get("CANARY_SEED", SEED))
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
    assert not found.unread, found.report()
    assert not found.found, found.report()
    for command, text in typist.printed:
        assert visible(text) == text, command
    for path in stack.folder.rglob("*.html"):
        assert visible_markup(path.read_text()) == path.read_text(), path
    for path in stack.folder.rglob("*.ipynb"):
        assert not re.search(r"\\u(?:202[a-e]|206[6-9])", path.read_text(), re.IGNORECASE), path


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_each_shape_is_hidden_alone_and_in_a_line_of_json(shape: str) -> None:
    canaries = Canaries(seed=SEED)
    (text,) = canaries.texts("alone", (shape,))
    left = Search(canaries)
    for around in (text, json.dumps({"message": text})):
        left.data("alone", Redactor().text(around).encode())
    assert not left.found
