"""Answers of a Docker engine that are read as a whole: bounded in bytes and in time, and never elsewhere."""

from collections.abc import Callable
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.connections.received import too_large
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_duration

_READ_SECONDS = 10.0  # for the content; each wait for some of it is bounded by the session
_PIECE_BYTES = 65_536
_HTTP_1_1, _OK = 11, 200
_DOCUMENTS = msgspec.json.Decoder(dict[str, Any])


def limit_answers(session: Any, limit_bytes: int) -> None:
    """Have a session of the Docker library read no answer past the limit, and follow no redirect.

    The library reads whatever comes, for as long as something comes. Answers that it hands out as a stream
    are left to whoever reads them.
    """
    session.send = _limited(session.send, limit_bytes)


def _limited(send: Callable[..., Any], limit_bytes: int) -> Callable[..., Any]:
    def send_limited(request: Any, **options: Any) -> Any:
        """Return the answer to a request. Errors: TargetError TOO_LARGE, TIMED_OUT, PROTOCOL."""
        whole = not options.get("stream")
        response = send(request, **options | {"stream": True, "allow_redirects": False})
        if response.is_redirect:
            response.close()
            raise TargetError(ProblemKind.PROTOCOL, "it redirects, which a Docker engine never does")
        if whole:
            try:
                content = _content(response.raw, limit_bytes)
            finally:
                response.close()
            if not content and _has_no_end(response):
                raise broken_off()
            response._content, response._content_consumed = content, True  # noqa: SLF001 - as the library does
        return response

    return send_limited


def _has_no_end(response: Any) -> bool:
    """Return whether an answer does not say how long it is, as every whole answer of an engine does.

    Its head was cut then, and a library that reads it takes it for an answer without content.
    """
    names = {name.lower() for name in response.headers}
    is_new = response.raw.version == _HTTP_1_1 and response.status_code == _OK
    return is_new and not names & {"content-length", "transfer-encoding"}


def broken_off() -> TargetError:
    """Return the error of an answer that began, or should have, and did not end."""
    return TargetError(
        ProblemKind.RESET,
        "the Docker engine closed the connection in the middle of its answer",
        "was it restarted? Try again",
    )


def _content(raw: Any, limit_bytes: int) -> bytes:
    deadline = clock.monotonic() + _READ_SECONDS
    content = bytearray()
    while piece := raw.read1(_PIECE_BYTES, decode_content=True):  # what there is: it need not fill up
        content += piece
        if len(content) > limit_bytes:
            raise too_large("the answer of the engine", limit_bytes)
        if clock.monotonic() > deadline:
            message = (
                f"the answer of the engine started but did not finish within {format_duration(_READ_SECONDS)}"
            )
            raise TargetError(ProblemKind.TIMED_OUT, message)
    return bytes(content)


def documents(content: bytes) -> list[dict[str, Any]]:
    r"""Return the JSON documents of an answer, one a line. Errors: TargetError PROTOCOL.

    >>> documents(b'{"Type": "container"}\n{"Type": "network"}\n')
    [{'Type': 'container'}, {'Type': 'network'}]
    """
    try:
        return _DOCUMENTS.decode_lines(content)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise TargetError(ProblemKind.PROTOCOL, f"the engine's answer is not JSON: {error}") from error
