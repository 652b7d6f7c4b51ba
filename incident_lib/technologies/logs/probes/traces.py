"""Stack traces of Python (chained and grouped ones too), Java, .NET, Node and Go: joined, then read."""

import re
from collections.abc import Iterator

import msgspec


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What a stack trace reports: the type of the error, where in the team's code it arose, its message."""

    type: str
    frame: str
    message: str


LIMIT = 2_000  # lines of one trace that are joined: recursion writes a thousand

# Python.

HEAD = "Traceback (most recent call last):"
_MARGIN = re.compile(r"^[\s|+-]+")  # exception groups are drawn with a margin
_CLOSING = re.compile(r"\s*\+-{20,}$")
_EDGE = re.compile(r"^\s*[|+](?: |$)")
_FRAME = re.compile(r"^[\s|]*File \"([^\"]{1,500})\", line \d+, in ([^\n]{1,200})", re.MULTILINE)
_FINAL = re.compile(
    r"^[\s|]*((?!(?:INFO|DEBUG|WARNING|ERROR|CRITICAL|FATAL|LOG|WARN|During|The)\b)[A-Za-z_][\w.]{0,200})"
    r"(?:: ([^\n]*))?$"
)
_CHAINS = ("During handling of the above exception", "The above exception was the direct cause")
_FOREIGN = re.compile(r"site-packages|dist-packages|[/\\]lib[/\\]python\d|^<|importlib")


class Joiner:
    """Joins the lines of a trace, for as long as they belong to it."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.ended = True  # the line with the error was there: what follows may be the log's next line

    def takes(self, text: str) -> bool:
        """Return whether `text` belongs to the trace; if so, it is kept."""
        if len(self.lines) >= LIMIT or not self._belongs(text):
            return False
        self.lines.append(text)
        return True

    def _belongs(self, text: str) -> bool:
        raise NotImplementedError


class PythonJoiner(Joiner):
    """Joins a traceback of Python, whose error comes last; only a chain can follow it."""

    def __init__(self) -> None:
        super().__init__(HEAD)
        self.ended = False

    def _belongs(self, text: str) -> bool:
        bare = _MARGIN.sub("", text) if text[:1] in " |+" else text
        if not bare:
            self.ended = self.ended or _CLOSING.match(text) is not None
            return True
        if bare.startswith(_CHAINS) or HEAD in bare[:60]:
            self.ended = False
            return True
        if text[:1] in " \t|+":
            return True
        if self.ended:
            return False
        self.ended = bool(_FINAL.match(text))
        return self.ended


def read(text: str) -> Trace | None:
    r"""Return what the last traceback in `text` reports, whatever its language, None when there is none.

    >>> read('Traceback (most recent call last):\n  File "/srv/pay.py", line 3, in pay\nValueError: no')
    Trace(type='ValueError', frame='srv/pay.py:pay', message='no')
    """
    if HEAD not in text and not _FRAME.search(text):
        return _read_frames(text) or _only_name(text)
    finals = [match for line in text.split("\n") if (match := _final(line))]
    type_, message = (finals[-1][1], finals[-1][2] or "") if finals else ("unknown", "")
    parts = text.split(HEAD)
    frames = _FRAME.findall(text)
    ours = [
        frame for part in (text, parts[-1]) for frame in _FRAME.findall(part) if not _FOREIGN.search(frame[0])
    ]
    place = next(reversed(ours or frames), None)
    return Trace(type=type_, frame=_place(place) if place else "", message=message[:500])


def _final(line: str) -> re.Match[str] | None:
    """Return the type and message that end a traceback, None for another line."""
    bare = _EDGE.sub("", line)
    return None if bare[:1] in " \t" or bare.startswith(HEAD) else _FINAL.match(bare)


def _only_name(text: str) -> Trace | None:
    match = _FINAL.match(text.strip().split("\n")[-1])
    if match is None or not match[1].endswith(("Error", "Exception", "Timeout", "Interrupt", "Exit")):
        return None
    return Trace(type=match[1], frame="", message=(match[2] or "")[:500])


def _place(frame: tuple[str, str]) -> str:
    parts = frame[0].replace("\\", "/").split("/")
    return f"{'/'.join(parts[-2:])}:{frame[1].strip()}"


# Java, .NET, Node and Go.

_AT = re.compile(
    r"\s+at (?:async )?[^\s(][^\n]{0,500}(?:\([^\n]{0,300}\)|:(?:line )?\d+(?::\d+)?)"
    r"(?: ~?\[[^\]\n]{0,200}\])?\s*$"
)
_MORE = ("Caused by: ", "Suppressed: ", "}", "--- End of ")
_CAUSE = re.compile(r"^\s*(?:Caused by: |\[cause\]: |---> )(.{1,500})", re.MULTILINE)
_HEAD = re.compile(
    r"(?:^|[\s:(\"\]])((?:[a-z_][\w$]*\.)*[A-Z][\w$.]*(?:Error|Exception|Throwable|Failure|Fault)"
    r"|(?:Error|Exception)(?=: ))"
    r"(?::\s+([^\n]*)|$|(?=\s))",
    re.MULTILINE,
)
_PLAIN_HEAD = re.compile(r"\s*(error): ([^\n]*)")  # of errors whose name is only that: those of node-pg
_JAVA = re.compile(r"at (?:[\w.@-]{1,60}/{1,2})?([\w$.<>/-]{3,300})\(([^()\n:]{1,200})(?::\d+)?\)")
_NODE = re.compile(
    r"at (?:async )?(?:(.{1,200}?) \()?((?:file://)?[^\s()]{1,300}?):\d+:\d+\)?\s*$", re.MULTILINE
)
_DOTNET = re.compile(r"at ([\w.<>`+$]{3,300})\([^\n]{0,300}\) in ([^\n]{1,300}):line \d+")
_FOREIGN_CODE = re.compile(
    r"(?:javax?|jdk|sun|com\.sun|jakarta|kotlinx?|scala|akka|reactor|groovy|System|Microsoft)\."
    r"|org\.(?:springframework|apache|hibernate|eclipse|jboss|postgresql|slf4j|mariadb)\."
    r"|(?:io\.(?:netty|lettuce|grpc|vertx)|com\.(?:zaxxer|fasterxml|google|mysql)|redis\.clients|okhttp3)\."
)
_FOREIGN_FILE = re.compile(r"node_modules|^node:|^internal/|<anonymous>")

GO_HEADS = ("panic: ", "fatal error: ", "http: panic serving ")
_SERVING = re.compile(r"http: panic serving \S+: ")
_GOROUTINE = re.compile(r"goroutine \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[")
_GO_LINE = re.compile(
    r"goroutine \d+ |\[signal |\t|created by |panic: |exit status \d|runtime stack:"
    r"|[\w./*()\[\]{}$\u2026-]{2,300}\([^\n]*\)$"
)
_GO_FRAME = re.compile(r"^(\S[^\n]{1,300}?)(?:\([^\n()]*\))?\n\t([^\n]{1,400}?\.go):\d+", re.MULTILINE)
_GO_FOREIGN = re.compile(r"/go/src/(?!.*/src/)|/usr/(?:local/|lib/)?go|/pkg/mod/|/vendor/")
_GO_RUNTIME = ("runtime.", "panic", "net/http.", "testing.")


def is_frame(text: str) -> bool:
    r"""Return whether a line is a frame of Java, .NET or Node.

    >>> is_frame("\tat shop.Pay.run(Pay.java:12)"), is_frame("  at home")
    (True, False)
    """
    return _AT.match(text) is not None


class FrameJoiner(Joiner):
    """Joins the line with an error of Java, .NET or Node, its first frame, and the frames that follow."""

    def _belongs(self, text: str) -> bool:
        return (text[:1] in " \t" and bool(text.strip())) or text.startswith(_MORE)


class GoJoiner(Joiner):
    """Joins a panic of Go with what each goroutine was doing."""

    def _belongs(self, text: str) -> bool:
        return not text or _GO_LINE.match(text) is not None


def _read_frames(text: str) -> Trace | None:
    r"""Return what a trace reports: the last error, the nearest place in the team's code, the first cause.

    >>> _read_frames('shop.PayError: no\n\tat java.util.A.b(A.java:1)\n\tat shop.Pay.run(Pay.java:12)')
    Trace(type='shop.PayError', frame='Pay.java:shop.Pay.run', message='no')
    >>> _read_frames("panic: no\n\ngoroutine 1 [running]:\nmain.pay(...)\n\t/srv/pay.go:7 +0x1d").frame
    'srv/pay.go:main.pay'
    """
    if _GOROUTINE.search(text):
        return _of_go(text)
    frames = list(_frames(text))
    if not frames:
        return _of_go(f"error: \n{text}") if _GO_FRAME.search(text) else None
    head = _HEAD.search(text.split("\n", 1)[0]) or _HEAD.search(text) or _PLAIN_HEAD.match(text)
    message = (head[2] or "") if head else ""
    causes = [cause for cause in _CAUSE.findall(text) if cause not in message]
    if causes:
        message = f"{message}; caused by {causes[-1]}".removeprefix("; ")
    nearest = next((frame for frame, is_ours in frames if is_ours), frames[0][0])
    return Trace(type=head[1] if head else "unknown", frame=nearest, message=message[:500])


def _frames(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the frames, the nearest first, and whether each is of the team's code."""
    for line in text.split("\n"):
        if match := _DOTNET.search(line):
            yield f"{_end(match[2])}:{match[1]}", not _FOREIGN_CODE.match(match[1])
        elif match := _NODE.search(line):
            yield f"{_end(match[2])}:{match[1] or '<module>'}", not _FOREIGN_FILE.search(match[2])
        elif match := _JAVA.search(line):
            yield f"{match[2]}:{match[1]}", not _FOREIGN_CODE.match(match[1])


def _of_go(text: str) -> Trace:
    head = next((line for line in text.split("\n") if line.startswith(GO_HEADS)), text.split("\n", 1)[0])
    kind, _, message = _SERVING.sub("panic: ", head).partition(": ")
    if message.startswith("runtime error: "):
        kind, message = "panic: runtime error", message.removeprefix("runtime error: ")
    frames = _GO_FRAME.findall(text)
    ours = [
        frame for frame in frames if not frame[0].startswith(_GO_RUNTIME) and not _GO_FOREIGN.search(frame[1])
    ]
    place = next(iter(ours or frames), None)
    return Trace(type=kind, frame=f"{_end(place[1])}:{place[0]}" if place else "", message=message[:500])


def _end(path: str) -> str:
    return "/".join(path.replace("\\", "/").split("/")[-2:])
