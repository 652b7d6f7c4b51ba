r"""Foreign text as plain words of Markdown: it cannot open a cell, a heading, a link, HTML or a comment.

What is escaped still reads well as it stands: `pool_timeout` and `orders/{id}` stay as they are.
"""

import re

from incident_lib.characters import visible

# A word in brackets, such as the mark of a hidden secret, is no link: there is no definition of it.
_BRACKETED = r"\[[a-z-]{3,20}(?::[0-9a-f]{8})?\](?![:(\[])"
_SPECIAL = re.compile(rf"({_BRACKETED})|[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_LEADING = re.compile(r"^(?:([#+=-])|(\d{1,9})([.)])(?=\s|$))")


def inline(text: str) -> str:
    r"""Return `text` on one line, as plain words.

    >>> inline("a|b\n# <script>*x*"), inline("# top"), inline("pool_timeout at /orders/{id}")
    ('a\\|b # &lt;script&gt;\\*x\\*', '\\# top', 'pool_timeout at /orders/{id}')
    >>> inline("token=[secret:7f3a91c0] [x](y) [secret]: z")
    'token=[secret:7f3a91c0] \\[x\\](y) \\[secret\\]: z'
    """
    return _at_the_start(_words(" ".join(text.split())))


def cell(text: str) -> str:
    """Return `text` for a cell of a table; a cell with nothing in it says so.

    >>> cell(" ")
    '-'
    """
    return inline(text) or "-"


def lines(text: str) -> str:
    r"""Return `text` as plain words, keeping its lines and paragraphs.

    >>> lines("one\r\n  - two\n\n\n# three")
    'one  \n\\- two\n\n\\# three'
    """
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n").strip())
    return "\n\n".join(
        "  \n".join(filter(None, map(inline, paragraph.split("\n")))) for paragraph in paragraphs
    )


def code(text: str) -> str:
    r"""Return `text` as a code span that backticks in it cannot leave.

    >>> code("a`b"), code("db/postgres.locks")
    ('``a`b``', '`db/postgres.locks`')
    """
    text = visible(" ".join(text.split())).replace("|", "\u2502")  # a span is no shield in a table
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text or '-'}{space}{ticks}"


def fence(text: str, language: str = "") -> str:
    r"""Return `text` as a block of code that backticks in it cannot leave.

    >>> fence("psql -c 'select 1'", "sh")
    "```sh\npsql -c 'select 1'\n```"
    """
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks}{language}\n{visible(text.strip())}\n{ticks}"


def link(text: str, href: str) -> str:
    """Return a link; the address is one that we made, its odd characters are encoded.

    >>> link("Triage", "runs/a b/html/00.html")
    '[Triage](runs/a%20b/html/00.html)'
    """
    from urllib.parse import quote

    return f"[{inline(text)}]({quote(href, safe='/:#.~-_@')})"


def _words(text: str) -> str:
    text = _ENTITY.sub("&amp;", visible(text))
    text = _SPECIAL.sub(lambda match: match[0] if match[1] else f"\\{match[0]}", text)
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _at_the_start(text: str) -> str:
    return _LEADING.sub(lambda match: f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}", text)
