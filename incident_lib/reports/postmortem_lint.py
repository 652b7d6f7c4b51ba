"""What in a post-mortem should be written differently: blame, claims without evidence, loose action items."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date

import msgspec

from incident_lib.reports.postmortem_status import TO_WRITE

_CAUSES = frozenset({"root cause", "five whys", "contributing factors"})
_ITEMS = "action items"
_WHO = (
    r"he|she|they|we|you|nobody|no one|someone|somebody"
    r"|engineers?|developers?|operators?|teams?|on-call|admins?"
)
_BLAME = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"\b(?:human|operator|user|pilot) error\b|\bmistake (?:of|by)\b",
            "say what made the wrong step easy and the right one hard",
        ),
        (
            r"\b(?:should|ought to|must) (?:not )?have\b|\bshouldn't have\b",
            "say what was known then and what made it look right",
        ),
        (r"\bcould(?:n't| not)? have\b", "say what would have been needed for that"),
        (
            rf"\b(?:{_WHO}) (?:have |has |had )?(?:failed|forgot|neglected|omitted|refused) to\b|\bforgot\b",
            "say what did not remind or stop them: a check, an alert, a step of the runbook",
        ),
        (
            (
                r"\bcareless(?:ly|ness)?\b|\bnegligen\w+|\bsloppy\b|\bincompeten\w+|\blazy\b"
                r"|\bto blame\b|\bfault of\b"
            ),
            "say what happened, without judging anyone",
        ),
    )
)
_HANDLE = re.compile(r"(?<![\w.@/])@[A-Za-z][\w-]+(?:\.[\w-]+)*")
_EVIDENCE = re.compile(r"\]\([^)]+\)|`[^`]+`|https?://|\b\d{1,2}:\d{2}\b|\b[A-Z]{2,}-\d+\b|(?<!\w)#\d+\b")
_NO_CLAIM = re.compile(r"^(?:unknown|none known|not known)\b", re.IGNORECASE)
_NOBODY = frozenset(
    {"", "-", "?", "tbd", "all", "everyone", "everybody", "team", "we", "unknown", "owner", "n/a"}
)
_NO_VERB = re.compile(
    r"^(?:(?:the|an?|better|more|new|no|some|our|all|every|we|it|this|that|less|fewer|maybe|perhaps)\b"
    r"|\w+(?:tion|sion|ing|ness|ity|ance|ence|[m]ent|ies)\b|\w*[^su\W]s\b)",
    re.IGNORECASE,
)
_VERBS = frozenset(  # those that look like nouns
    {"bring", "ping", "mention", "position", "provision", "transition", "function", "partition", "document"}
    | {"implement", "supplement", "increment", "experiment", "comment", "reference", "balance", "sequence"}
)
_VAGUE = re.compile(
    r"^(?:improve|investigate|consider|look into|think about|be more|try to|remember)\b",
    re.IGNORECASE,
)
_ROLE_WORDS = frozenset(
    {"on-call", "oncall", "team", "lead", "manager", "engineering", "engineer", "backend", "frontend", "data"}
    | {"platform", "web", "security", "vp", "cto", "legal", "support", "vendor", "primary", "secondary"}
    | {"rota", "rotation", "communication", "scribe"}
)


class LintFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A passage to write differently."""

    line: int  # from 1
    rule: str  # "blame", "name", "claim", "action-item", "empty", "to-write", "offer", "secret"
    text: str  # what stands there
    advice: str  # what to write instead


class _Line(msgspec.Struct, frozen=True):
    number: int
    section: str  # small letters; of the nearest heading of level 2 or 3
    text: str


def lint(
    text: str, *, names: Iterable[str] = (), redact: Callable[[str], str] | None = None
) -> tuple[LintFinding, ...]:
    r"""Return what should be written differently, in the order of lines. `names`: of people and handles.

    >>> [(f.line, f.rule) for f in lint("## Root cause\nJane broke it at 14:31.\n", names=["Jane"])]
    [(2, 'name')]
    """
    lines = list(_lines(text))
    people = _people(names)
    found = [
        *_sections(text),
        *(finding for line in lines for finding in _of_line(line, people)),
        *_action_items(lines),
        *_claims(lines),
    ]
    if redact:
        found += [_secret(line) for line in lines if redact(line.text) != line.text]
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.rule, finding.text)))


def _lines(text: str) -> Iterator[_Line]:
    """Yield the lines that people read, without code blocks and comments, each under its section."""
    section, fence, comment = "", "", False
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        line = raw.strip()
        if (mark := re.match(r"`{3,}|~{3,}", line)) and (not fence or line == fence):
            fence = "" if fence else mark[0]
        elif fence:
            continue
        elif comment or line.startswith("<!--"):
            comment = "-->" not in line
        elif heading := re.match(r"(#{2,3})\s+(.+)", line):
            section = heading[2].strip(" #").lower()
        elif line:
            yield _Line(number, section, line)


def _sections(text: str) -> Iterator[LintFinding]:
    """Yield the sections without a word, and the newer text that was not taken over."""
    heads: list[tuple[int, int, str, bool]] = []  # line, level, name, whether anything stands under it
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        line = raw.strip()
        if heading := re.match(r"(#{2,3})\s+(.+)", line):
            level = len(heading[1])
            if heads and level > heads[-1][1]:
                heads[-1] = (*heads[-1][:3], True)
            heads.append((number, level, heading[2], False))
        elif line.startswith("<!-- incident:offer"):
            yield LintFinding(
                line=number,
                rule="offer",
                text="newer generated text waits here",
                advice="copy what is useful into the text above, then delete this block",
            )
        elif line and not line.startswith("<!--") and heads:
            heads[-1] = (*heads[-1][:3], True)
    for number, _, name, filled in heads:
        if not filled:
            yield LintFinding(
                line=number, rule="empty", text=name, advice="write it, or write that it is unknown"
            )


def _of_line(line: _Line, people: re.Pattern[str] | None) -> Iterator[LintFinding]:
    if TO_WRITE in line.text:
        question = line.text.split(TO_WRITE, 1)[1].split("_", 1)[0].strip(": ")
        yield LintFinding(line=line.number, rule="to-write", text=question, advice="write it")
    for pattern, advice in _BLAME:
        for match in pattern.finditer(line.text):
            yield LintFinding(line=line.number, rule="blame", text=match[0], advice=advice)
    if line.section in _CAUSES:
        handles = _HANDLE.findall(line.text)
        named = people.findall(line.text) if people else []
        for name in dict.fromkeys([*handles, *named]):
            advice = "name the role or the system: a cause that ends at a person does not help to prevent it"
            yield LintFinding(line=line.number, rule="name", text=name, advice=advice)


def _action_items(lines: list[_Line]) -> Iterator[LintFinding]:
    rows = [line for line in lines if line.section == _ITEMS and line.text.startswith("|")]
    columns = [cell.lower() for cell in _cells(rows[0].text)] if rows else []
    items = [row for row in rows[1:] if not re.fullmatch(r"[|:\s-]+", row.text)]
    for row in items:
        cells = dict(zip(columns, _cells(row.text), strict=False))
        if TO_WRITE not in cells.get("action", ""):
            yield from _item(row.number, cells)
    if any(line.section == _ITEMS for line in lines) and not items:
        number = next(line.number for line in lines if line.section == _ITEMS)
        advice = "add one with owner and date for every cause, or say why nothing follows"
        yield LintFinding(line=number, rule="action-item", text="no action item", advice=advice)


def _item(number: int, cells: dict[str, str]) -> Iterator[LintFinding]:
    action = cells.get("action", "").strip("*_~ ")
    if cells.get("action", "").startswith("~~"):
        return  # struck out
    owner, due = cells.get("owner", "").strip("*_ "), cells.get("due", cells.get("due date", ""))

    def wrong(text: str, advice: str) -> LintFinding:
        """Return a finding about this line."""
        return LintFinding(line=number, rule="action-item", text=text, advice=advice)

    if TO_WRITE not in owner and owner.lower() in _NOBODY:
        yield wrong(f"no owner: {action}", "name one person or team as owner")
    if TO_WRITE not in due and not _is_date(due):
        yield wrong(f"no date: {action}", "write the date as 2026-01-31")
    if _VAGUE.match(action):
        yield wrong(action, "say what will be different, so that it can be seen done")
    elif not begins_with_verb(action):
        yield wrong(action, "start with a verb: Add, Remove, Limit, Alert on, Practice")


def begins_with_verb(action: str) -> bool:
    """Return whether an action begins like an order, as far as its first word shows.

    >>> begins_with_verb("Add an alert"), begins_with_verb("Better monitoring"), begins_with_verb("Alerts")
    (True, False, False)
    """
    first = (action.split() or [""])[0].strip(".,:;").lower()
    return bool(first) and (first in _VERBS or not _NO_VERB.match(first))


def _claims(lines: list[_Line]) -> Iterator[LintFinding]:
    """Yield claims about causes without a finding, a link, a time or a ticket in its paragraph or item."""
    for number, text in _paragraphs([line for line in lines if line.section in _CAUSES]):
        if TO_WRITE in text or text.startswith((">", "|")) or text.rstrip("_* ").endswith("?"):
            continue
        if not _EVIDENCE.search(text) and not _NO_CLAIM.match(text):
            advice = "add its evidence: a finding's id in backticks, a link, a time; or write: unknown"
            yield LintFinding(line=number, rule="claim", text=text[:80], advice=advice)


def _paragraphs(lines: list[_Line]) -> Iterator[tuple[int, str]]:
    """Yield paragraphs and items of lists with the number of their first line."""
    start, last, text = 0, 0, ""
    for line in lines:
        item = re.match(r"(?:[-*+]|\d+[.)])\s+", line.text)
        if text and line.number == last + 1 and not item:
            text += f" {line.text}"
        else:
            if text:
                yield start, text
            start, text = line.number, line.text[item.end() :] if item else line.text
        last = line.number
    if text:
        yield start, text


def _secret(line: _Line) -> LintFinding:
    advice = "remove it here, and rotate it where it is used"
    return LintFinding(line=line.number, rule="secret", text="this looks like a secret", advice=advice)


def _people(names: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds the names: in full, and first and last names where it is no role."""
    words: set[str] = set()
    for name in names:
        parts = name.strip().lstrip("@").split()
        if not parts or all(part.lower() in _ROLE_WORDS for part in parts):
            continue
        words.add(name.strip())
        if len(parts) > 1 and not any(part.lower() in _ROLE_WORDS for part in parts):
            words |= {part for part in parts if len(part) > 2 and part[0].isupper()}
    if not words:
        return None
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w@])(?:{listed})(?![\w-])")


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text.strip("*_ "))
    except ValueError:
        return False
    return True
