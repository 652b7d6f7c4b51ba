"""The outcome of sending one message, and the deadline that holds whatever the other side does."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import msgspec

from incident_lib.connections import bounded

T = TypeVar("T")


class Result(StrEnum):
    """Whether a message arrived. UNCLEAR: it may have; there was no answer."""

    SENT = "sent"
    FAILED = "failed"
    UNCLEAR = "unclear"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of sending, in our words: an answer of the service may hold a secret."""

    result: Result
    reason: str = ""


def sent(reason: str = "") -> Outcome:
    """Return that it arrived."""
    return Outcome(result=Result.SENT, reason=reason)


def failed(reason: str) -> Outcome:
    """Return that it did not arrive, and why."""
    return Outcome(result=Result.FAILED, reason=reason)


def unclear(reason: str) -> Outcome:
    """Return that it is unknown whether it arrived, and why."""
    return Outcome(result=Result.UNCLEAR, reason=reason)


def answered(status: int) -> Outcome:
    """Return what an HTTP status other than success means.

    >>> answered(503).reason
    'it answers 503: the service has a problem; try again in a minute'
    """
    words = {
        400: "it does not accept this message",
        401: "it refuses the credentials; renew the address or key",
        403: "it refuses the credentials; renew the address or key",
        404: "there is nothing at this address; was the webhook removed?",
        410: "there is nothing at this address; was the webhook removed?",
        413: "the message is too long",
        429: "too many messages were sent to it; try again in a minute",
    }
    trouble = "the service has a problem; try again in a minute" if status >= 500 else "it was not accepted"
    return failed(f"it answers {status}: {words.get(status, trouble)}")


def within(seconds: float, call: Callable[[], T]) -> T | None:
    """Return what `call` returns, None when it takes longer or dies. A late one is left behind.

    >>> within(1, lambda: 42)
    42
    """
    try:
        return bounded.call(call, seconds)
    except Exception:  # noqa: BLE001 - whatever a library raises, nothing says whether the message arrived
        return None
