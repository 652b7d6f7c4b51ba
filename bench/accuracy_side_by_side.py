"""Measurements that wait for two minutes, several at a time, each in a process and a stack of its own.

Only one of them breaks its stack at a time; those that wait keep theirs in use. What takes the whole machine
is measured when nothing else is.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from accuracy_figures import Result

_turn: AbstractContextManager[Any] = nullcontext()


def turn() -> AbstractContextManager[Any]:
    """Return what a measurement holds while it breaks a stack."""
    return _turn


def side_by_side(
    measure: Callable[[str], Result | None], keys: Sequence[str], at_once: int
) -> Iterator[tuple[str, Result | None]]:
    """Yield each key with what `measure` returned for it, as they finish."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(at_once, context, initializer=_share, initargs=(context.Lock(),)) as pool:
        running = {pool.submit(measure, key): key for key in keys}
        for done in as_completed(running):
            yield running[done], done.result()


def _share(lock: AbstractContextManager[Any]) -> None:
    global _turn  # noqa: PLW0603 - a process of the pool is given it once
    _turn = lock
