"""Text -> the same text with what varies masked: the lines of one statement of code become one template."""

import re

MARK = "<*>"
_LONGEST = 400  # what follows tells a person no more about which statement wrote it
_CACHE_SIZE = 20_000

# In this order: quoted text, addresses and paths, the value of a key, then every word with a digit in it with
# its unit (numbers, times, ids, hex, addresses, versions): programs rarely vary their own words by a digit.
_VARYING = re.compile(
    r"\"(?![A-Z]{3,7} /)[^\"]{0,400}\"|(?<![\w'])'[^']{0,400}'(?!\w)"
    r"|\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://[^\s\"'<>,;)\]]+"
    r"|(?<![\w<])[~.]{0,2}(?:/[\w.@%+=:$~-]+){2,}/?"
    r"|(?<=[\w\]]=)(?:\[[\w-]+\]|[^\s,;|&)\]}\"']+)"
    r"|(?<!\w)[+-]?[\w.:@$#%-]*\d[\w.:@$#%-]*(?<![:.,-])(?: (?:[KMGTP]i?B|B|[mun\u00b5]?s|secs?|min)\b)?"
)
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_BOOLEAN = re.compile(r"(?:(?<=\w:)|(?<=\w[:=] )|(?<=\w[:=]  ))(?:true|false|null|True|False|None)\b")
# What varies too, masked before the rest and looked for only where a text has these characters.
_RARE = (
    (" = ", re.compile(r"(?:(?<= = )|(?<= =  ))[^\s,;|&)\]}\"']+")),
    (" HTTP/", re.compile(r"(?<=[A-Z] )/\S{0,400} HTTP/[\d.]+\"?")),
    (":\\", re.compile(r"\b[A-Z]:\\[^\s,;\"']*")),
    *((word, _BOOLEAN) for word in ("true", "false", "null", "True", "False", "None")),
    (
        ":",
        re.compile(
            rf"\b(?:[A-Z][a-z]{{2}} )?{_MONTH} {{1,2}}\d{{1,2}} \d\d:\d\d(?::\d\d)?(?:\.\d+)?(?: \d{{4}}\b)?"
        ),
    ),
)
_RUNS = re.compile(r"<\*>(?:[\s,:x/.-]{0,2}<\*>)+")
_DIGIT_OR_SIGN = re.compile(r"[\d\"'/=:]")

_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_ID_SEGMENT = re.compile(
    rf"(?:{_UUID}|\d+|[\w.-]*\d{{3}}[\w.-]*|(?=[a-f-]*\d)[0-9a-f-]{{8,}}|(?=\D*\d)[\w.~=-]{{16,}}"
    rf"|[\w-]{{32,}}|.*[@%:,].*)",
    re.IGNORECASE,
)
_PATHS: dict[str, str] = {}
_TEMPLATES: dict[str, str] = {}


def mask(message: str) -> str:
    """Return the template of `message`.

    >>> mask("payment 4711 of 'alice' failed after 12.3ms for 10.0.0.7:5432")
    'payment <*> of <*> failed after <*> for <*>'
    """
    message = text = message[:_LONGEST]
    known = _TEMPLATES.get(message)
    if known is not None:
        return known
    if _DIGIT_OR_SIGN.search(text):
        for sign, varying in _RARE:
            if sign in text:
                text = varying.sub(MARK, text)
        text = joined(_VARYING.sub(MARK, text))
    text = " ".join(text.split())
    if len(_TEMPLATES) >= _CACHE_SIZE:
        _TEMPLATES.clear()
    _TEMPLATES[message] = text
    return text


def joined(text: str) -> str:
    """Return the text with marks that follow each other as one.

    >>> joined("ask <*> <*>, <*> again")
    'ask <*> again'
    """
    return _RUNS.sub(MARK, text)


def mask_path(path: str) -> str:
    """Return the path of a request without query, with ids masked.

    >>> mask_path("/api/v1/orders/4711?b=c"), mask_path("https://shop.example/u/3f2504e04f8911d39a")
    ('/api/v1/orders/{id}', '/u/{id}')
    """
    path = plain = path.split("?", 1)[0].split("#", 1)[0][:300]
    known = _PATHS.get(path)
    if known is not None:
        return known
    if "://" in plain[:12]:
        plain = "/" + plain.split("://", 1)[1].partition("/")[2]
    segments = plain.split("/")
    masked = "/".join("{id}" if _ID_SEGMENT.fullmatch(part) else part for part in segments)
    if len(_PATHS) >= _CACHE_SIZE:
        _PATHS.clear()
    _PATHS[path] = masked
    return masked
