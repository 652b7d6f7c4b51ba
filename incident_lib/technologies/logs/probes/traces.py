"""Stack traces -> what was raised where: of Python, Java, .NET, Node, Go, Ruby, PHP, Elixir and Rust.

They are joined first, chained and grouped ones of Python too.
"""

import re
from collections.abc import Iterator

import msgspec

from incident_lib.expressions import expression


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What a stack trace reports: the type of the error, where in the team's code it arose, its message."""

    type: str
    frame: str
    message: str


LIMIT = 2_000  # lines of one trace that are joined: recursion writes a thousand

# Python.

HEAD = "Traceback (most recent call last):"
_MARGIN = expression(r"^[\s|+>-]+")  # exception groups are drawn with a margin; loguru marks a frame
_OUTERMOST = "  + Exception Group Traceback"
_CLOSING = expression(r"\s*\+-{20,}$")
_EDGE = expression(r"^\s*[|+](?: |$)")
_FRAME = expression(r"^[\s|>]*File \"([^\"]{1,500})\", line \d+, in ([^\n]{1,200})", re.MULTILINE)
_FINAL = expression(
    r"^[\s|]*((?!(?:INFO|DEBUG|WARNING|ERROR|CRITICAL|FATAL|LOG|WARN|DETAIL|HINT|CONTEXT|During|The)\b)[A-Za-z_][\w.]{0,200})"
    r"(?:: ([^\n]*))?$"
)
_REST = expression(  # of the message of psycopg and SQLAlchemy
    r"LINE \d{1,6}: |(?:DETAIL|HINT|CONTEXT):  |connection to server (?:at|on) \""
    r"|\[(?:SQL|parameters): |\(Background on this error at: "
)
_SCOPED = expression(r"((?:[A-Z]\w{0,80}(?:::|\\))+[A-Z]\w{0,100})(?:: ([^\n]*))?$")  # of Ruby and PHP
_INDENT = expression(r"^ {3,40}(?=  File \")", re.MULTILINE)
_INTERLEAVED = f"{HEAD}\n{HEAD}"  # of two processes: which frame is whose is not known
_CHAINS = ("During handling of the above exception", "The above exception was the direct cause")
_FOREIGN = expression(r"site-packages|dist-packages|[/\\]lib[/\\]python\d|^<|importlib")


class Joiner:
    """Joins the lines of a trace, for as long as they belong to it."""

    has_head = True  # words that open a trace whatever stands before them in the line

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
        self._chained = False
        self._indent = 0  # of the whole traceback, where it is written as a part of a line

    def _belongs(self, text: str) -> bool:
        bare = _MARGIN.sub("", text) if text[:1] in " |+>" else text
        if bare.startswith(_CHAINS):
            self.ended, self._chained = False, True
        elif HEAD in bare[:60]:
            if self.ended and not self._chained and (bare is text or text.startswith(_OUTERMOST)):
                return False  # another error, right behind
            self.ended = self._chained = False
        elif not bare:
            self.ended = self.ended or _CLOSING.match(text) is not None
        elif text[:1] not in " \t|+" and not text.startswith("> File "):
            if self.ended and not self._indent and _REST.match(text):
                return True
            if self.ended or self._indent:
                return False
            self.ended = bool(_FINAL.match(text))
            return self.ended
        elif text[:5] == "     " and not self._indent and bare.startswith('File "'):
            self._indent = len(text) - len(bare) - 2 if text.endswith(bare) and "|" not in text[:40] else 0
        elif self._indent and len(text) - len(text.lstrip(" ")) == self._indent:
            self.ended = True
        return True


def read(text: str) -> Trace | None:
    r"""Return what the last traceback in `text` reports, whatever its language, None when there is none.

    >>> read('Traceback (most recent call last):\n  File "/srv/pay.py", line 3, in pay\nValueError: no')
    Trace(type='ValueError', frame='srv/pay.py:pay', message='no')
    """
    if "\n" not in text and _FLAT in text:  # .NET writes its documents so
        text = text.replace(_FLAT, f"\n{_FLAT}").replace(" ---> ", "\n ---> ")
    if HEAD not in text and not _FRAME.search(text):
        return _read_frames(text) or _only_name(text)
    if indent := _INDENT.search(text):  # all of it, as Tornado writes what belongs to a line
        text = "\n".join(line.removeprefix(indent[0]) for line in text.split("\n"))
    finals = [match for line in text.split("\n") if (match := _final(line))]
    type_, message = (finals[-1][1], finals[-1][2] or "") if finals else ("unknown", "")
    parts = text.split(HEAD)
    frames = _FRAME.findall(text)
    ours = [
        frame for part in (text, parts[-1]) for frame in _FRAME.findall(part) if not _FOREIGN.search(frame[0])
    ]
    place = None if _INTERLEAVED in text else next(reversed(ours or frames), None)
    return Trace(type=type_, frame=_place(place) if place else "", message=message[:500])


_FLAT = "   at "  # frames behind each other in one line
_OUTERMOST_CALLS = frozenset({"<module>", "_run_module_as_main"})


def ends_process(text: str) -> bool:
    r"""Return whether a trace without any header is in the form in which a runtime writes it as its last.

    What a program catches and prints begins where it was caught, not where the program does.

    >>> text = 'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in {}\nKeyError: 1'
    >>> ends_process(text.format("<module>")), ends_process(text.format("handle"))
    (True, False)
    """
    if text.startswith(HEAD):
        outermost = _FRAME.search(text.rpartition(HEAD)[2])
        return outermost is not None and outermost[2].strip() in _OUTERMOST_CALLS
    return (
        (text.startswith(("panic: ", "fatal error: ")) and _GOROUTINE.search(text) is not None)
        or text.startswith(('Exception in thread "main" ', "thread 'main' "))
        or "\n    at node:internal/main/run_main_module:" in text
    )


def _final(line: str) -> re.Match[str] | None:
    """Return the type and message that end a traceback, None for another line."""
    bare = _EDGE.sub("", line)
    return None if bare[:1] in " \t" or bare.startswith(HEAD) else _FINAL.match(bare)


def _only_name(text: str) -> Trace | None:
    last = text.strip().split("\n")[-1]
    match = _FINAL.match(last) or _SCOPED.match(last)
    if match is None or not match[1].endswith(("Error", "Exception", "Timeout", "Interrupt", "Exit")):
        return None
    return Trace(type=match[1], frame="", message=(match[2] or "")[:500])


def _place(frame: tuple[str, str]) -> str:
    parts = frame[0].replace("\\", "/").split("/")
    return f"{'/'.join(parts[-2:])}:{frame[1].strip()}"


# Java, .NET, Node and Go.

_AT = expression(
    r"\s+at (?:async )?[^\s(][^\n]{0,500}(?:\([^\n]{0,300}\)|:(?:line )?\d+(?::\d+)?)"
    r"(?: ~?\[[^\]\n]{0,200}\]| \{)?\s*$"
)
_MORE = (
    "Caused by: ",
    "Suppressed: ",
    "}",
    "--- End of ",
    "Stack trace:",
    "PHP Stack trace:",
    "  thrown in ",
)
_RUBY = expression(
    r"\s*(?:\d{1,4}: )?(?:from )?([^\s:]{1,300}\.(?:rb|erb|ru|rake)):(\d{1,7}):in [`']([^'\n]{1,200})'"
)
_RUBY_ERROR = expression(
    r": ([^\n]{0,500}) \(((?:[A-Z]\w*::)*[A-Z]\w*)\)$"
    r"|(?:^|[\s:])((?:[A-Z]\w*::)*[A-Z]\w*(?:Error|Exception|Invalid|NotFound|Timeout)) \(([^\n]{0,500})\)",
    re.MULTILINE,
)
_PHP = expression(
    r"(?:PHP +\d+\. |#\d{1,4} )"
    r"(?:([^\s(]{1,300}\.php)\((\d{1,7})\): ([^\n(]{1,200})|\{main|\[int)"
)
_PHP_ERROR = expression(
    r"Uncaught (?:exception ')?([\w\\]{1,200})(?:' with message '|: )([^\n]{0,500}?)"
    r" in ([^\s:]{1,300}\.php):(\d{1,7})"
)
_MONOLOG = expression(  # of Laravel and Symfony, in JSON behind the message
    r"\[object\] \(([\w\\]{1,200})\(code: [^()\n]{0,40}\): ([^\n]{0,1000}?)"
    r" at ([^\s:]{1,300}\.php):(\d{1,7})\)"
)
_ELIXIR = expression(
    r" +(?:\(([a-z_]\w{0,60})(?: [^()\s]{1,40})?\) )?"
    r"((?:[\w.-]{1,80}/){0,12}[\w.-]{1,80}\.(?:exs?|h?eex|erl)):\d{1,7}: ([^\n]{1,200})"
)
_ELIXIR_ERROR = expression(r"\*\* \(([A-Z][\w.]{0,120}|stop|exit|throw)\) ([^\n]{0,500})")
_ELIXIR_FOREIGN = expression(
    r"(?:elixir|stdlib|kernel|logger|telemetry|ecto|ecto_sql|db_connection|postgrex|myxql|redix|phoenix\w*|plug\w*"
    r"|cowboy\w*|ranch|bandit|thousand_island|absinthe\w*|oban|finch|mint|tesla|jason|gen_stage|broadway)$"
)
_CAUSE = expression(r"^\s*(?:Caused by: |\[cause\]: |---> )(.{1,500})", re.MULTILINE)
_HEAD = expression(
    r"(?:^|[\s:(\"\]])((?:[a-z_][\w$]*\.)*[A-Z][\w$.]*(?:Error|Exception|Throwable|Failure|Fault)"
    r"|(?:Error|Exception)(?=: ))"
    r"(?: \(0x[\da-fA-F]{8}\)(?=:))?(?::\s+([^\n]*)|$|(?=\s))",
    re.MULTILINE,
)
_PLAIN_HEAD = expression(r"\s*(error): ([^\n]*)")  # of errors whose name is only that: those of node-pg
_JAVA = expression(r"at (?:[\w.@-]{1,60}/{1,2})?([\w$.<>/-]{3,300})\(([^()\n:]{1,200})(?::\d+)?\)")
_NODE = expression(
    r"at (?:async )?(?:(.{1,200}?) \()?((?:file://)?[^\s()]{1,300}?):\d+:\d+\)?(?: \{)?\s*$", re.MULTILINE
)
_DOTNET = expression(r"at ([\w.<>`+$]{3,300})\([^\n]{0,300}\) in ([^\n]{1,300}):line \d+")
_DOTNET_BARE = expression(r"^ +at ([A-Za-z_][\w.<>`+$|]{3,300})\(([^\n()]{0,300})\)\s*$")  # without its file
_FOREIGN_CODE = expression(
    r"(?:javax?|jdk|sun|com\.sun|jakarta|kotlinx?|scala|akka|reactor|groovy|System|Microsoft)\."
    r"|org\.(?:springframework|apache|hibernate|eclipse|jboss|postgresql|slf4j|mariadb)\."
    r"|(?:StackExchange|Npgsql|MySqlConnector|Newtonsoft|Dapper|Polly|Grpc|RabbitMQ|Confluent|MassTransit)\."
    r"|(?:io\.(?:netty|lettuce|grpc|vertx)|com\.(?:zaxxer|fasterxml|google|mysql)|redis\.clients|okhttp3)\."
)
_FOREIGN_FILE = expression(r"node_modules|^node:|^internal/|<anonymous>")

GO_HEADS = ("panic: ", "fatal error: ", "http: panic serving ")
_SERVING = expression(r"http: panic serving \S+: ")
_GOROUTINE = expression(r"goroutine \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[")
_GO_LINE = expression(
    r"goroutine \d+ |\[signal |\t|created by |panic: |exit status \d|runtime stack:"
    r"|[\w./*()\[\]{}$\u2026-]{2,300}\([^\n]*\)$"
)
_GO_FRAME = expression(r"^(\S[^\n]{1,300}?)(?:\([^\n()]*\))?\n\t([^\n]{1,400}?\.go):\d+", re.MULTILINE)
_GO_FOREIGN = expression(r"/go/src/(?!.*/src/)|/usr/(?:local/|lib/)?go|/pkg/mod/|/vendor/")
_GO_LOGGER = expression(
    r"(?i:log|zap)\w{0,40}\)?\.(?:DPanic|Error|Fatal|Panic|Warn)[fw]?$"
)  # it writes its own stack
_GO_RUNTIME = ("runtime.", "panic", "net/http.", "testing.")


_ALONE = expression(r"(?:[a-z_][\w$]*\.){1,12}[A-Z][\w$]*(?:Error|Exception)(?:: [^\n]*)?$")


def raised_alone(details: str) -> str:
    """Return the error that the lines below a message begin with, "" without any: some have no frames.

    >>> raised_alone("org.apache.kafka.common.errors.TimeoutException: no metadata")
    'org.apache.kafka.common.errors.TimeoutException: no metadata'
    >>> raised_alone("see kafka.errors.KafkaError: what it means")
    ''
    """
    first = details.split("\n", 1)[0]
    return first if _ALONE.match(first) else ""


def is_frame(text: str) -> bool:
    r"""Return whether a line is a frame of Java, .NET, Node, Ruby, PHP or Elixir.

    >>> is_frame("\tat shop.Pay.run(Pay.java:12)"), is_frame("  at home")
    (True, False)
    """
    if "at " in text and _AT.match(text):
        return True
    if ":in " in text and (frame := _RUBY.match(text)):
        return not text.startswith(": ", frame.end())  # the error itself stands behind the nearest frame
    if (".ex" in text or ".erl:" in text) and _ELIXIR.match(text):
        return True
    return text.startswith(("#0 ", "Stack trace:", "PHP Stack trace:")) and (
        text[0] != "#" or _PHP.match(text) is not None
    )


class FrameJoiner(Joiner):
    """Joins the line with an error of Java, .NET, Node, Ruby or PHP, and its frames."""

    def _belongs(self, text: str) -> bool:
        if text[:1] in " \t":
            return bool(text.strip())
        return (
            text.startswith(_MORE)
            or (text[:1] == "#" and _PHP.match(text) is not None)
            or (":in " in text and _RUBY.match(text) is not None)
        )


class GoJoiner(Joiner):
    """Joins a panic of Go with what each goroutine was doing."""

    has_head = False

    def _belongs(self, text: str) -> bool:
        if text.startswith(GO_HEADS) and any(line.startswith("goroutine ") for line in self.lines):
            return False  # another, right behind: a panic within a panic stands before what was running
        return not text or _GO_LINE.match(text) is not None


class RustJoiner(Joiner):
    """Joins a panic of Rust with its message, its note and its backtrace."""

    has_head = False

    def _belongs(self, text: str) -> bool:
        if len(self.lines) == 1 and self.lines[0].endswith(":"):
            return True  # the message has a line of its own since 1.73
        return text.startswith(("stack backtrace:", "note: ", "  "))


def opens(text: str) -> bool:
    """Return whether a line opens a trace by itself.

    >>> opens("Traceback (most recent call last):"), opens("thread 'main' panicked at src/main.rs:4:5:")
    (True, True)
    >>> opens("no panic: all is well")
    False
    """
    return (
        HEAD in text
        or text.startswith(GO_HEADS)
        or (" panicked at " in text and _RUST.match(text) is not None)
    )


def may_go_on(text: str) -> bool:
    """Return whether a line would belong to a traceback before it that has ended.

    >>> may_go_on("Caused by: java.io.IOException: no"), may_go_on("INFO ready")
    (True, False)
    """
    if text[:1] in " \t":
        return False  # what is indented may be the next line of the log
    after = PythonJoiner()
    after.ended = True
    return after.takes(text) or FrameJoiner().takes(text)


def joiner_of(text: str) -> Joiner | None:
    """Return what joins the lines of the trace that the line opens, None where it opens none."""
    if HEAD in text:
        return PythonJoiner()
    if text.startswith(GO_HEADS):
        return GoJoiner(text)
    return RustJoiner(text) if " panicked at " in text and _RUST.match(text) else None


def _read_frames(text: str) -> Trace | None:
    r"""Return what a trace reports: the last error, the nearest place in the team's code, the first cause.

    >>> _read_frames('shop.PayError: no\n\tat java.util.A.b(A.java:1)\n\tat shop.Pay.run(Pay.java:12)')
    Trace(type='shop.PayError', frame='Pay.java:shop.Pay.run', message='no')
    >>> _read_frames("panic: no\n\ngoroutine 1 [running]:\nmain.pay(...)\n\t/srv/pay.go:7 +0x1d").frame
    'srv/pay.go:main.pay'
    """
    if _GOROUTINE.search(text):
        return _of_go(text)
    if " panicked at " in text and (panic := _RUST.search(text)):
        return _of_rust(text, panic)
    frames = list(_frames(text))
    if error := _of_php(text):
        place = f"{_end(error[3])}:{error[4]}"
        if "[object] (" in text:
            place = next((frame for frame, is_ours in frames if is_ours), place)
        return Trace(type=error[1].replace("\\\\", "\\"), frame=place, message=error[2][:500])
    if not frames:
        return _of_go(f"error: \n{text}") if _GO_FRAME.search(text) else None
    nearest = next((frame for frame, is_ours in frames if is_ours), frames[0][0])
    if named := _named(text):
        return Trace(type=named[0], frame=nearest, message=named[1][:500])
    head = _HEAD.search(text.split("\n", 1)[0]) or _HEAD.search(text) or _PLAIN_HEAD.match(text)
    message = (head[2] or "") if head else ""
    causes = [cause for cause in _CAUSE.findall(text) if cause not in message]
    if causes:
        message = f"{message}; caused by {causes[-1]}".removeprefix("; ")
    return Trace(type=head[1] if head else "unknown", frame=nearest, message=message[:500])


def _named(text: str) -> tuple[str, str] | None:
    """Return the error and its message as Ruby and Elixir write them, None for other errors."""
    if ":in " in text and _RUBY.search(text) and (error := _RUBY_ERROR.search(text)):
        return error[2] or error[3], error[1] or error[4] or ""
    error = _ELIXIR_ERROR.search(text) if "** (" in text else None
    return (error[1], error[2]) if error else None


def _of_php(text: str) -> re.Match[str] | None:
    return ("Uncaught " in text and _PHP_ERROR.search(text)) or (
        _MONOLOG.search(text) if "[object] (" in text else None
    )


def _frames(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the frames, the nearest first, and whether each is of the team's code."""
    for line in text.split("\n"):
        if match := _DOTNET.search(line):
            yield f"{_end(match[2])}:{match[1]}", not _FOREIGN_CODE.match(match[1])
        elif match := _NODE.search(line):
            yield f"{_end(match[2])}:{match[1] or '<module>'}", not _FOREIGN_FILE.search(match[2])
        elif (match := _DOTNET_BARE.search(line)) and _is_of_dotnet(match[2]):
            yield match[1], not _FOREIGN_CODE.match(match[1])
        elif match := _JAVA.search(line):
            yield f"{match[2]}:{match[1]}", not _FOREIGN_CODE.match(match[1])
        elif ":in " in line and (match := _RUBY.search(line)):
            yield f"{_end(match[1])}:{match[3]}", "/gems/" not in match[1] and "/lib/ruby/" not in match[1]
        elif (".ex" in line or ".erl:" in line) and (match := _ELIXIR.match(line)):
            yield f"{_end(match[2])}:{match[3]}", not _ELIXIR_FOREIGN.match(match[1] or "")
        elif (match := _PHP.match(line)) and match[1]:
            yield f"{_end(match[1])}:{match[3]}", "/vendor/" not in match[1]


def _is_of_dotnet(parameters: str) -> bool:
    """Return whether what stands in the brackets of a frame are types and names, and no file.

    >>> _is_of_dotnet("Int32 id, String name"), _is_of_dotnet(""), _is_of_dotnet("Native Method")
    (True, True, False)
    """
    return parameters not in {"Native Method", "Unknown Source"} and (not parameters or " " in parameters)


def _of_go(text: str) -> Trace:
    head = next((line for line in text.split("\n") if line.startswith(GO_HEADS)), text.split("\n", 1)[0])
    kind, _, message = _SERVING.sub("panic: ", head).partition(": ")
    if message.startswith("runtime error: "):
        kind, message = "panic: runtime error", message.removeprefix("runtime error: ")
    frames = _GO_FRAME.findall(text)
    ours = [
        frame
        for frame in frames
        if not (
            frame[0].startswith(_GO_RUNTIME)
            or _GO_FOREIGN.search(frame[1])
            or _GO_LOGGER.search(frame[0][-100:])
        )
    ]
    place = next(iter(ours or frames), None)
    return Trace(type=kind, frame=f"{_end(place[1])}:{place[0]}" if place else "", message=message[:500])


_RUST = expression(
    r"thread '([^'\n]{0,100})' (?:\(\d+\) )?panicked at (?:'([^\n]{0,1000})', )?"
    r"([^\s:]{1,300}\.rs):(\d{1,7}):\d{1,6}:?"
)


def _of_rust(text: str, panic: re.Match[str]) -> Trace:
    message = panic[2] or text[panic.end() :].lstrip("\n").split("\n", 1)[0]
    return Trace(type="panic", frame=f"{_end(panic[3])}:{panic[4]}", message=message[:500])


def _end(path: str) -> str:
    return "/".join(path.replace("\\", "/").split("/")[-2:])
