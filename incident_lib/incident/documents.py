"""What is stored or handed over, redacted by its own structure: a page stays a page, a table a table.

A document that was redacted when it was written comes out byte for byte as it was: what a rule reads must be
what it read then, a text between two tags as a person reads it, a value under its name, a cell of a table.
"""

import base64
import binascii
import html
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import msgspec

from incident_lib.redact import Redactor

_STRUCTURED = {".json", ".ipynb"}
_MARKUP = {".html", ".htm", ".xhtml", ".svg", ".xml"}
_MARKDOWN = {".md", ".markdown"}
MARKUP_KINDS = ("text/html", "image/svg+xml")

_PIECES = re.compile(
    r"(<!--.*?(?:-->|\Z)|<style\b.*?(?:</style\s*>|\Z)|<[/!?a-z][^<>]*>)", re.DOTALL | re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"""(\s[^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)""")
_PICTURE = re.compile(r"data:image/[\w.+-]{1,40};base64,([\w+/=\s-]*)")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF", b"BM", b"\x00\x00\x01\x00")
_GEOMETRY = re.compile(r"[MmLlHhVvCcSsQqTtAaZz\d\s.,eE+-]*")  # of a drawing
_DRAWN = {"d", "points"}
_NAMED = ("name", "id", "property", "itemprop", "key")  # attributes that name what `value` or `content` holds
_VALUES = ("value", "content")

_HASH = re.compile(r"[0-9a-f]{64}")
_MARK = re.compile(r"[ \t]*<!-- incident:(?:begin|offer|end|blocks)(?: [\w.-]+)* -->[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CELL = re.compile(r"((?<!\\)\|)")
_BACKSLASH = re.compile(r"\\([!-/:-@\[-`{-~])")


def hide(data: bytes, name: str, redactor: Redactor) -> bytes:
    """Return the content of a file redacted, `data` itself where nothing in it is secret.

    Errors: RedactionError, UnicodeDecodeError where it is no text.
    """
    text = data.decode()
    suffix = PurePath(name).suffix.lower()
    if suffix in _STRUCTURED:
        return _hide_json(data, text, name, redactor)
    if suffix in _MARKUP:
        hidden = hide_markup(text, redactor)
    elif suffix in _MARKDOWN:
        hidden = hide_markdown(text, redactor)
    else:
        hidden = redactor.text(text)
    return data if hidden == text else hidden.encode()


def _hide_json(data: bytes, text: str, name: str, redactor: Redactor) -> bytes:
    try:
        document = msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return redactor.text(text).encode()  # broken, and still not to be shown
    is_notebook = isinstance(document, dict) and isinstance(document.get("cells"), list)
    hidden = hide_notebook(document, redactor) if is_notebook else _hide_ours(document, name, redactor)
    return data if hidden == document else msgspec.json.format(msgspec.json.encode(hidden), indent=1)


def _hide_ours(document: Any, name: str, redactor: Redactor) -> Any:
    """Return a document redacted, but for what ours say of themselves: counts of secrets, and hashes."""
    if not isinstance(document, dict):
        return redactor.value(document)
    file = PurePath(name).name
    if file == "snapshot.json":
        return _apart(document, "hidden", _is_counts, redactor)
    if file == "findings.json" and isinstance(findings := document.get("findings"), list):
        rest = {key: value for key, value in document.items() if key != "findings"}
        hidden = redactor.value(rest)
        judged = [_apart(finding, "evidence_hashes", _is_hashes, redactor) for finding in findings]
        return {**hidden, "findings": judged}
    return redactor.value(document)


def _apart(document: Any, key: str, is_ours: Callable[[dict[str, Any]], bool], redactor: Redactor) -> Any:
    """Return a record redacted, what stands under `key` only in its names where it is what we write there."""
    ours = document.get(key) if isinstance(document, dict) else None
    if not isinstance(ours, dict) or not is_ours(ours):
        return redactor.value(document)
    hidden = redactor.value({name: value for name, value in document.items() if name != key})
    return {**hidden, key: {redactor.text(name): value for name, value in ours.items()}}


def _is_counts(ours: dict[str, Any]) -> bool:
    return all(isinstance(count, int) for count in ours.values())


def _is_hashes(ours: dict[str, Any]) -> bool:
    return all(isinstance(digest, str) and _HASH.fullmatch(digest) for digest in ours.values())


def hide_notebook(document: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return a notebook in builtin types redacted: sources, outputs by their kind, and metadata by value."""
    hidden = redactor.value({key: value for key, value in document.items() if key != "cells"})
    return {**hidden, "cells": [_hide_cell(cell, redactor) for cell in document["cells"]]}


def _hide_cell(cell: Any, redactor: Redactor) -> Any:
    if not isinstance(cell, dict):
        return redactor.value(cell)
    hidden: dict[str, Any] = {}
    for key, value in cell.items():
        if key == "source":
            hidden[key] = _joined(value, redactor.text)
        elif key == "outputs" and isinstance(value, list):
            hidden[key] = [_hide_output(output, redactor) for output in value]
        else:
            hidden |= redactor.value({key: value})
    return hidden


def _hide_output(output: Any, redactor: Redactor) -> Any:
    if not isinstance(output, dict):
        return redactor.value(output)
    hidden: dict[str, Any] = {}
    for key, value in output.items():
        if key == "data" and isinstance(value, dict):
            hidden[key] = {kind: hide_data(kind, data, redactor) for kind, data in value.items()}
        elif key == "text":
            hidden[key] = _joined(value, redactor.text)
        elif key == "traceback" and isinstance(value, list):
            hidden[key] = [redactor.text(str(line)) for line in value]
        else:
            hidden |= redactor.value({key: value})
    return hidden


def hide_data(kind: str, data: Any, redactor: Redactor) -> Any:
    """Return an output of MIME type `kind` redacted; markup stays markup, pictures stay as they are.

    >>> hide_data("text/html", "<td>password: </td><td>5 &lt; 6 token=abcd1</td>", Redactor())
    '<td>password: </td><td>5 &lt; 6 token=[secret]</td>'
    """
    if kind in MARKUP_KINDS:
        return _joined(data, lambda text: hide_markup(text, redactor))
    if kind.startswith("image/") and _is_picture("".join(data) if isinstance(data, list) else str(data)):
        return data
    if kind.startswith("text/"):
        return _joined(data, redactor.text)
    return redactor.value(data)


def _joined(value: Any, hide_text: Callable[[str], str]) -> Any:
    """Return a text that a notebook holds redacted; where it stands in lines, in lines."""
    if isinstance(value, str):
        return hide_text(value)
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        return hide_text(str(value))
    text = "".join(value)
    hidden = hide_text(text)
    return value if hidden == text else hidden.splitlines(keepends=True)


def hide_markup(text: str, redactor: Redactor) -> str:
    """Return HTML, SVG or XML redacted: each text between tags as a person reads it, each attribute alone.

    >>> hide_markup('<td>password</td><td title="token=&quot;abcd1&quot;">&lt;5</td>', Redactor())
    '<td>password</td><td title="token=&quot;[secret]&quot;">&lt;5</td>'
    """
    clean: set[str] = set()  # tags are few, and come again and again
    pieces = _PIECES.split(text)
    for place, piece in enumerate(pieces):
        if piece in clean:
            continue
        pieces[place] = hidden = _hide_piece(piece, redactor)
        if hidden == piece:
            clean.add(piece)
    return "".join(pieces)


def _hide_piece(piece: str, redactor: Redactor) -> str:
    if not piece.strip():
        return piece
    if piece.startswith("<!--"):
        return piece if _MARK.fullmatch(piece) else redactor.text(piece)
    if piece[:6].lower() == "<style":
        return redactor.text(piece)
    if piece.startswith("<") and piece.endswith(">"):
        return _hide_tag(piece, redactor)
    return _hide_escaped(piece, redactor)


def _hide_tag(tag: str, redactor: Redactor) -> str:
    named = {
        match[1].strip().lower(): html.unescape(match[3].strip("\"'")) for match in _ATTRIBUTE.finditer(tag)
    }
    name = next((named[key] for key in _NAMED if named.get(key)), "")

    def hidden(match: re.Match[str]) -> str:
        """Return an attribute with its value redacted."""
        quote = match[3][0] if match[3][0] in "\"'" else ""
        value = match[3][len(quote) : len(match[3]) - len(quote)]
        attribute = match[1].strip().lower()
        if attribute in _DRAWN and _GEOMETRY.fullmatch(value):
            return match[0]
        plain = html.unescape(value)
        safe = plain if _is_embedded(plain) else _hide_named(attribute, plain, redactor)
        if name and attribute in _VALUES:
            safe = _hide_named(name, safe, redactor)
        if safe == plain:
            return match[0]
        return f"{match[1]}{match[2]}{quote or chr(34)}{html.escape(safe)}{quote or chr(34)}"

    return _ATTRIBUTE.sub(hidden, tag)


def _hide_named(name: str, value: str, redactor: Redactor) -> str:
    return str(next(iter(redactor.value({name: value}).values())))


def _is_embedded(value: str) -> bool:
    """Return whether an address is a picture in itself."""
    picture = _PICTURE.fullmatch(value)
    return bool(picture and _is_picture(picture[1]))


def _is_picture(data: str) -> bool:
    """Return whether base64 text begins as the file of a picture does.

    >>> _is_picture("iVBORw0KGgoAAAANSUhEUg"), _is_picture("cGFzc3dvcmQ9aHVudGVyMg==")
    (True, False)
    """
    try:
        head = base64.b64decode("".join(data[:64].split())[:24].ljust(24, "="))
    except (binascii.Error, ValueError):
        return False
    return head.startswith(_MAGIC)


def _hide_escaped(text: str, redactor: Redactor) -> str:
    plain = html.unescape(text)
    hidden = redactor.text(plain)
    return text if hidden == plain else html.escape(hidden)


def hide_markdown(text: str, redactor: Redactor) -> str:
    r"""Return Markdown redacted: a table cell by cell, code and paragraphs as they stand.

    >>> hide_markdown("| password | hash |\n|---|---|\n| token=abcd1 | 5 |\n", Redactor())
    '| password | hash |\n|---|---|\n| token=[secret] | 5 |\n'
    """
    done: list[str] = []
    block: list[str] = []
    fence = ""

    def end_block() -> None:
        """Redact the lines that were kept together."""
        done.append(_hide_block("".join(block), redactor))
        block.clear()

    for line in text.splitlines(keepends=True):
        match = _FENCE.match(line)
        if match and (not fence or (match[1][0] == fence[0] and len(match[1]) >= len(fence))):
            fence = "" if fence else match[1]
        bare = line.rstrip("\r\n")
        if not fence and _MARK.fullmatch(bare):
            end_block()
            done.append(line)
        elif not fence and bare.lstrip().startswith("|"):
            end_block()
            done.append("".join(_hide_block(part, redactor) for part in _CELL.split(line)))
        else:
            block.append(line)
    end_block()
    return "".join(done)


def _hide_block(text: str, redactor: Redactor) -> str:
    """Return a stretch of Markdown redacted, also where backslashes stand between the letters of a secret."""
    if not text.strip(" |\r\n:-"):
        return text
    hidden = redactor.text(text)
    plain = _BACKSLASH.sub(r"\1", hidden)
    if plain == hidden:
        return hidden
    safe = redactor.text(plain)
    return hidden if safe == plain else safe
