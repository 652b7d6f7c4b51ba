"""Many targets that fail at once: what they share that no target shares that is well. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import msgspec

from incident_lib.correlation.situation import Situation, by_target
from incident_lib.findings.catalogue import Catalogue, Flag, Manner, Nature
from incident_lib.model import EVERYTHING, Evidence, Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.technologies.host.rows import HostLoad
from incident_lib.technologies.network.rows import PortAnswer, TlsAnswer
from incident_lib.units import format_count, some_of

_AT_ONCE = timedelta(minutes=1)
_LEAST = 3  # targets that share a fact; two may be two faults
_LEAST_UNEXPLAINED = 5  # that share nothing but the manner
_LEAST_MIXED = 8  # that do not even share that
_SAME_MANNER, _MOST, _NEARLY_ALL = 0.9, 0.5, 0.75
_DEEPEST = tuple(Manner)
# What a target shows that waits for something else; what refuses or is gone fails by itself.
_OF_WAITING = frozenset({Manner.SILENT, Manner.ERROR, Manner.TIMED_OUT})
_WORDS = {
    Manner.GONE: ("is not running", "are not running"),
    Manner.NAME: ("has a name that does not resolve", "have names that do not resolve"),
    Manner.UNREACHABLE: ("cannot be reached", "cannot be reached"),
    Manner.TIMED_OUT: ("lets connections time out", "let connections time out"),
    Manner.REFUSED: ("refuses connections", "refuse connections"),
    Manner.RESET: ("closes connections at once", "close connections at once"),
    Manner.TLS: ("fails TLS", "fail TLS"),
    Manner.SILENT: ("accepts but does not answer", "accept but do not answer"),
    Manner.ERROR: ("answers with errors", "answer with errors"),
}


class _Failing(msgspec.Struct, frozen=True, kw_only=True):
    """A target that fails, in which manner, and the findings that show it."""

    target: str
    manner: Manner
    findings: tuple[Finding, ...]

    @property
    def since(self) -> datetime | None:
        """When it began, as far as that is known."""
        return min((f.since for f in self.findings if f.since), default=None)


class _Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Who fails, who of those does so by itself, who is well, and what was collected."""

    failing: dict[str, _Failing]
    roots: tuple[str, ...]
    well: frozenset[str]
    situation: Situation
    findings: tuple[Finding, ...]

    @property
    def topology(self) -> Topology:
        """What needs what."""
        return self.situation.topology


class _Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What some targets share: the id of the finding, who they are, and the sentence that says it."""

    name: str
    members: tuple[str, ...]
    title: str
    lines: tuple[str, ...] = ()
    data: dict[str, str | int] = {}
    is_ours: bool = False  # what failed is between us and them: of their state nothing is known


def judge_events(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, with `together.*` where one event explains that many targets fail.

    An event is named by what was measured: the engine, the resolver, the way out of this machine, the issuer
    of the certificates, an address or a range of them, of which nothing is well. Where most of all targets
    fail and share nothing that was measured, it is named by what their logs say of the same address, and else
    that is stated. What fails because a target that it needs does
    is no event, and a few targets that fail each in its own manner are none. Where only the way from here is
    cut, the targets are UNKNOWN.
    """
    scene = _scene(findings, situation)
    events: list[_Shared] = []
    for find in (_no_way, _only_here, _engine, _resolver, _authority, _place):
        taken = {name for event in events for name in event.members}
        left = tuple(name for name in scene.roots if name not in taken)
        events += find(msgspec.structs.replace(scene, roots=left))
    if not events:
        events += _unexplained(scene)
    ours = {name for event in events if event.is_ours for name in event.members}
    kept = [_not_assessed(f, ours, scene) for f in findings]
    return [*kept, *(_finding(event, scene) for event in events)]


def _scene(findings: Sequence[Finding], situation: Situation) -> _Scene:
    topology = situation.topology
    targets = {name for name, kind in topology.kinds.items() if kind != "host"}
    grouped = {name: found for name, found in by_target(findings).items() if name in targets}
    failing = {
        name: failing
        for name, found in grouped.items()
        if (failing := _failing(name, found, situation.catalogue))
    }
    failing = _of_one_moment(failing)
    well = {
        name
        for name, found in grouped.items()
        if name not in failing and any(_shows_well(f, situation.catalogue) for f in found)
    }
    roots = tuple(
        sorted(
            name
            for name, each in failing.items()
            if each.manner not in _OF_WAITING or not topology.needs(name) & failing.keys()
        )
    )
    return _Scene(
        failing=failing,
        roots=roots,
        well=frozenset(well),
        situation=situation,
        findings=tuple(findings),
    )


def _failing(target: str, found: Iterable[Finding], catalogue: Catalogue) -> _Failing | None:
    signs = [(manner, f) for f in found if (manner := _manner(f, catalogue))]
    if not signs:
        return None
    deepest = min((manner for manner, _ in signs), key=_DEEPEST.index)
    return _Failing(target=target, manner=deepest, findings=tuple(f for _, f in signs))


def _manner(finding: Finding, catalogue: Catalogue) -> Manner | None:
    """Return how a finding shows a target to fail that was asked from here; None for other trouble."""
    kind = catalogue[finding.id]
    if finding.severity is not FindingSeverity.CRITICAL or kind.nature is Nature.HINT:
        return None
    if kind.flags & {Flag.INSIDE, Flag.LOGIN_REFUSED, Flag.WRONG_PEER}:
        return None
    return kind.manner or (Manner.ERROR if kind.flags & {Flag.NO_SESSION, Flag.DOWN, Flag.ILL} else None)


def _shows_well(finding: Finding, catalogue: Catalogue) -> bool:
    return finding.severity is FindingSeverity.OK and Flag.INSIDE not in catalogue[finding.id].flags


def _of_one_moment(failing: dict[str, _Failing]) -> dict[str, _Failing]:
    """Return those that began to fail within a minute of each other, and those whose beginning is not known.

    Of several moments the one with most targets counts.
    """
    known = sorted((each.since, name) for name, each in failing.items() if each.since)
    if not known:
        return failing
    groups = [{name for at, name in known if start <= at <= start + _AT_ONCE} for start, _ in known]
    most = max(groups, key=len)
    others = {name for _, name in known} - most
    unknown = len(failing) - len(known)
    if len(most) < _LEAST and unknown >= _LEAST:
        most = set[str]()
        others = {name for _, name in known}
    return {name: each for name, each in failing.items() if name not in others}


def _engine(scene: _Scene) -> Iterator[_Shared]:
    """Yield that the engine does not answer and nothing of what it ran does, or that all of it ended."""
    on_engine = [name for name in scene.topology.places if name in scene.failing or name in scene.well]
    members = tuple(name for name in scene.failing if name in scene.topology.places)
    gone = [
        f
        for f in scene.findings
        if scene.situation.catalogue.has(f, Flag.ENGINE_SILENT) and not f.data.get("barred_count")
    ]
    if len(members) < max(2, len(on_engine)):
        return
    if gone:
        yield _Shared(
            name="engine",
            members=members,
            title=f"the container engine does not answer, and {_all(members)} that it ran fail",
            lines=(gone[0].title,),
            data={"what": "the container engine"},
        )
    elif len(members) >= _LEAST and all(scene.failing[n].manner is Manner.GONE for n in members):
        yield _Shared(
            name="engine_restarted",
            members=members,
            title=f"the container engine answers, but {_all(members)} that it ran ended",
            lines=_booted(scene),
            data={"what": "the containers"},
        )


def _resolver(scene: _Scene) -> Iterator[_Shared]:
    lost = tuple(name for name in scene.roots if scene.failing[name].manner is Manner.NAME)
    if len(lost) < _LEAST or _resolved(scene):
        return
    rows = [
        f.data
        for name in lost
        for f in scene.failing[name].findings
        if f.data.get("resolver_count") is not None
    ]
    asked = max((int(row["resolver_count"] or 0) for row in rows), default=0)
    silent = bool(rows) and all(row["silent_count"] == row["resolver_count"] for row in rows)
    names = format_count(len(lost), "name")
    if silent and asked:
        title = f"none of {names} resolve: {_silent(asked)}"
    elif rows and not asked:
        title = f"none of {names} resolve: this machine has no resolver configured"
    else:
        title = f"none of {names} resolve on this machine"
    yield _Shared(name="resolver", members=lost, title=title, data={"what": "the resolver"})


def _silent(count: int) -> str:
    if count == 1:
        return "the resolver of this machine does not answer"
    return f"none of the {count} resolvers of this machine answer"


def _resolved(scene: _Scene) -> bool:
    """Return whether a name of some other target resolves; an address is none."""
    catalogue = scene.situation.catalogue
    return any(
        catalogue[f.id].aspect == "names"
        and catalogue.has(f, Flag.FOUND_WELL)
        and (host := str(f.data.get("host") or "")) not in {"", "localhost"}
        and _address(host) is None
        for f in scene.findings
    )


def _no_way(scene: _Scene) -> Iterator[_Shared]:
    """Yield that this machine itself sends nothing: its own table has no route to them."""
    answers = {name: _answers(scene, name) for name in scene.failing}
    cut = tuple(
        name
        for name, rows in answers.items()
        if rows and all(row.unsent and not row.dependency for row in rows)
    )
    away = {str(a) for name in scene.well for a in _addresses(scene, name) if not a.is_loopback}
    if not cut or away:
        return
    if not _resolved(scene):  # a resolver cannot be asked either
        cut += tuple(name for name in scene.roots if scene.failing[name].manner is Manner.NAME)
    if len(cut) < _LEAST:
        return
    yield _Shared(
        name="own_way",
        members=cut,
        title=f"this machine has no route to {format_count(len(cut), 'target')}",
        lines=("Their state is unknown from here.",),
        data={"what": "the network of this machine"},
        is_ours=True,
    )


def _only_here(scene: _Scene) -> Iterator[_Shared]:
    """Yield that containers reach what this machine does not."""
    inside: dict[str, list[PortAnswer]] = {}
    for each in scene.situation.evidence:
        for row in each.of(PortAnswer):
            if row.dependency and row.asked:
                inside.setdefault(row.dependency, []).append(row)
    barred = {Manner.NAME, Manner.UNREACHABLE, Manner.TIMED_OUT}  # what refuses us was reached
    roots = [name for name in scene.roots if scene.failing[name].manner in barred and name in inside]
    members = tuple(name for name in roots if any(row.kind is None for row in inside[name]))
    if len(members) < max(2, len(roots)):
        return
    yield _Shared(
        name="own_view",
        members=members,
        title=f"only this machine cannot reach {format_count(len(members), 'target')}: containers do",
        lines=tuple(f"{name}: {inside[name][0].asked} connects to it" for name in members[:5]),
        data={"what": "the network path from this machine"},
        is_ours=True,
    )


def _authority(scene: _Scene) -> Iterator[_Shared]:
    """Yield that all certificates of one issuer fail, and no certificate of it is well."""
    issuers = {
        each.target: {certificate.issuer for row in each.of(TlsAnswer) for certificate in row.certificates}
        for each in scene.situation.evidence
        if each.of(TlsAnswer) and each.target in scene.topology.kinds
    }
    tls = [name for name in scene.roots if scene.failing[name].manner is Manner.TLS and issuers.get(name)]
    fine = {issuer for name in scene.well for issuer in issuers.get(name, ())}
    counted = Counter(issuer for name in tls for issuer in issuers[name] - fine)
    for issuer, count in counted.most_common(1):
        if count < _LEAST:
            continue
        members = tuple(name for name in tls if issuer in issuers[name])
        yield _Shared(
            name="authority",
            members=members,
            title=f"all {count} certificates issued by {issuer} fail",
            data={"what": issuer},
        )


def _place(scene: _Scene) -> Iterator[_Shared]:
    """Yield that everything at an address fails, or in a range of them, and nothing there is well."""
    places = {name: _addresses(scene, name) for name in (*scene.roots, *scene.well)}
    for key, words in ((_host, "at {}"), (_range, "in {}")):
        found = _groups(scene, places, key)
        if found:
            where, members = found
            yield _at_place(scene, words.format(where), where, members)
            return


_Key = Callable[[IPv4Address | IPv6Address], str]


def _groups(
    scene: _Scene, places: Mapping[str, frozenset[IPv4Address | IPv6Address]], key: _Key
) -> tuple[str, tuple[str, ...]] | None:
    """Return the place with most targets that fail and none that is well."""
    groups: dict[str, set[str]] = {}
    for name, addresses in places.items():
        for place in {key(address) for address in addresses}:
            groups.setdefault(place, set()).add(name)
    whole = [
        (place, tuple(sorted(names)))
        for place, names in groups.items()
        if place and len(names) >= _LEAST and not names & scene.well
    ]
    return max(whole, key=lambda pair: len(pair[1]), default=None)


def _at_place(scene: _Scene, where: str, place: str, members: tuple[str, ...]) -> _Shared:
    manners = {scene.failing[name].manner for name in members}
    here = place == _HERE
    up = Manner.REFUSED in manners or Manner.RESET in manners
    if here:
        line = ""
    elif up:
        line = "That machine refuses connections, so it is up: its programs are down, not its network."
    else:
        line = (
            "Nothing there even refuses: whether it or the network path to it is down is unknown from here."
        )
    return _Shared(
        name="place",
        members=members,
        title=f"everything {where} fails: {format_count(len(members), 'target')}, and none there are healthy",
        lines=tuple(filter(None, (line, *(_booted(scene) if here else ())))),
        data={"what": place, "where": where},
    )


_HERE = "this machine"


def _host(address: IPv4Address | IPv6Address) -> str:
    return _HERE if address.is_loopback else str(address)


def _range(address: IPv4Address | IPv6Address) -> str:
    if address.is_loopback:
        return ""
    return str(ip_network((address, 24 if address.version == 4 else 64), strict=False))


def _unexplained(scene: _Scene) -> Iterator[_Shared]:
    """Yield that most of all targets fail, and that what they share is not known."""
    count, total = len(scene.roots), len(scene.roots) + len(scene.well)
    if count < _LEAST_UNEXPLAINED:
        return
    manners = Counter(scene.failing[name].manner for name in scene.roots)
    share, same = count / total, manners.most_common(1)[0][1] / count
    alike = same >= _SAME_MANNER and share > _MOST
    if not alike and (count < _LEAST_MIXED or share < _NEARLY_ALL):
        return
    logged = _logged(scene)
    title = f"{count} of {total} targets fail at once"
    yield _Shared(
        name="logged" if logged else "unexplained",
        members=scene.roots,
        title=f"{title}, and {logged.count} of them log: {logged.problem}" if logged else title,
        lines=(
            f"healthy: {some_of(sorted(scene.well))}" if scene.well else "none are healthy",
            *_needed(scene),
        ),
        data={"what": logged.address, "problem": logged.problem, "logged_count": logged.count}
        if logged
        else {"what": "what they share"},
    )


class _Logged(msgspec.Struct, frozen=True, kw_only=True):
    """What logs of many targets say of one address, and of how many."""

    address: str
    problem: str
    count: int


def _logged(scene: _Scene) -> _Logged | None:
    """Return what most that fail log of one address, and nothing that is well; None where that is nothing."""
    by_error: dict[tuple[str, str], set[str]] = {}
    problems: dict[tuple[str, str], Counter[str]] = {}
    for finding in scene.findings:
        data = finding.data
        address, error, problem = data.get("address"), data.get("error_class"), data.get("problem")
        if address and error and problem and finding.severity.is_bad and not finding.is_past:
            key = (str(error), str(address))
            by_error.setdefault(key, set()).add(finding.target)
            problems.setdefault(key, Counter())[str(problem)] += 1
    found = [
        (len(targets.intersection(scene.roots)), key)
        for key, targets in by_error.items()
        if not targets & scene.well
    ]
    count, key = max(found, default=(0, ("", "")))
    if count < _NEARLY_ALL * len(scene.roots):
        return None
    return _Logged(address=key[1], problem=problems[key].most_common(1)[0][0], count=count)


def _needed(scene: _Scene) -> Iterator[str]:
    """Yield what all of them need and none needs that is well."""
    needs = scene.topology.needs
    common = frozenset[str].intersection(*(needs(name) for name in scene.roots))
    for name in sorted(common - {need for well in scene.well for need in needs(well)}):
        yield f"all of them need {name}, and nothing healthy needs it"


def _booted(scene: _Scene) -> tuple[str, ...]:
    """Return that this machine was started in the window, as a line."""
    began = [each.since for each in scene.failing.values() if each.since]
    for each in scene.situation.evidence:
        for load in each.of(HostLoad):
            at = load.booted_at
            recent = at and (each.collected_at - at < timedelta(hours=1) or (began and at >= min(began)))
            if at and recent:
                return (f"This machine was started at {at:%H:%M:%S} UTC.",)
    return ()


def _answers(scene: _Scene, name: str) -> tuple[PortAnswer, ...]:
    found = (each.of(PortAnswer) for each in _evidence_of(scene, name))
    return tuple(row for rows in found for row in rows if not row.dependency)


def _evidence_of(scene: _Scene, name: str) -> Iterator[Evidence]:
    return (each for each in scene.situation.evidence if each.target == name)


def _addresses(scene: _Scene, name: str) -> frozenset[IPv4Address | IPv6Address]:
    texts = {row.address for row in _answers(scene, name)}
    if not texts:
        texts = {address.rpartition(":")[0].strip("[]") for address in scene.topology.addresses.get(name, ())}
    return frozenset(address for text in texts if (address := _address(text)))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _all(members: Sequence[str]) -> str:
    return f"both services ({' and '.join(members)})" if len(members) == 2 else f"all {len(members)} services"


def _finding(event: _Shared, scene: _Scene) -> Finding:
    topology = scene.topology
    behind = [
        name
        for name in scene.failing
        if name not in event.members and topology.needs(name) & {*event.members}
    ]
    covered = (*event.members, *behind)
    signs = [f for name in covered for f in scene.failing[name].findings]
    return Finding(
        id=f"together.{event.name}",
        severity=FindingSeverity.CRITICAL,
        target=EVERYTHING,
        title=event.title,
        detail="\n".join((*event.lines, *_manners(covered, scene))),
        since=min((f.since for f in signs if f.since), default=None),
        evidence=tuple(dict.fromkeys(ref for f in signs for ref in f.evidence)),
        data={
            "count": len(event.members),
            "total": len(scene.failing) + len(scene.well),
            "targets": " ".join(covered),
            **event.data,
        },
    )


def _manners(names: Sequence[str], scene: _Scene) -> Iterator[str]:
    groups: dict[Manner, list[str]] = {}
    for name in names:
        groups.setdefault(scene.failing[name].manner, []).append(name)
    for manner, group in sorted(groups.items(), key=lambda pair: -len(pair[1])):
        words = _WORDS[manner][len(group) > 1]
        yield f"{len(group)} {words}: {some_of(group)}" if len(group) > 1 else f"{group[0]} {words}"


def _not_assessed(finding: Finding, ours: set[str], scene: _Scene) -> Finding:
    """Return a finding of a target that is only not seen from here: that says nothing about it."""
    if finding.target not in ours or finding not in scene.failing[finding.target].findings:
        return finding
    return msgspec.structs.replace(
        finding,
        severity=FindingSeverity.UNKNOWN,
        title=f"not assessed: it cannot be reached from this machine ({finding.title})",
        actions=(),
    )
