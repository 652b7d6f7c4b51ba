"""Made-up secrets that can be found again, and the surroundings that they have in real texts.

Each value is made at run time, is used in one place only, and holds two marks of this run: so every byte of
every file can be searched for a handful of marks, and a part of a value that got out is found too.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
NEAR = 2  # letters on each side of a mark, by which the value is known
_MIXED = string.ascii_letters + string.digits
_SURROUNDINGS = (
    "{}",
    "[worker-7] {}",
    "retry 3 of 5: {}",
    "{} after 31 ms",
    "caused by: {} (see the log)",
    "\u202e{}\u2066",
    "\u00fcber {} \u2713",
    "\t{}  ",
)


@dataclass
class Canaries:
    """Makes values and remembers where each was planted."""

    seed: int
    is_wild: bool = False  # the texts around the secrets differ from run to run
    planted: dict[str, tuple[str, str]] = field(default_factory=dict)  # value: place, shape
    proofs: dict[str, tuple[str, str]] = field(default_factory=dict)  # word: place, part of a file's name

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.marks = tuple("".join(self.random.choices(_BASE32, k=8)) for _ in range(2))
        self.hex_marks = tuple("".join(self.random.choices("0123456789abcdef", k=10)) for _ in range(2))
        self._new: list[str] = []

    def some(self, count: int, alphabet: str = _MIXED) -> str:
        """Return random characters."""
        return "".join(self.random.choices(alphabet, k=count))

    def _keep(self, value: str) -> str:
        self._new.append(value)
        return value

    def word(self, length: int = 22, alphabet: str = _MIXED) -> str:
        """Return a secret of letters and digits: a password, the body of a token."""
        marks = self.marks if length > 2 * len(self.marks[0]) + 4 else self.marks[:1]
        if alphabet.isupper():
            marks = tuple(mark.upper() for mark in marks)
        return self._keep(self._around(marks, length, alphabet))

    def hex(self, length: int = 32) -> str:
        """Return a secret of hexadecimal digits."""
        return self._keep(self._around(self.hex_marks, length, "0123456789abcdef"))

    def _around(self, marks: Sequence[str], length: int, alphabet: str) -> str:
        left = max(length - sum(map(len, marks)), NEAR * (len(marks) + 1))
        size = left // (len(marks) + 1)
        parts = [mark + self.some(size, alphabet) for mark in marks]
        return self.some(left - size * len(marks), alphabet) + "".join(parts)

    def block(self, lines: int = 4) -> list[str]:
        """Return the lines of a block in base64, as of a key."""
        return [self.word(64, _MIXED + "+/") for _ in range(lines)]

    def plant(self, place: str, shape: str, make: Callable[["Canaries"], str]) -> str:
        """Return a text with new secrets in it, which are known to have been planted there."""
        self._new = []
        text = make(self)
        for value in self._new:
            self.planted[value] = (place, shape)
        return text

    def proof(self, place: str, within: str = "") -> str:
        """Return a word that is no secret, and that must come out again: else `place` was never read.

        It must stand in a file, or in the output of a command, whose name holds `within`.
        """
        syllables = (self.random.choice("bdfgklmnprst") + self.random.choice("aeiou") for _ in range(6))
        word = f"seen{''.join(syllables)}"
        self.proofs[word] = (place, within)
        return word

    def texts(self, place: str, only: tuple[str, ...] = (), *, one_line: bool = False) -> list[str]:
        """Return a text for every shape, or for some, planted in `place`."""
        return [
            self.plant(place, name, lambda c, make=make: c.surrounded(place, make(c)))
            for name, make in SHAPES.items()
            if (not only or name in only) and not (one_line and name in MULTILINE)
        ]

    def surrounded(self, place: str, text: str) -> str:
        """Return a text of one line between others where the run is wild; a header holds no more letters."""
        if not self.is_wild or "\n" in text or "header" in place.lower():
            return text
        return self.random.choice(_SURROUNDINGS).format(text)

    def places(self) -> dict[str, tuple[str, str]]:
        """Return the place and the shape of each value, by its marks with the letters around them."""
        found = {}
        for value, where in self.planted.items():
            for mark in (*self.marks, *self.hex_marks):
                at = value.lower().find(mark)
                if at >= NEAR:
                    found[value.lower()[at - NEAR : at + len(mark) + NEAR]] = where
        return found


def _jwt(c: Canaries) -> str:
    def encoded(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded({'sub': c.some(8)})}.{c.word(43)}"


def _pem(c: Canaries, join: str = "\n", kind: str = "RSA PRIVATE KEY", prefix: str = "") -> str:
    return join.join(
        f"{prefix}{line}" for line in (f"-----BEGIN {kind}-----", *c.block(), f"-----END {kind}-----")
    )


def _basic(c: Canaries) -> str:
    return base64.b64encode(f"app:{c.word()}".encode()).decode()


def _card(c: Canaries) -> str:
    """Return a card number that passes Luhn's check; it has no mark, so it is remembered as it is."""
    digits = [4, *(c.random.randrange(10) for _ in range(14))]
    doubled = [digit if at % 2 else digit * 2 for at, digit in enumerate(digits)]
    total = sum(digit - 9 if digit > 9 else digit for digit in doubled)
    return c._keep("".join(map(str, digits)) + str(-total % 10))


SHAPES: dict[str, Callable[[Canaries], str]] = {
    "key=value": lambda c: f"user=app password={c.word()} host=db-1",
    "key: value": lambda c: f"db password: {c.word()}",
    "key='value'": lambda c: f"passwd='{c.word()} {c.word()}' host=db",
    "camel case": lambda c: f"clientSecret={c.word()} smtpPassword: {c.word()}",
    "environment": lambda c: f"export DB_PASS={c.word()} SECRET_KEY_BASE={c.word(40)}",
    "signing key": lambda c: f"SIGNING_KEY={c.hex()}",
    "logfmt": lambda c: f'level=info msg="login" api_key={c.word()} status=200',
    "json": lambda c: json.dumps({"user": "app", "password": c.word(), "port": 5432}),
    "json nested": lambda c: json.dumps(
        {"db": {"auth": {"token": c.word()}, "tokens": [c.word(), c.word()]}}
    ),
    "json in json": lambda c: json.dumps({"log": json.dumps({"msg": "x", "secret": c.word()})}),
    "json cut short": lambda c: f'{{"host": "db", "password": "{c.word()}',
    "json name and value": lambda c: json.dumps({"name": "API_KEY", "value": c.word()}),
    "json env": lambda c: json.dumps({"Env": [f"POSTGRES_PASSWORD={c.word()}", "POSTGRES_DB=shop"]}),
    "json command": lambda c: json.dumps({"Cmd": ["redis-server", "--requirepass", c.word()]}),
    "python": lambda c: repr({"password": c.word(), "host": "db"}),
    "ruby": lambda c: f'{{:password=>"{c.word()}", :host=>"db"}}',
    "go": lambda c: f"{{User:app Password:{c.word()} Host:db}}",
    "yaml": lambda c: f"db:\n  password: {c.word()}\n  host: db-1",
    "yaml name and value": lambda c: f"env:\n- name: DB_PASSWORD\n  value: {c.word()}",
    "xml": lambda c: f"<server><username>u</username><password>{c.word()}</password></server>",
    "ini": lambda c: f"[client]\npassword={c.word()}\nuser=app",
    "form": lambda c: f"body: grant_type=password&username=app&password={c.word()}&x=1",
    "dsn": lambda c: f"cannot connect to postgresql://app:{c.word()}@db:5432/shop (timeout)",
    "dsn redis": lambda c: f"redis://:{c.word()}@cache:6379/0 is away",
    "dsn mongodb": lambda c: f"mongodb+srv://root:{c.word()}@cluster0.ab12.mongodb.net/shop",
    "dsn amqp": lambda c: f"amqps://app:{c.word()}@mq:5671/%2f",
    "conninfo": lambda c: f"host=db user=repl password={c.word()} dbname=shop",
    "jdbc": lambda c: f"jdbc:postgresql://db/shop?user=app&password={c.word()}",
    "ado": lambda c: f"Server=sql;User Id=sa;Password={c.word()};Encrypt=true",
    "url query": lambda c: f"GET https://api.example.com/v1/x?access_token={c.word()}&page=2 403",
    "access query": lambda c: f"token={c.word()}&page=2",
    "url user": lambda c: f"https://deploy:{c.word()}@git.example.com/shop.git",
    "bearer": lambda c: f"Authorization: Bearer {c.word(40)}",
    "basic": lambda c: f"Authorization: Basic {_basic(c)}",
    "digest": lambda c: f'Authorization: Digest username="a", realm="r", response="{c.hex()}"',
    "cookie": lambda c: f"Cookie: theme=dark; sessionid={c.word()}; csrftoken={c.word()}",
    "set-cookie": lambda c: f"Set-Cookie: sid={c.word()}; Path=/; HttpOnly",
    "header": lambda c: f"X-Api-Key: {c.word()}",
    "curl": lambda c: f"curl -H 'Authorization: Bearer {c.word(40)}' -u app:{c.word()} https://x.example",
    "option": lambda c: f"app --password={c.word()} --admin-token {c.word()} --host db",
    "psql": lambda c: f"PGPASSWORD={c.word()} psql -h db -U app shop",
    "redis-cli": lambda c: f"redis-cli -h cache -a {c.word()} PING",
    "mysql": lambda c: f"mysql -uapp -p{c.word()} shop",
    "docker login": lambda c: f"docker login -u app -p {c.word()} registry.example.com",
    "sql password": lambda c: f"ALTER ROLE app PASSWORD '{c.word()}'",
    "sql mapping": lambda c: f"CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password '{c.word()}')",
    "sql where": lambda c: f"SELECT 1 FROM sessions WHERE token = '{c.word()}'",
    "sql detail": lambda c: f"DETAIL:  Key (api_token)=({c.word()}) already exists.",
    "redis auth": lambda c: f"AUTH app {c.word()}",
    "redis config": lambda c: f"CONFIG SET requirepass {c.word()}",
    "redis conf": lambda c: f"requirepass {c.word()}",
    "acl": lambda c: f"user app on >{c.word()} ~* +@all",
    "jwt": lambda c: f"login failed for {_jwt(c)}",
    "github": lambda c: f"push with ghp_{c.word(36)} refused",
    "gitlab": lambda c: f"clone with glpat-{c.word(20)} refused",
    "slack": lambda c: f"xoxb-{c.some(12, string.digits)}-{c.some(12, string.digits)}-{c.word(24)} revoked",
    "stripe": lambda c: f"charge with sk_live_{c.word(24)} failed",
    "aws": lambda c: f"aws_access_key_id AKIA{c.word(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}",
    "aws secret": lambda c: f"aws_secret_access_key = {c.word(40)}",
    "npm": lambda c: f"//registry.npmjs.org/:_authToken=npm_{c.word(36)}",
    "openai": lambda c: f"call with sk-proj-{c.word(48)} failed",
    "docker config": lambda c: json.dumps({"auths": {"r.example.com": {"auth": _basic(c)}}}),
    "netrc": lambda c: f"machine api.example.com login app password {c.word()}",
    "azure": lambda c: f"AccountName=shop;AccountKey={c.word(86)}==;EndpointSuffix=core.windows.net",
    "webhook": lambda c: (
        f"POST https://hooks.slack.com/services/T{c.some(8, 'ABC0123')}/B{c.some(8, 'ABC0123')}/{c.word(24)}"
    ),
    "pem": _pem,
    "pem in json": lambda c: json.dumps({"key": _pem(c)}),
    "pem behind prefixes": lambda c: _pem(c, prefix="2026-01-15 14:31:05 INFO "),
    "openssh": lambda c: _pem(c, kind="OPENSSH PRIVATE KEY"),
    "bcrypt": lambda c: f"user app hash $2b$12${c.word(53)}",
    "scram": lambda c: f"SCRAM-SHA-256$4096:{c.some(22)}==${c.word(43)}=:{c.word(43)}=",
    "percent": lambda c: f"next={quote(f'/login?password={c.word()}&x=1', safe='')}",
    "html": lambda c: f"&lt;input name=&quot;password&quot; value=&quot;{c.word()}&quot;&gt;",
    "card": lambda c: f"card {_card(c)} declined",
    "traceback": lambda c: (
        'Traceback (most recent call last):\n  File "db.py", line 7, in connect\n'
        f"sqlalchemy.exc.OperationalError: (dsn: postgresql+psycopg://app:{c.word()}@db/shop) refused"
    ),
}
MULTILINE = frozenset(name for name, make in SHAPES.items() if "\n" in make(Canaries(seed=0)))
