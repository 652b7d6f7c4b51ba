"""The hosts and sockets that an error line names: which it is about, and all of them. Pure."""

import re
from collections.abc import Iterator

from incident_lib.expressions import expression

_HOST = r"(?<![\w.-])[A-Za-z0-9](?:[\w.-]{0,250}\w)?|\[[0-9a-fA-F:.]+\]"
_LITERAL = r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]"
_SOCKET = r"unix:/[^\s:,;\"'\\]{1,120}"
_Form = tuple[tuple[str, ...], re.Pattern[str]]  # words, one of which stands in such a text; and how it reads


def _form(pattern: str, *words: str) -> _Form:
    return words, expression(pattern)


# Who asks is never to blame: in error lines of proxies, in access lines, in what servers report of those who
# connect to them. Nor is the resolver, which does not know a name.
_CLIENTS = (
    _form(
        r"(?:\b|_)(?:client|remote(?:_(?:ip|addr|address|port))?|local_address|peer_?(?:addr|name)|forwarded_for"
        rf"|user_ip|src(?:_ip)?|source_ip)[\"']?[:=] ?[\"']?(?:{_HOST})(?::\d+)?",
        *("client", "remote", "local_address", "peer", "forwarded", "user_ip", "src", "source_ip"),
    ),
    _form(
        rf"\b(?:error|requests?|connections?|accepted|login|received|client) from [\"']?(?:{_HOST})(?::\d+)?",
        " from ",
    ),
    _form(rf"\bfrom=\"?(?:{_LITERAL})(?::\d+)?", "from="),
    _form(rf"(?m)^ *(?:[A-Z]+:? +)?(?:{_LITERAL})(?::\d+)? +- |(?:{_LITERAL}):\d+ (?=\[\d\d/)", " - ", " ["),
    _form(
        r"(?<= )(?:server|host|referrer): \"?[^\s,\"]+\"?(?=,|$)", ", server: ", ", host: ", ", referrer: "
    ),
    _form(r"\brequest: \"[^\"]*\"", "request: "),
    _form(r"(?<=[\w.-]) on \[?[0-9a-fA-F.:]+\]?:53\b|\b(?:read|write) udp \S+->\S+:53\b", ":53"),
    _form(r"(?<=\bread tcp )\S+(?=->)|(?<=\bwrite tcp )\S+(?=->)", " tcp "),
    _form(r"\bconnection received: host=\S+(?: port=\d+)?", "connection received: "),
)
# How libraries write the address that they tried, the most specific first. Without a port it is a name alone.
_FORMS = (
    _form(  # proxies
        r"upstream(?:_(?:host|addr|address))?(?:\"?[:=] ?\"(?:[a-z]{2,10}://)?"
        rf"(?P<host>{_SOCKET}|{_HOST})(?::(?P<port>\d+))?|=(?P<host_>{_HOST}):(?P<port_>\d+))",
        "upstream",
    ),
    _form(rf"(?:to|dial) (?P<host>{_SOCKET})", "unix:/"),
    _form(
        r"(?:dial unix|connect E[A-Z]{4,12}|connecting to(?: unix socket:)?|on socket) \"?"
        r"(?P<path>/[^\s:,;\"']{1,120})",
        *("dial unix", "connect E", "connecting to ", "on socket "),
    ),
    _form(rf"server at \"(?P<host>{_HOST})\"(?: \([^)]*\))?, port (?P<port>\d+)", "server at "),  # libpq
    _form(  # libpq before 14
        rf"host \"(?P<host>{_HOST})\"(?: \([^)]*\))? and accepting\s+"
        r"TCP/IP connections on port (?P<port>\d+)",
        "and accepting",
    ),
    _form(rf"(?:read|write) tcp ->(?P<host>{_HOST}):(?P<port>\d+)", " tcp ->"),  # Go
    _form(
        rf"host(?:=|: )['\"]?(?P<host>{_HOST})['\"]?,? port(?:=|: )['\"]?(?P<port>\d+)", *("port=", " port: ")
    ),  # urllib3, psycopg, key and value
    _form(
        rf"(?:lookup|ENOTFOUND|EAI_[A-Z]{{4,8}}) (?!address\b)(?P<host>{_HOST})",
        *("lookup ", "ENOTFOUND ", "EAI_"),
    ),
    _form(rf"\bquery[A-Z]\w{{0,5}} E[A-Z]{{4,9}} (?P<host>{_HOST})", "query"),  # Node
    _form(
        rf"(?:getaddrinfo for|[Cc]ould not resolve host:) (?P<host>{_HOST})",
        *("getaddrinfo for ", "resolve host: "),
    ),
    _form(
        rf"(?:name matching|wanted to match|validate certificate for|altnames: Host:) (?P<host>{_HOST})",
        *("name matching ", "wanted to match ", "validate certificate for ", "altnames: Host: "),
    ),
    _form(
        rf"host not found in upstream \"(?P<host>{_HOST})(?::(?P<port>\d+))?\"", "found in upstream"
    ),  # nginx
    _form(rf"UnknownHostException: (?P<host>{_HOST})", "UnknownHostException"),
    _form(
        rf"(?:[Ff]ailed to resolve(?: host)?|host name|valid for|hostname) ['\"](?P<host>{_HOST})['\"]",
        *("ailed to resolve ", "host name ", "valid for ", "hostname "),
    ),
    _form(rf"(?P<host>{_HOST}) could not be resolved", " could not be resolved"),  # nginx
    _form(rf"certificate is valid for .*, not (?P<host>{_HOST})", "certificate is valid for "),  # Go
    _form(
        r"(?<!at: )(?<!see )(?<!See )(?<!visit )\b[a-z]{2,10}://(?:[^\s/@\"']{0,200}@)?(?!unix:)"
        rf"(?P<host>{_HOST})(?::(?P<port>\d+))?",
        "://",
    ),
    _form(rf"Server [\w.-]{{1,80}}/(?P<host>{_HOST}) is DOWN", " is DOWN"),  # HAProxy
    _form(rf" [\w.-]{{1,80}}/(?P<host>{_HOST}) -?\d+/-?\d+/-?\d+", "/-1/", "/0/"),
    _form(rf"(?:backend|proxy) '?(?P<host>{_HOST})'? has no server available", "has no server available"),
    _form(rf"connect\(2\) for \"?(?P<host>{_HOST})\"?(?: port |:)(?P<port>\d+)", "connect(2) for "),  # Ruby
    _form(rf"MySQL server on '(?P<host>{_HOST})(?::(?P<port>\d+))?", "MySQL server on '"),
    _form(rf"reading from (?P<host>{_HOST}):(?P<port>\d+)", "reading from "),  # redis-py
    _form(rf"(?P<host>{_HOST}):(?P<port>\d{{2,5}}): \[Errno", ": [Errno"),  # PyMongo
    _form(
        r"(?:dial tcp|ECONNREFUSED|ETIMEDOUT|ECONNRESET|to host|to|zu|\u00e0) "
        rf"(?P<host>{_HOST}):(?P<port>\d+)",
        *("dial tcp ", "ECONN", "ETIMEDOUT ", "to ", "zu ", "\u00e0 "),
    ),
    _form(rf"(?:[Cc]onnect(?:ing|ion)?|host) (?P<host>{_HOST}):(?P<port>\d{{2,5}})\b", "onnect", "host "),
    _form(r"ECONNREFUSED (?P<host>[0-9a-fA-F:]*:[0-9a-fA-F]+):(?P<port>\d+)", "ECONNREFUSED "),
    _form(rf"(?:refused|known|failed|respond|unavailable) \((?P<host>{_HOST}):(?P<port>\d+)\)", " ("),  # .NET
    _form(rf"\('(?P<host>{_HOST})', (?P<port>\d+)", "('"),  # asyncio: the address of a socket
    _form(rf"(?P<host>{_LITERAL}):(?P<port>\d{{2,5}})\b", ":"),
)
_LONGEST = 2_000


def peer_of(*texts: str) -> str:
    """Return the host, with its port where that is named, or the socket that an error is about.

    Shape: "" if no text names it. A client, or the resolver that was asked, is never to blame.

    >>> peer_of('connection to server at "db.example" (10.0.0.5), port 5432 failed: Connection refused')
    'db.example:5432'
    >>> peer_of("getaddrinfo ENOTFOUND pay.example"), peer_of("it took too long")
    ('pay.example', '')
    """
    for text in texts:
        if found := next(_found(text), None):
            return _address(found)
    return ""


def addresses_of(line: str) -> tuple[str, ...]:
    """Return every host that the line names in one of these forms, with its port where that is named.

    >>> addresses_of("HTTPSConnectionPool(host='pay.example', port=443): /v1 at http://10.0.0.7:8000/v1")
    ('pay.example:443', '10.0.0.7:8000')
    """
    return tuple(dict.fromkeys(map(_address, _found(line))))


def _found(text: str) -> Iterator[re.Match[str]]:
    """Yield what names a host, the most specific forms first."""
    text = text[-_LONGEST:]
    for words, form in _CLIENTS:
        if any(map(text.__contains__, words)):
            text = form.sub("", text)
    for words, form in _FORMS:
        if any(map(text.__contains__, words)):
            yield from form.finditer(text)


def _address(found: re.Match[str]) -> str:
    groups = found.groupdict()
    if path := groups.get("path"):
        return f"unix:{path.rstrip('.')}"
    host, port = groups.get("host") or groups["host_"], groups.get("port") or groups.get("port_")
    host = f"[{host}]" if "::" in host and port else host
    return f"{host}:{port}" if port else host
