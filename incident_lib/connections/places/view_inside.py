"""Runs inside a container, as `python3 -I -S -B -c TEXT QUESTIONS`: names, ports and TLS as seen from there.

This file is sent as text and runs in whatever Python the image has (3.6 and later): the standard library
alone, nothing of the workbench, no file written, no code of the application imported. QUESTIONS is JSON;
the answer is one line of JSON. Each question has a thread and a deadline of its own.
"""

import base64
import errno
import json
import os
import pathlib
import select
import socket
import sys
import threading
import time
from typing import Any

try:
    import ssl
except ImportError:  # an image may have a Python without it
    ssl = None  # type: ignore[assignment]  # None where it is missing

_ADDRESSES = 4
_SETTLE_SECONDS = 0.1
_FAIR_SECONDS = 1.0  # whoever was given less, or a machine that let us wait instead, is not called silent
# Where clouds hand out the credentials of a machine: no name may have us connect there.
_RESERVED = (
    "169.254.",
    "fe80:",
    "::ffff:169.254.",
    "fd00:ec2:",
    "fd20:ce:",
    "100.100.100.200",
    "168.63.129.16",
)
_LOCK = threading.Lock()
_SHARED: "list[tuple[str, Any]]" = []  # the stores that all questions have in common


def _resolve(answer: "dict[str, Any]", question: "dict[str, Any]") -> "list[Any]":
    began = time.monotonic()
    try:
        found = socket.getaddrinfo(question["host"], question["port"] or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        names = [name for name in dir(socket) if name.startswith("EAI_") and getattr(socket, name) == number]
        answer["name_error"] = names[0] if names else str(error)
        found = []
    answer["name_seconds"] = time.monotonic() - began
    places = []
    for family, _, _, _, address in found:
        if (family, address) not in places:
            places.append((family, address))
    answer["addresses"] = [address[0] for _, address in places]
    return places


def _connect(places: "list[Any]", end: float) -> "tuple[list[dict[str, Any]], list[Any]]":
    """Return what happened at each address, all tried at once, and those that connected."""
    attempts, waiting = [], {}
    began = time.monotonic()
    for family, address in places[:_ADDRESSES]:
        attempt = {"address": address[0], "port": address[1], "error": "timeout", "seconds": None}
        attempts.append(attempt)
        sock = _begin(family, address, attempt)
        if sock is not None:
            waiting[sock] = (attempt, (family, address))
    while waiting and time.monotonic() < end:
        for sock in select.select([], list(waiting), [], max(0.0, end - time.monotonic()))[1]:
            attempt, place = waiting.pop(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            attempt.update(error=_name_of(code), seconds=time.monotonic() - began, sock=sock, place=place)
    for sock in waiting:
        sock.close()
    return attempts, _settled(attempts)


def _begin(family: int, address: "Any", attempt: "dict[str, Any]") -> "Any":
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        attempt["error"] = _name_of(error.errno or errno.EAFNOSUPPORT)
        return None
    sock.settimeout(0)
    code = sock.connect_ex(address)
    if code in (0, errno.EINPROGRESS):
        return sock
    attempt["error"] = _name_of(code)
    sock.close()
    return None


def _settled(attempts: "list[dict[str, Any]]") -> "list[Any]":
    """Return the places that stay connected: whoever accepts only to hang up does so at once."""
    connected = {
        attempt["sock"]: attempt for attempt in attempts if "sock" in attempt and not attempt["error"]
    }
    for sock in select.select(list(connected), [], [], _SETTLE_SECONDS)[0] if connected else ():
        try:
            gone = not sock.recv(1, socket.MSG_PEEK)
        except OSError:
            gone = True
        if gone:
            connected[sock]["error"] = "ECONNRESET"
    places = []
    for attempt in attempts:
        sock, place = attempt.pop("sock", None), attempt.pop("place", None)
        if sock is not None:
            sock.close()
        if place is not None and not attempt["error"]:
            places.append(place)
    return places


def _name_of(code: int) -> str:
    return errno.errorcode.get(code, "?") if code else ""


def _certifi() -> str:
    """Return the store that requests and httpx bring along, found without importing anything."""
    here = "python{}.{}".format(*sys.version_info[:2])
    program = pathlib.Path(sys.executable or "/usr/bin/python3")
    roots = [program.parent.parent, pathlib.Path(os.environ.get("VIRTUAL_ENV") or sys.prefix)]
    folders = [root / "lib" / here / name for root in roots for name in ("site-packages", "dist-packages")]
    folders.append(pathlib.Path("/usr/lib/python3/dist-packages"))
    folders += [
        pathlib.Path(folder) for folder in (os.environ.get("PYTHONPATH") or "").split(os.pathsep) if folder
    ]
    found = [folder / "certifi" / "cacert.pem" for folder in folders]
    return next((str(path) for path in found if path.is_file()), "")


def _queued_seconds() -> float:
    """Return how long this thread was ready to run and did not; 0 where the kernel does not say."""
    try:
        return int(pathlib.Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _is_fair(began: float, queued: float) -> bool:
    """Return whether a server had enough time to answer; what we waited for a processor is our own."""
    waited, ours = time.monotonic() - began, _queued_seconds() - queued
    return waited - ours >= max(_FAIR_SECONDS, ours)


def _handshake(host: str, place: "Any", context: "Any", end: float) -> "dict[str, Any]":
    seen = {"verified": False, "chain": []}
    family, address = place
    began, queued = time.monotonic(), _queued_seconds()
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(max(0.05, end - time.monotonic()))
        sock.connect(address)
        with context.wrap_socket(sock, server_hostname=host) as secured:
            seen["verified"] = True
            seen["protocol"] = secured.version()
            seen["chain"] = _chain(secured)
    except OSError as error:
        seen["code"] = getattr(error, "verify_code", None)
        seen["message"] = str(getattr(error, "verify_message", "") or getattr(error, "reason", "") or error)
        late = isinstance(error, socket.timeout)
        seen["silent"] = late and _is_fair(began, queued)
        seen["late"] = late and not seen["silent"]
    finally:
        sock.close()
    return seen


def _chain(secured: "Any") -> "list[str]":
    """Return the certificates as sent, in DER; only the server's own where this Python gives no more."""
    inner: Any = getattr(secured, "_sslobj", None)
    try:
        if hasattr(secured, "get_unverified_chain"):
            found = list(secured.get_unverified_chain())
        else:
            found = [
                ssl.PEM_cert_to_DER_cert(certificate.public_bytes())
                for certificate in inner.get_unverified_chain()
            ]
    except (AttributeError, TypeError, ValueError):
        found = [secured.getpeercert(binary_form=True)]
    return [base64.b64encode(der).decode("ascii") for der in found if der]


def _stores(question: "dict[str, Any]") -> "list[tuple[str, Any]]":
    """Return the stores that a client in here may verify with; one that cannot be read is left out."""
    declared = question.get("ca")
    with _LOCK:  # reading a store takes a good part of all the time there is: each is read once
        if not _SHARED:
            certifi = _certifi()
            _SHARED.append(("own", _context({})))
            _SHARED.append(("certifi", _context({"cafile": certifi}) if certifi else None))
    found = [*_SHARED[:1], ("declared", _context({"cadata": declared}) if declared else None), *_SHARED[1:]]
    return [(name, context) for name, context in found if context is not None]


def _context(options: "dict[str, Any]") -> "Any":
    try:
        return ssl.create_default_context(**options)
    except (OSError, ValueError):
        sys.stderr.write("a store cannot be read\n")
        return None


def _secure(question: "dict[str, Any]", place: "Any", end: float) -> "list[dict[str, Any]]":
    handshakes: list[dict[str, Any]] = []
    for name, context in _stores(question):
        handshake = _handshake(question["host"], place, context, end)
        handshake["store"] = name
        handshake["authorities"] = len(context.get_ca_certs())
        if handshakes and (handshake.get("silent") or handshake.get("late")):
            break  # it answered a moment ago, so this says nothing of the other store
        handshakes.append(handshake)
        if handshake.get("silent") or handshake.get("late"):
            return handshakes
    if handshakes and not all(handshake["verified"] for handshake in handshakes):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        seen = _handshake(question["host"], place, context, end)
        for handshake in handshakes:
            handshake["chain"] = handshake["chain"] or seen["chain"]
            handshake["protocol"] = handshake.get("protocol") or seen.get("protocol")
    return handshakes


def view(question: "dict[str, Any]", answer: "dict[str, Any]") -> None:
    """Fill `answer` step by step, so that what was seen before a deadline is there."""
    end = time.monotonic() + question["seconds"]
    answer["stage"] = "name"
    places = _resolve(answer, question)
    if question["host"] not in answer["addresses"]:  # an address that is configured as such is meant
        places = [place for place in places if not place[1][0].lower().startswith(_RESERVED)]
    if places and question["port"]:
        answer["stage"] = "connect"
        left = max(0.2, end - time.monotonic())
        answer["ports"], reached = _connect(places, time.monotonic() + left * 0.6)
        if reached and question["tls"] and ssl is not None:
            answer["stage"] = "tls"
            answer["tls"] = _secure(question, reached[0], end)
    answer["stage"] = "done"


def main() -> None:
    """Answer every question at once; at the deadline what there is."""
    questions = json.loads(sys.argv[1])
    answers = [{"id": question["id"], "stage": "name"} for question in questions]
    threads = []
    for question, answer in zip(questions, answers):  # noqa: B905 - not before Python 3.10
        thread = threading.Thread(target=view, args=(question, answer), daemon=True)
        thread.start()
        threads.append((thread, time.monotonic() + question["seconds"] + 0.3))
    for thread, end in threads:
        thread.join(max(0.0, end - time.monotonic()))
    sys.stdout.write(json.dumps([dict(answer) for answer in answers]))
    sys.stdout.flush()
    os._exit(0)  # a thread may hang in the resolver, which nothing can break off


if __name__ == "__main__":
    main()
