"""Python tracebacks, chained and grouped ones too: joined and read; those of other languages read."""

import re

from incident_lib.technologies.logs.probes import traces
from incident_lib.technologies.logs.probes.raised import Raised

HEAD = "Traceback (most recent call last):"
_LIMIT = 2_000  # lines of one traceback; recursion writes a thousand
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
    """Takes lines one by one and says whether each belongs to the traceback that is open."""

    def __init__(self, first: str) -> None:
        self.lines = [first]
        self.ended = False  # the final line was there: only a chain can follow

    def takes(self, text: str) -> bool:
        """Return whether `text` belongs to the traceback; if so, it is kept."""
        bare = _MARGIN.sub("", text) if text[:1] in " |+" else text
        if len(self.lines) >= _LIMIT or not self._belongs(text, bare):
            return False
        self.lines.append(text)
        return True

    def _belongs(self, text: str, bare: str) -> bool:
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


def read(text: str) -> Raised | None:
    r"""Return what the last traceback in `text` says, whatever its language, None when there is none.

    >>> read('Traceback (most recent call last):\n  File "/srv/pay.py", line 3, in pay\nValueError: no')
    Raised(type='ValueError', frame='srv/pay.py:pay', message='no')
    """
    if HEAD not in text and not _FRAME.search(text):
        return traces.read(text) or _only_name(text)
    finals = [match for line in text.split("\n") if (match := _final(line))]
    type_, message = (finals[-1][1], finals[-1][2] or "") if finals else ("unknown", "")
    parts = text.split(HEAD)
    frames = next((found for part in (parts[-1], text) if (found := _own(part))), None) or _any(text)
    return Raised(type=type_, frame=frames, message=message[:500])


def _final(line: str) -> re.Match[str] | None:
    bare = _EDGE.sub("", line)
    return None if bare[:1] in " \t" or bare.startswith(HEAD) else _FINAL.match(bare)


def _only_name(text: str) -> Raised | None:
    match = _FINAL.match(text.strip().split("\n")[-1])
    if match is None or not match[1].endswith(("Error", "Exception", "Timeout", "Interrupt", "Exit")):
        return None
    return Raised(type=match[1], frame="", message=(match[2] or "")[:500])


def _own(text: str) -> str:
    """Return the last frame that is neither of the standard library nor of an installed package."""
    own = [frame for frame in _FRAME.findall(text) if not _FOREIGN.search(frame[0])]
    return _place(own[-1]) if own else ""


def _any(text: str) -> str:
    frames = _FRAME.findall(text)
    return _place(frames[-1]) if frames else ""


def _place(frame: tuple[str, str]) -> str:
    parts = frame[0].replace("\\", "/").split("/")
    return f"{'/'.join(parts[-2:])}:{frame[1].strip()}"
