"""The hosts that an error line names: which it is about, and all of them. Pure."""

import re

_HOST = r"(?<![\w.-])[A-Za-z0-9](?:[\w.-]{0,250}\w)?|\[[0-9a-fA-F:.]+\]"
_LITERAL = r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]"
# How libraries write the address that they tried, the most specific first. Without a port it is a name alone.
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"server at \"(?P<host>{_HOST})\"(?: \([^)]*\))?, port (?P<port>\d+)",  # libpq
        rf"host=['\"]?(?P<host>{_HOST})['\"]?,? port=['\"]?(?P<port>\d+)",  # urllib3, key and value
        rf"(?:lookup|ENOTFOUND|EAI_[A-Z]{{4,8}}) (?!address\b)(?P<host>{_HOST})",
        rf"\bquery[A-Z]\w{{0,5}} E[A-Z]{{4,9}} (?P<host>{_HOST})",  # Node
        rf"(?:getaddrinfo for|[Cc]ould not resolve host:) (?P<host>{_HOST})",
        rf"(?:name matching|wanted to match|validate certificate for|altnames: Host:) (?P<host>{_HOST})",
        rf"host not found in upstream \"(?P<host>{_HOST})(?::(?P<port>\d+))?\"",  # nginx
        rf"UnknownHostException: (?P<host>{_HOST})",
        rf"(?:[Ff]ailed to resolve(?: host)?|host name|valid for|hostname) ['\"](?P<host>{_HOST})['\"]",
        rf"(?P<host>{_HOST}) could not be resolved",  # nginx
        rf"certificate is valid for .*, not (?P<host>{_HOST})",  # Go
        rf"(?<!at: )(?<!see )(?<!See )(?<!visit )\b[a-z]{{2,10}}://(?:[^\s/@\"']{{0,200}}@)?(?P<host>{_HOST})(?::(?P<port>\d+))?",
        rf"(?:dial tcp|ECONNREFUSED|ETIMEDOUT|ECONNRESET|to host|to) (?P<host>{_HOST}):(?P<port>\d+)",
        rf"(?:[Cc]onnect(?:ing|ion)?|host) (?P<host>{_HOST}):(?P<port>\d{{2,5}})\b",
        r"ECONNREFUSED (?P<host>[0-9a-fA-F:]*:[0-9a-fA-F]+):(?P<port>\d+)",
        rf"(?:refused|known|failed|respond|unavailable) \((?P<host>{_HOST}):(?P<port>\d+)\)",  # .NET
        rf"\('(?P<host>{_HOST})', (?P<port>\d+)",  # asyncio: the address of a socket
        rf"(?P<host>{_LITERAL}):(?P<port>\d{{2,5}})\b",
    )
)
_LONGEST = 2_000


def peer_of(*texts: str) -> str:
    """Return the host, with its port where that is named, that an error is about; "" if no text names it.

    >>> peer_of('connection to server at "db.example" (10.0.0.5), port 5432 failed: Connection refused')
    'db.example:5432'
    >>> peer_of("getaddrinfo ENOTFOUND pay.example"), peer_of("it took too long")
    ('pay.example', '')
    """
    for text in texts:
        for form in _FORMS:
            if found := form.search(text[-_LONGEST:]):
                return _address(found)
    return ""


def addresses_of(line: str) -> tuple[str, ...]:
    """Return every host that the line names in one of these forms, with its port where that is named.

    >>> addresses_of("HTTPSConnectionPool(host='pay.example', port=443): /v1 at http://10.0.0.7:8000/v1")
    ('pay.example:443', '10.0.0.7:8000')
    """
    found = (_address(match) for form in _FORMS for match in form.finditer(line))
    return tuple(dict.fromkeys(found))


def _address(found: re.Match[str]) -> str:
    port = found.groupdict().get("port")
    host = f"[{found['host']}]" if "::" in found["host"] and port else found["host"]
    return f"{host}:{port}" if port else host
