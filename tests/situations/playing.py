"""Playing one situation: what is wrong with the answer, and with what it offers to do."""

import time
from collections.abc import Callable

from tests.situations import (
    asked,
    clients,
    databases,
    issues,
    moments,
    pools,
    postgres,
    programs,
    proxies,
    redis,
    refusals,
    replication,
    reported,
    starts,
    threads,
)
from tests.situations.judging import Expected, wrong_with
from tests.situations.world import Over, World

_MODULES = {
    "PostgreSQL": postgres,
    "Redis": redis,
    "programs": programs,
    "replication": replication,
    "starts": starts,
    "refusals": refusals,
    "nginx": proxies,
    "then and now": moments,
    "public threads": reported,
    "questions": asked,
    "threads": threads,
    "databases": databases,
    "pools": pools,
    "public issues": issues,
    "clients": clients,
}
_OVER_SECONDS = 15.0
Play = Callable[[World], Over | None]


def situations() -> dict[str, tuple[str, Play, Expected]]:
    """Return each situation with what it is of, how it is played and what is expected."""
    return {
        name: (technology, getattr(module, name), expected)
        for technology, module in _MODULES.items()
        for name, expected in module.EXPECTED.items()
    }


def played(name: str, *, act: bool = False) -> tuple[list[str], World]:
    """Return what is wrong with the answer in this situation, and with what it offers to do."""
    _, play, expected = situations()[name]
    with World() as world:
        over = play(world)
        wrong = list(wrong_with(expected, world.answer))
        if act:
            wrong += _wrong_acts(world, over)
    return wrong, world


def _wrong_acts(world: World, over: Over | None) -> list[str]:
    """Return what is wrong with the action that the first hypothesis offers: it helps, or is not offered."""
    acted = world.act()
    if not acted:
        return []
    deadline = time.monotonic() + _OVER_SECONDS
    while over is not None and time.monotonic() < deadline:
        if over():
            return []
        time.sleep(0.5)
    return [f"was offered and did not help: {text}" for text in acted]
