"""Lines in the formats of databases -> Line: PostgreSQL, PgBouncer, Redis, MongoDB."""

from incident_lib.expressions import expression
from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.line import Line, level_of

# The words of PostgreSQL for its levels and details, and those of its translations (lc_messages).
_TRANSLATED = {
    "FEHLER": "ERROR",
    "ERREUR": "ERROR",
    "ERRORE": "ERROR",
    "ERRO": "ERROR",
    "WARNUNG": "WARNING",
    "ATTENTION": "WARNING",
    "ADVERTENCIA": "WARNING",
    "ATTENZIONE": "WARNING",
    "HINWEIS": "NOTICE",
    "DÉTAIL": "DETAIL",
    "DETALLE": "DETAIL",
    "TIPP": "HINT",
    "ASTUCE": "HINT",
    "SUGERENCIA": "HINT",
    "ANWEISUNG": "STATEMENT",
    "INSTRUCTION": "STATEMENT",
    "SENTENCIA": "STATEMENT",
    "ISTRUZIONE": "STATEMENT",
    "ZUSAMMENHANG": "CONTEXT",
    "CONTEXTE": "CONTEXT",
    "CONTEXTO": "CONTEXT",
}
_POSTGRES = expression(
    r"(?:^|[\s\])>@/:])(LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]|DETAIL|HINT|STATEMENT|CONTEXT"
    rf"|QUERY|LOCATION|{'|'.join(_TRANSLATED)})\s?:  (?:([0-9A-Z]{{5}}): )?(?=\S)"
)
# What stands in front of the level, as log_line_prefix writes it: "app@shop", "db=shop", "database=shop".
_DATABASE = expression(
    r"(?:(?<![\w.@/=-])[\w.-]{1,63}@|\b(?:db|database|datname)=)(\"?)([\w$.-]{1,63})\1(?=[\s:,;|)\]]|$)"
)
_DETAILS = frozenset({"DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY", "LOCATION"})
_QUOTED = r"\"((?:[^\"]|\"\"){0,8000})\""
# Behind the time: user, database, process, client, session, line, command, start, transactions, level, code,
# message, detail
_CSV = expression(
    r",(?:\"[^\"]{0,80}\")?,(?:\"([^\"]{0,80})\")?,\d{0,10},(?:\"[^\"]{0,80}\")?,[\w.]{0,40},\d{0,10}"
    r",(?:\"[^\"]{0,80}\")?,[^,]{0,40},[^,]{0,40},[^,]{0,40},([A-Z]{3,7}[1-5]?),([0-9A-Z]{5})?"
    rf",(?:{_QUOTED})?(?:,(?:{_QUOTED})?)?"
)
_PGBOUNCER = expression(  # not of log4net, which names the logger behind the level
    r"\[\d{1,9}\] (LOG|WARNING|ERROR|FATAL|DEBUG|NOISE) (?=\S)"
    r"(?![\w$]{1,60}(?:\.[\w$]{1,60})* (?:\[[^\[\]]{0,60}\] )?- )"
)
_REDIS_LEVELS = {".": "DEBUG", "-": "DEBUG", "*": "INFO", "#": "WARNING"}
_MONGO = expression(r"([FEWID])\d? ([A-Z]{3,10}) {1,9}\[[^\[\]\s]{1,60}\] ")


def read_postgres(text: str, at: float | None) -> Line | None:
    """Return a line of PostgreSQL behind its prefix, None for other lines."""
    match = _POSTGRES.search(text, 0, 300)
    if match is None:
        return None
    word = _TRANSLATED.get(match[1], match[1])
    if word == "WARNING" and match.start() == 0:
        return None  # "WARNING:  " at the beginning is uvicorn's
    before = text[: match.start() + 1]
    if before.endswith(" failed: "):
        return None  # a client reports what the server answered
    before = before[:-1]
    if at is None and before and "[" not in before and any(map(str.isalpha, before.split())):
        return None
    message = text[match.end() :]
    if word in _DETAILS:
        return Line(format="postgres", message=f"{word}:  {message}", is_detail=True)
    line = Line(format="postgres", message=message, level=level_of(word), sqlstate=match[2] or "")
    line.database = _database_in(before)
    return line


def _database_in(prefix: str) -> str:
    """Return the database of the session that a line of PostgreSQL is of, "" where its prefix names none.

    >>> _database_in("[71] app@shop_test "), _database_in("[71]: user=app,db=shop,client=::1 ")
    ('shop_test', 'shop')
    >>> _database_in("[71] [unknown]@[unknown] "), _database_in("[71] ")
    ('', '')
    """
    found = _DATABASE.search(prefix)
    return found[2] if found else ""


def read_csv(text: str, start: int) -> Line | None:
    """Return a line of PostgreSQL's csvlog, of which `start` is the end of the time; None for other lines."""
    match = _CSV.match(text, start)
    if match is None:
        return None
    database, level, code, message, detail = match.groups()
    line = Line(format="postgres", level=level_of(level), sqlstate=code or "", database=database or "")
    # a message of several lines has no closing quote in this one
    line.message = text[match.end() :].lstrip(',"') if message is None else message.replace('""', '"')
    line.error = f"DETAIL:  {detail}".replace('""', '"') if detail else ""
    return line


def read_pgbouncer(text: str) -> Line | None:
    """Return a line of PgBouncer behind its time, None for other lines.

    >>> read_pgbouncer("[12] LOG listening on 127.0.0.1:6432").message
    'listening on 127.0.0.1:6432'
    """
    match = _PGBOUNCER.match(text)
    if match is None:
        return None
    return Line(format="pgbouncer", level=level_of(match[1]) or "DEBUG", message=text[match.end() :])


def read_redis(text: str) -> Line | None:
    """Return a line of Redis or Valkey, None for other lines."""
    start = text.find(" ") + 1
    found = times.from_day_first(text, start)
    if found is None:
        return None
    at, end, zoned = found
    level = text[end + 1 : end + 2]
    if level not in _REDIS_LEVELS:
        return None
    return Line(format="redis", at=at, zoned=zoned, level=_REDIS_LEVELS[level], message=text[end + 3 :])


def read_mongo(text: str) -> Line | None:
    """Return a line of MongoDB before 4.4 behind its time, None for other lines.

    >>> read_mongo("E NETWORK  [conn7] end connection").level
    'ERROR'
    """
    match = _MONGO.match(text)
    if match is None:
        return None
    return Line(format="mongodb", level=level_of(match[1]), logger=match[2], message=text[match.end() :])
