"""The tables of workbench.toml, each key with what it means: docs/configuration.md is made from here."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec

from incident_lib.config.own_probes import OwnProbe


def _doc(text: str, **constraints: Any) -> msgspec.Meta:
    return msgspec.Meta(description=text, **constraints)


Name = Annotated[str, _doc("lowercase letters, digits and hyphens", pattern=r"^[a-z0-9][a-z0-9-]*$")]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of workbench.toml: an unknown key is an error."""


class Workbench(_Table, frozen=True, kw_only=True):
    """`[workbench]`: where things are kept."""

    incidents: Annotated[str, _doc("folder for incidents")] = "incidents"
    runbooks: Annotated[str, _doc("folder for runbooks")] = "docs/runbooks"
    discover_credentials: Annotated[
        bool, _doc("use a container's own database credentials, in memory only, if none are configured")
    ] = True
    group: Annotated[
        str, _doc("group on this machine that shares incidents, baselines and runbooks; only you if empty")
    ] = ""


class Service(_Table, frozen=True, kw_only=True):
    """`[[service]]`: something of yours that runs."""

    name: Annotated[Name, _doc("its name in findings, folders and commands")]
    kind: Annotated[str, _doc("http, postgres, redis, process, or a kind that an installed package adds")]
    url: Annotated[str, _doc("address of an http or redis service; with a password: env: or file:")] = ""
    dsn: Annotated[str, _doc("PostgreSQL address; with a password: env:NAME or file:PATH")] = ""
    change_dsn: Annotated[
        str, _doc("PostgreSQL address that approved mitigations use; dsn if empty. Needs pg_signal_backend")
    ] = ""
    pooler_dsn: Annotated[
        str, _doc("address of PgBouncer's admin console, with a role in stats_users: env:NAME or file:PATH")
    ] = ""
    change_url: Annotated[str, _doc("Redis address that approved mitigations use; url if empty")] = ""
    health: Annotated[tuple[str, ...], _doc("paths that must answer 2xx")] = ()
    container: Annotated[str, _doc("name of its container")] = ""
    pid_file: Annotated[str, _doc("file with its process id, if it is not a container")] = ""
    log: Annotated[str, _doc("its log file, if it is not a container")] = ""
    journal: Annotated[str, _doc("the systemd unit whose journal is its log, if it has neither")] = ""
    journal_directory: Annotated[
        str, _doc("folder of journal files, as written by systemd-journal-remote; otherwise this machine's")
    ] = ""
    restart: Annotated[tuple[str, ...], _doc("your command that restarts it, if it is not a container")] = ()
    ca: Annotated[str, _doc("file:PATH of the CA that signs its certificate")] = ""
    memory_limit_bytes: Annotated[
        int,
        _doc("memory limit of a plain process, 0 for none; a container's own limit is read", ge=0),
    ] = 0
    depends_on: Annotated[tuple[str, ...], _doc("services and dependencies that it needs")] = ()
    purpose: Annotated[str, _doc("what users do with it")] = ""
    owner: Annotated[str, _doc("team")] = ""
    contact: Annotated[str, _doc("contact person")] = ""
    channel: Annotated[str, _doc("channel of its owner")] = ""
    options: Any = None  # keys that only its kind has, as the technology's own record


class Dependency(_Table, frozen=True, kw_only=True):
    """`[[dependency]]`: something outside that your services need."""

    name: Annotated[Name, _doc("its name in findings")]
    url: Annotated[str, _doc("https:// http:// tls://host:443 tcp://host:port or dns://name")]
    ca: Annotated[str, _doc("file:PATH of the CA that signs its certificate")] = ""
    purpose: Annotated[str, _doc("what it is for")] = ""
    owner: Annotated[str, _doc("vendor or team")] = ""
    contact: Annotated[str, _doc("vendor support")] = ""
    depends_on: ClassVar[tuple[str, ...]] = ()


class Host(_Table, frozen=True, kw_only=True):
    """`[[host]]`: the machine the workbench runs on, under the name you give it."""

    name: Annotated[Name, _doc("its name in findings")] = "host"
    paths: Annotated[tuple[str, ...], _doc("file systems to watch; all real ones if empty")] = ()


class Deploy(_Table, frozen=True, kw_only=True):
    """`[deploy]`: where deployments are written down and how one is rolled back."""

    log: Annotated[str, _doc('lines of {"at": time, "service": name, "version": text}')] = ""
    command: Annotated[tuple[str, ...], _doc("a command that prints such lines")] = ()
    git: Annotated[str, _doc("a repository whose commits are deployments")] = ""
    rollback: Annotated[tuple[str, ...], _doc("your command; {previous}, {service} are filled in")] = ()


class Redact(_Table, frozen=True, kw_only=True):
    """`[redact]`: more to hide than passwords, tokens, keys, cookies, e-mail addresses and query strings."""

    patterns: Annotated[
        tuple[str, ...],
        _doc("regular expressions in RE2 syntax (no look-around); matches are hidden"),
    ] = ()
    keys: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1)], ...],
        _doc("names whose values are hidden, such as customer_id"),
    ] = ()


class Limits(_Table, frozen=True, kw_only=True):
    """`[limits]`: bounds of one collection."""

    collect_seconds: Annotated[float, _doc("deadline of one collection", gt=0, le=600)] = 30.0
    http_seconds: Annotated[float, _doc("deadline of one HTTP request", gt=0, le=60)] = 10.0
    log_lines: Annotated[int, _doc("lines kept as an excerpt, per service", gt=0)] = 5_000
    log_bytes: Annotated[int, _doc("bytes of log read, per service", gt=0)] = 64 * 1024 * 1024


class Contact(_Table, frozen=True, kw_only=True):
    """`[[contact]]`: a person or rota to notify."""

    role: Annotated[str, _doc("on-call, team lead, engineering manager, VP, security lead, ...")]
    name: Annotated[str, _doc("person or rota")]
    chat: Annotated[str, _doc("handle in chat")] = ""
    pager: Annotated[str, _doc("pager service or number")] = ""
    phone: Annotated[str, _doc("emergency phone")] = ""


class Override(_Table, frozen=True, kw_only=True):
    """An entry of `[on_call]` overrides: another person for a while."""

    start: Annotated[datetime, _doc("start, with a zone")] = msgspec.field(name="from")
    to: Annotated[datetime, _doc("end, with a zone")]
    who: Annotated[str, _doc("name of a contact", min_length=1)]

    def __post_init__(self) -> None:
        """Refuse times without a zone and an end before the start."""
        if self.start.tzinfo is None or self.to.tzinfo is None:
            raise ValueError("give the times of an override with a zone: 2026-01-15T09:00:00Z")
        if self.to <= self.start:
            raise ValueError("an override ends before it begins")


_HANDOVER = r"(mon|tues|wednes|thurs|fri|satur|sun)day ([01]\d|2[0-3]):[0-5]\d"


class OnCall(_Table, frozen=True, kw_only=True):
    """`[on_call]`: who has the pager, week by week."""

    rotation: Annotated[
        tuple[str, ...],
        _doc("names of contacts: the first in odd ISO weeks, the second in even ones; more than two in turn"),
    ] = ()
    handover: Annotated[str, _doc("weekday and time when the next one takes over")] = "Monday 09:00"
    timezone: Annotated[str, _doc("zone of the handover, such as Europe/Berlin")] = "UTC"
    overrides: Annotated[
        tuple[Override, ...],
        _doc('{ from = 2026-01-15T09:00:00Z, to = ..., who = "Kim" }; the last one wins'),
    ] = ()

    def __post_init__(self) -> None:
        """Refuse a handover that is no time of the week, and a zone that does not exist."""
        if not re.fullmatch(_HANDOVER, self.handover, re.IGNORECASE):
            raise ValueError(f"the handover {self.handover!r} is not a time of the week; use Monday 09:00")
        try:
            _ = self.zone
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {self.timezone!r}; use UTC or Europe/Berlin") from error

    @property
    def zone(self) -> tzinfo:
        """The zone of the handover."""
        return UTC if self.timezone == "UTC" else ZoneInfo(self.timezone)


class Channels(_Table, frozen=True, kw_only=True):
    """`[channels]`: what your channels are called."""

    incidents: Annotated[str, _doc("SEV1 and SEV2")] = "#incidents"
    incidents_low: Annotated[str, _doc("SEV3 and SEV4, maintenance")] = "#incidents-low"
    engineering: Annotated[str, _doc("summaries for engineers")] = "#engineering"
    status_updates: Annotated[str, _doc("what goes out to users")] = "#status-updates"


class Notify(_Table, frozen=True, kw_only=True):
    """`[notify]`: where messages go once a person confirms them. One Apprise address per channel."""

    incidents: Annotated[str, _doc("env:NAME or file:PATH of its Apprise address")] = ""
    incidents_low: Annotated[str, _doc("the same")] = ""
    engineering: Annotated[str, _doc("the same")] = ""
    status_updates: Annotated[str, _doc("the same")] = ""
    mail: Annotated[str, _doc("the same, for those who read mail: mailtos://...")] = ""
    pagerduty: Annotated[str, _doc("env:NAME or file:PATH of an Events v2 routing key")] = ""
    pagerduty_url: Annotated[str, _doc("address that receives its events")] = (
        "https://events.pagerduty.com/v2/enqueue"
    )
    seconds: Annotated[float, _doc("deadline of one message", gt=0, le=60)] = 10.0

    def __post_init__(self) -> None:
        """Refuse addresses and keys that are not references: whoever has one can write into the channel."""
        for name in ("incidents", "incidents_low", "engineering", "status_updates", "mail", "pagerduty"):
            if not re.fullmatch(r"((env|file):\S.*)?", getattr(self, name)):
                raise ValueError(f'{name} is a secret: use {name} = "env:NAME" or "file:PATH"')
        if not re.fullmatch(r"https?://[^\s@]+", self.pagerduty_url):
            raise ValueError("pagerduty_url: expected http:// or https://, without a password")


class TrustedKey(_Table, frozen=True, kw_only=True):
    """An entry of `[sign]` trusted: whose signature it is."""

    name: Annotated[str, _doc("whom `verify` names", min_length=1)]
    key: Annotated[str, _doc("the public key: ssh-ed25519 ..., ed25519:... or PEM", min_length=1)]


class Sign(_Table, frozen=True, kw_only=True):
    """`[sign]`: who sealed it. Snapshots, runs and samples are signed with Ed25519."""

    key: Annotated[str, _doc("env:NAME or file:PATH of your private key; nothing is signed if empty")] = ""
    require: Annotated[bool, _doc("`verify` fails for anything that no trusted key signed")] = False
    trusted: Annotated[
        tuple[TrustedKey, ...],
        _doc('{ name = "Kim", key = "ssh-ed25519 AAAA..." }: whose signatures `verify` recognizes'),
    ] = ()

    def __post_init__(self) -> None:
        """Refuse a private key that stands in the file itself."""
        if not re.fullmatch(r"((env|file):\S.*)?", self.key):
            raise ValueError('key is a secret: write key = "env:NAME" or "file:PATH"')


class PatternFile(_Table, frozen=True, kw_only=True):
    """`[[pattern_file]]`: causes of your own, in the form of templates/patterns.toml."""

    path: Annotated[str, _doc("the file; ids in it start with your own prefix")]


class Document(_Table, frozen=True, kw_only=True):
    """The whole of workbench.toml."""

    workbench: Workbench = Workbench()
    service: tuple[Service, ...] = ()
    dependency: tuple[Dependency, ...] = ()
    host: tuple[Host, ...] = ()
    deploy: Deploy = Deploy()
    thresholds: dict[str, float] = {}
    redact: Redact = Redact()
    limits: Limits = Limits()
    contact: tuple[Contact, ...] = ()
    on_call: OnCall = OnCall()
    channels: Channels = Channels()
    notify: Notify = Notify()
    sign: Sign = Sign()
    pattern_file: tuple[PatternFile, ...] = ()
    probe: tuple[OwnProbe, ...] = ()


def common_stack() -> Document:
    """Return what is assumed without a file: the four containers that most teams have."""
    local = "http://localhost"
    return Document(
        service=(
            Service(
                name="backend",
                kind="http",
                url=f"{local}:8000",
                health=("/health", "/health/ready", "/api/v1/"),
                container="app-backend",
                depends_on=("db", "redis"),
            ),
            Service(
                name="frontend",
                kind="http",
                url=f"{local}:3000",
                health=("/",),
                container="app-frontend",
                depends_on=("backend",),
            ),
            Service(name="db", kind="postgres", container="app-db"),
            Service(name="redis", kind="redis", container="app-redis"),
        )
    )
