"""What each finding id means: the flags that judges, hypotheses, severity and the timeline ask for. Pure.

Technologies bring their entries, `COMMON` holds those of findings that rest on several targets or on several
snapshots. Whoever judges findings of others asks for flags and reads `data`; the title and the detail of a
finding are for people, and an id that is not in the catalogue is neutral.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum, auto
from fnmatch import fnmatchcase

import msgspec

from incident_lib.errors import ProblemKind
from incident_lib.model import Finding


class Nature(StrEnum):
    """What kind of statement a finding is."""

    STATE = auto()  # how it is, well or only worth knowing
    CHANGE = auto()  # what was changed: a moment
    SYMPTOM = auto()  # what is wrong
    HINT = auto()  # what a log says of something else


STATE, CHANGE, SYMPTOM, HINT = Nature


class Flag(StrEnum):
    """What a finding means to whoever judges it together with others."""

    # How a target serves those who need it.
    ANSWERS = auto()  # clients get in and are served
    DOWN = auto()  # nothing answers, or nothing runs
    ILL = auto()  # it runs and serves its users badly
    UNWELL = auto()  # its users do not get what they ask for
    WAITS = auto()  # its users wait for it
    SLOW = auto()  # it answers, and takes long
    SLOWER = auto()  # it takes much longer than before
    FAILS = auto()  # something fails there: a request, a statement, a line of the log
    ANY_FAILURE = auto()  # requests fail, of whatever cause: no sign of a certain one
    PART_DOWN = auto()  # its readiness names a part that is down
    NO_SESSION = auto()  # a store lets no client in
    LOGIN_REFUSED = auto()  # our login is refused
    WRONG_PEER = auto()  # something else answers at our address
    OUT_OF_STEP = auto()  # its clock differs from ours
    DAMAGED = auto()  # data may be lost
    # Where it was seen.
    HEALTH = auto()  # at a health address that is configured
    CHECK = auto()  # by a check that asks as a user does: its first failure and its recovery are moments
    OF_STORE = auto()  # at a data store
    INSIDE = auto()  # from inside a container
    OWN_CLOCK = auto()  # how long we waited ourselves is all that it rests on
    BY_SERVICE = auto()  # the service measured it with its own clock
    FOUND_WELL = auto()  # of something that was seen from inside, too: it is well from here
    FOUND_BAD = auto()  # of something that was seen from inside, too: it is bad from here
    LOGGED = auto()  # the word of a log, which a measurement may deny
    UNMEASURED = auto()  # no measurement shows whether it is over: what is asked for does not meet it
    RAISED = auto()  # the exception that is raised most often, as the data say
    LAST_WORDS = auto()  # the error that a log ends in
    FIRST_SEEN = auto()  # `since` is the first time in the window, and moves with it
    OF_DATABASE = auto()  # of the database of the session alone, and not of the whole server
    # What a log says about what the service needs.
    IN_VAIN = auto()  # it waits for it in vain
    PEER_FAILS = auto()  # it gets failures from it
    CLIENT_REFUSED = auto()  # its login there is refused
    TLS_REFUSED = auto()  # it does not accept the certificate there
    POOL_WAITS = auto()  # clients wait in a pool before it, which the data name
    POOL_EMPTY = auto()  # its own pool has no connection left
    CACHE_MISSED = auto()  # a cache was not there, or had nothing
    # What happened.
    ONSET = auto()  # when trouble began
    SLOW_ONSET = auto()  # when requests became slow
    ERROR_RATE = auto()  # how many requests fail
    MOMENT = auto()  # worth a line of the timeline, however harmless
    CREATED = auto()  # a container came into being
    RESTARTED = auto()  # a server was started
    NOT_READY = auto()  # it started, and has not reported that it is ready
    MAY_LOAD = auto()  # a silence, as of a server that reads its data
    MAY_BE_HABIT = auto()  # clients may do it every day: bad only where something else fails
    # Caches and databases.
    EVICTS = auto()  # keys are thrown out
    FLUSHED = auto()  # keys were thrown away on purpose
    FLUSHED_SLOWLY = auto()  # so many that it took long
    KEYS_LOST = auto()  # fewer keys than before
    COLD = auto()  # most lookups miss
    LOADED = auto()  # a database has more work than it can do
    WORKS = auto()  # work that a database may do every day
    BLOCKS = auto()  # a load with a cause of its own
    REPLAYS_LATE = auto()  # a standby has it and may not have replayed it, as the data say
    CUT_OFF = auto()  # a standby does not stream: this one, where `state` in the data is "not streaming"
    LOCK_WAIT = auto()  # sessions wait for the transaction that the data name
    # What many targets share.
    TOGETHER = auto()  # one event at the targets that its data list
    NOTHING_HERE = auto()  # nothing is configured, and nothing was found to look at
    NO_CONTAINER = auto()  # no container has the configured name
    ENGINE_SILENT = auto()  # the engine of containers does not answer
    # The machine that the workbench runs on.
    OVERLOADED = auto()  # more wants to run than it has processors
    SATURATED = auto()  # its processors are taken
    NAMES_SLOW = auto()  # it takes long to resolve a name
    ONE_STORE = auto()  # only one of several stores of certificates does not trust it
    GREETING_LOST = auto()  # no answer to TLS while a probe from inside waited


class Manner(StrEnum):
    """How a target fails those who ask it, the deepest fact first; a target that is gone refuses, too."""

    GONE = auto()  # its process or container does not run
    NAME = auto()  # its name does not resolve
    UNREACHABLE = auto()  # there is no way to it
    TIMED_OUT = auto()  # nothing comes back, not even a refusal
    REFUSED = auto()  # its machine answers, and nothing listens
    RESET = auto()  # it ends connections at once
    TLS = auto()  # it takes connections, and no TLS is possible
    SILENT = auto()  # it takes connections and does not answer
    ERROR = auto()  # it answers, with an error

    @property
    def follow(self) -> frozenset["Manner"]:
        """What is seen of a target, too, that fails in this manner.

        >>> Manner.REFUSED in Manner.GONE.follow, Manner.TLS in Manner.GONE.follow
        (True, False)
        """
        gone = {Manner.REFUSED, Manner.RESET, Manner.NAME, Manner.UNREACHABLE}
        return frozenset({self, *(gone if self is Manner.GONE else ())})


_MANNERS = {
    ProblemKind.REFUSED: Manner.REFUSED,
    ProblemKind.TIMED_OUT: Manner.TIMED_OUT,
    ProblemKind.UNREACHABLE: Manner.UNREACHABLE,
    ProblemKind.RESET: Manner.RESET,
    ProblemKind.NAME_NOT_RESOLVED: Manner.NAME,
    ProblemKind.TLS: Manner.TLS,
}

_FELT = frozenset(
    {
        Flag.DOWN, Flag.ILL, Flag.UNWELL, Flag.WAITS, Flag.SLOW, Flag.ANY_FAILURE, Flag.PART_DOWN,
        Flag.NO_SESSION, Flag.IN_VAIN, Flag.PEER_FAILS, Flag.POOL_EMPTY,
    }
)  # fmt: skip


class FindingKind(msgspec.Struct, frozen=True, kw_only=True):
    """One id of findings, and what it means whatever the title of a finding reads."""

    id: str  # "postgres.locks.blocked", or a glob of ids
    nature: Nature = STATE
    meaning: str = ""  # a sentence for the documentation
    flags: frozenset[Flag] = frozenset()
    fields: frozenset[str] = frozenset()  # the keys of `data` that such a finding may carry
    about: str = ""  # of a hint: the kind of target that the line is about
    aspect: str = ""  # what may be seen from here and from inside: names, ports, tls
    manner: Manner | None = None  # how a target fails: signs of one manner are one fact
    event: str = ""  # findings of one event at one target and moment are one line of the timeline ...
    precedence: int = 0  # ... which the lowest of them writes

    @property
    def is_felt(self) -> bool:
        """Whether users of the service feel it."""
        return bool(self.flags & _FELT)


def entry(
    finding_id: str, nature: Nature, meaning: str, *flags: Flag, fields: str = "", **more: str | int
) -> FindingKind:
    """Return one entry of a catalogue; `fields` are names of data, with spaces between.

    >>> sorted(entry("redis.acl.denied", SYMPTOM, "Clients are refused", fields="user count").fields)
    ['count', 'user']
    """
    return msgspec.convert(
        {
            "id": finding_id,
            "nature": nature,
            "meaning": meaning,
            "flags": flags,
            "fields": fields.split(),
            **more,
        },
        FindingKind,
    )


_FAILURES = {
    ProblemKind.REFUSED: "Connections are refused: nothing listens there",
    ProblemKind.TIMED_OUT: "No answer in time",
    ProblemKind.UNREACHABLE: "There is no network path to it",
    ProblemKind.RESET: "It closes connections at once",
    ProblemKind.NAME_NOT_RESOLVED: "Its name does not resolve",
    ProblemKind.NOT_CALLED: "Its name resolves to a link-local or metadata address, which the workbench "
    "does not contact",
    ProblemKind.TLS: "No TLS connection is possible",
    ProblemKind.DENIED: "The workbench's login is refused",
    ProblemKind.FULL: "It accepts no more clients",
    ProblemKind.STARTING: "It is starting, stopping, or loading its data",
    ProblemKind.BUSY: "It runs, but serves no client for now",
    ProblemKind.NOT_FOUND: "What was requested does not exist",
    ProblemKind.PROTOCOL: "Its answer makes no sense",
    ProblemKind.WRONG_PEER: "Something else answers there",
}


def failures(
    probe: str, *flags: Flag, fields: str = "", ours: bool = True, **more: tuple[Flag, ...] | str
) -> Iterator[FindingKind]:
    """Yield an entry for each way in which `probe` cannot see its target.

    Shape: `more` are further flags by the kind of failure; `aspect` is that of all. With `ours` also the
    kinds that say something about the workbench alone, which are never an alarm.
    """
    aspect = str(more.pop("aspect", ""))
    for kind in ProblemKind:
        if kind in _FAILURES:
            special = tuple(Flag(flag) for flag in more.get(kind.value, ()))
            known = entry(
                f"{probe}.{kind}", SYMPTOM, _FAILURES[kind], *flags, *special, fields=fields, aspect=aspect
            )
            yield msgspec.structs.replace(known, manner=_MANNERS.get(kind))
        elif ours:
            yield entry(
                f"{probe}.{kind}",
                STATE,
                "Not assessed, for a reason within the workbench",
                *flags,
                *(Flag(flag) for flag in more.get(kind.value, ())),
                fields=fields,
            )


def flagged(kinds: Iterable[FindingKind], *flags: Flag, fields: str = "") -> tuple[FindingKind, ...]:
    """Return entries that have `flags` and `fields`, too."""
    return tuple(
        msgspec.structs.replace(kind, flags=kind.flags.union(flags), fields=kind.fields.union(fields.split()))
        for kind in kinds
    )


class Catalogue:
    """All entries, by id. Those of a glob of ids come last."""

    def __init__(self, kinds: Iterable[FindingKind] = ()) -> None:
        entries = tuple(kinds)
        self.kinds = {kind.id: kind for kind in entries if "*" not in kind.id}
        self.globs = tuple(kind for kind in entries if "*" in kind.id)

    def __getitem__(self, finding_id: str) -> FindingKind:
        """Return what an id means; an id that is not entered is neutral.

        >>> Catalogue()["shop.queue.high"].flags
        frozenset()
        """
        if known := self.kinds.get(finding_id):
            return known
        found = next((kind for kind in self.globs if fnmatchcase(finding_id, kind.id)), FindingKind(id=""))
        return msgspec.structs.replace(found, id=finding_id)

    def has(self, finding: Finding, *flags: Flag) -> bool:
        """Return whether a finding has one of `flags`."""
        return not self[finding.id].flags.isdisjoint(flags)


COMMON = (
    # What judges across targets conclude.
    entry("postgres.replication.stale_source", SYMPTOM,
          "A standby streams from another one that receives nothing", fields="source"),
    entry("clock.odd", SYMPTOM, "The clock of one machine differs from the clocks that agree",
          fields="difference_seconds agreeing off"),
    *flagged((
        entry("together.engine", SYMPTOM, "The engine does not answer, and nothing that it ran is healthy"),
        entry("together.engine_restarted", SYMPTOM, "The engine answers, but everything it ran has ended"),
        entry("together.resolver", SYMPTOM, "No name resolves on this machine"),
        entry("together.own_way", SYMPTOM, "This machine has no route to the targets"),
        entry("together.own_view", SYMPTOM, "Containers reach what this machine cannot"),
        entry("together.authority", SYMPTOM, "All certificates of one issuer fail"),
        entry("together.place", SYMPTOM, "Everything at one address, or in one range of them, fails"),
        entry("together.logged", SYMPTOM, "Most targets fail at once, and their logs name the same address"),
        entry("together.unexplained", SYMPTOM, "Most targets fail at once, and what they share is unknown"),
    ), Flag.TOGETHER, Flag.FIRST_SEEN, fields="count total targets what where problem logged_count"),
    entry("together.nothing", STATE, "Nothing is configured, and no part of the usual stack is here",
          Flag.NOTHING_HERE),
    entry("container.state.created", CHANGE, "The container was created together with most others: a first "
                                             "start",
          fields="container image image_id version revision", event="change", precedence=2),
    entry("host.load.starved", SYMPTOM, "A program takes the CPU, a service waits, and users are affected",
          fields="program process pid container share_ratio service waiting_ratio waiting_count"),
    entry("host.load.waiting", STATE, "A program takes the CPU, and a service waits for it",
          fields="program process pid container share_ratio service waiting_ratio waiting_count"),
    entry("http.health.stalled", SYMPTOM, "It waits for several dependencies that are all healthy",
          Flag.HEALTH, Flag.CHECK, Flag.FAILS, fields="count path phase seconds url"),
    entry("http.health.reported_failing", SYMPTOM, "It answers from here, but a service that uses it logs "
                                                   "failures",
          Flag.HEALTH, Flag.FAILS, fields="user error_class"),
    entry("http.health.reported_slow", SYMPTOM, "It answers from here, but a service that uses it waits "
                                                "without an answer",
          Flag.HEALTH, Flag.FAILS, fields="user error_class"),
    entry("redis.memory.stampede", SYMPTOM, "A cache lost its keys, and a database carries its load",
          Flag.OF_STORE, fields="database began"),
    # What a baseline or several snapshots show.
    *(
        entry(f"baseline.{name}", SYMPTOM, f"{what} than in the baseline", fields="count what before now")
        for name, what in {
            "latency": "Requests take longer", "errors": "More requests fail",
            "connections": "There are more connections", "memory": "More memory is used",
            "host_memory": "The machine has less memory left", "files": "More files are open",
            "disk": "A file system is fuller", "certificate": "A certificate is different",
            "templates": "The log has different lines", "exceptions": "Different exceptions are raised",
            "settings": "A setting is different", "version": "A different version runs",
            "scans": "A table is read in a different way", "checkpoints": "Checkpoints have a different "
                                                                          "reason",
            "number": "A number of a custom probe is different",
        }.items()
    ),
    entry("baseline.ok", STATE, "It matches the baseline", fields="count"),
    *(
        entry(f"trend.{name}", SYMPTOM, what, fields="grown limit_seconds per_second samples what")
        for name, what in {
            "memory": "Memory rises toward its limit", "connections": "Connections rise toward their limit",
            "files": "Open files rise toward their limit", "disk": "A file system is filling up",
            "latency": "Answers keep getting slower",
        }.items()
    ),
    entry("trend.ok", STATE, "Nothing rises"),
    # What teams and packages add is known by the last word alone.
    entry("*.unknown", STATE, "Not assessed: the probe returned nothing"),
)  # fmt: skip
