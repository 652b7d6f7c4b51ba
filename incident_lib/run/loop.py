"""Running a coroutine from plain code, also where an event loop is running already, as in JupyterLab."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`. Where a loop runs in this thread, the work gets another thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1, thread_name_prefix="notebooks") as thread:
        return thread.submit(asyncio.run, work).result()
