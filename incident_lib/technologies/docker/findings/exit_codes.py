"""What the exit code of a server's first process says, and what it does not."""

from typing import NamedTuple


class Verdict(NamedTuple):
    """What happened, in a few words, and what to check next."""

    meaning: str
    advice: str


_LOG = "read the last lines of its log"
_VERDICTS = {
    0: Verdict(
        "it exited without an error: it was stopped, or it exited on its own, which a server should not do",
        _LOG,
    ),
    1: Verdict("the application exited with an error", _LOG),
    2: Verdict("wrong usage: a flag or argument of its command", "compare its command with the last deploy"),
    3: Verdict("the application failed to start (uvicorn's code for that)", "read the traceback in its log"),
    125: Verdict("the engine itself could not run it", "read the engine's error and log"),
    126: Verdict(
        "its command cannot be executed", "check the file's permissions and the image's architecture"
    ),
    127: Verdict("its command is not in the image", "compare image and command with the last deploy"),
    128: Verdict("it ended with an invalid exit code", _LOG),
    130: Verdict("it was interrupted (SIGINT)", "find out who stopped it"),
    134: Verdict("it aborted (SIGABRT): a failed assertion or a corrupted heap", _LOG),
    139: Verdict(
        "it crashed on an invalid memory address (SIGSEGV)", "suspect a native library of this version"
    ),
    143: Verdict(
        "it was told to stop (SIGTERM): a stop, a deploy or an orchestrator", "find out who stopped it"
    ),
}
_SIGNALS_FROM = 128
_KILLED = 137


def verdict(exit_code: int | None, *, out_of_memory: bool) -> Verdict:
    """Return what the code means. 137 is about memory only where the engine says so.

    >>> verdict(137, out_of_memory=True).meaning
    'the kernel killed it because it reached its memory limit'
    >>> verdict(137, out_of_memory=False).meaning
    'it was killed (SIGKILL) from outside, not because of its memory limit'
    >>> verdict(77, out_of_memory=False).meaning
    "it ended with the application's own code 77"
    """
    if out_of_memory:
        return Verdict(
            "the kernel killed it because it reached its memory limit",
            "find what grew; raise the limit if the machine has room",
        )
    if exit_code is None:
        return Verdict("its exit code is unknown", _LOG)
    if exit_code == _KILLED:
        return Verdict(
            "it was killed (SIGKILL) from outside, not because of its memory limit",
            "docker kill, a stop that took too long, or the machine's own OOM killer: find out which, and "
            "read dmesg",
        )
    if known := _VERDICTS.get(exit_code):
        return known
    if _SIGNALS_FROM < exit_code < 2 * _SIGNALS_FROM - 1:
        return Verdict(f"it was ended by signal {exit_code - _SIGNALS_FROM}", _LOG)
    return Verdict(f"it ended with the application's own code {exit_code}", _LOG)
