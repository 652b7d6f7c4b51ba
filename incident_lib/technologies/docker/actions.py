"""Remove unused container data: each container and image by its id, and nothing else."""

from datetime import datetime
from hashlib import sha256

from incident_lib import clock
from incident_lib.connections.change import Action, Argument, Done, Proposal, RefusedError, Request, Verdict
from incident_lib.connections.docker_change import EngineForChange, Unused, open_for_change
from incident_lib.errors import ProblemKind, TargetError, UsageError
from incident_lib.model.remediation import Affected
from incident_lib.units import format_bytes

_MOST = 200  # in one plan, so that a person can read it
_NAMES = 20


def propose(request: Request) -> Proposal:
    """Return what is unused and how many bytes it holds. Errors: TargetError NO_ENGINE, RefusedError."""
    known = ("docker", request.settings.host.name)
    if request.target not in known:
        raise RefusedError(f"docker.prune acts on the engine itself: use {' or '.join(known)}")
    session = open_for_change()
    try:
        unused = _unused(session, request)
        vantage = session.vantage
    finally:
        session.close()
    if not unused:
        raise RefusedError(
            f"{vantage} has no unused images, and no container that exited more than "
            f"{request.arguments['older_than']} ago"
        )
    return _proposal(request, unused[:_MOST], len(unused), vantage)


def _unused(session: EngineForChange, request: Request) -> list[Unused]:
    """Return what is unused, the largest first. Volumes are never among it: they hold data."""
    label = request.arguments["label"]
    try:
        limit = clock.now() - clock.parse_duration(request.arguments["older_than"])
    except UsageError as error:
        raise RefusedError(f"older_than: {error}") from error
    containers = [
        container for container in session.stopped(label) if _ended_before(container.ended_at, limit)
    ]
    unused = [*containers, *session.dangling(label)]
    return sorted(unused, key=lambda each: (-each.size_bytes, each.kind, each.id))


def _ended_before(text: str, limit: datetime) -> bool:
    """Return whether a time of the engine's lies before `limit`; what cannot be read does not."""
    try:
        return clock.parse_time(text[:19] + "Z") < limit
    except UsageError:
        return False


def _proposal(request: Request, unused: list[Unused], total: int, vantage: str) -> Proposal:
    containers = [resource for resource in unused if resource.kind == "container"]
    images = [resource for resource in unused if resource.kind == "image"]
    cut = (f"{total - len(unused)} more remain for another plan",) if total > len(unused) else ()
    return Proposal(
        commands=tuple(_command(resource) for resource in unused),
        affected=(
            Affected(what="engine", detail=vantage),
            Affected(what="stopped containers", count=len(containers), detail=_names(containers)),
            Affected(what="untagged images", count=len(images), detail=_names(images)),
            Affected(
                what="freed at most",
                count=sum(resource.size_bytes for resource in unused),
                unit="B",
                detail="images share layers, so it may be less",
            ),
        ),
        risks=(
            "the logs and files of a removed container are lost, and with them the reason why it exited",
            f"containers that exited less than {request.arguments['older_than']} ago are kept",
            (
                "volumes, tagged images and the build cache are not touched (for the cache: docker builder "
                "prune)"
            ),
            *cut,
        ),
        undo="none: a removed image has to be built or pulled again",
        world={"unused": sha256("\n".join(resource.id for resource in unused).encode()).hexdigest()},
        private=unused,
    )


def _names(unused: list[Unused]) -> str:
    names = [
        resource.name if resource.kind == "container" else resource.id.removeprefix("sha256:")[:12]
        for resource in unused
    ]
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def _command(unused: Unused) -> str:
    if unused.kind == "container":
        return f"docker container rm {unused.id[:12]}  # {unused.name}"
    return f"docker image rm {unused.id.removeprefix('sha256:')[:12]}"


def carry_out(_request: Request, proposal: Proposal) -> Done:
    """Return how many were removed. The engine refuses what came into use meanwhile, and that is reported."""
    unused: list[Unused] = proposal.private
    kept: list[str] = []
    session = open_for_change()
    try:
        for resource in unused:
            try:
                session.remove(resource)
            except TargetError as error:
                if error.kind is ProblemKind.NO_ENGINE:
                    raise
                if error.kind is not ProblemKind.NOT_FOUND:
                    kept.append(error.message)
    finally:
        session.close()
    left = f"{len(kept)} were kept: {kept[0]}" if kept else ""
    return Done(text=f"removed {len(unused) - len(kept)} of {len(unused)} containers and images", left=left)


def verify(request: Request, proposal: Proposal) -> Verdict:
    """Return whether nothing of the plan is there any more."""
    planned = {unused.id: unused.size_bytes for unused in proposal.private}
    session = open_for_change()
    try:
        there = {unused.id for unused in _unused(session, request)} & set(planned)
    finally:
        session.close()
    freed = sum(size for name, size in planned.items() if name not in there)
    return Verdict(
        is_verified=not there,
        evidence=(
            f"docker ps, docker images: {len(there)} of {len(planned)} are there, {format_bytes(freed)} gone",
        ),
        next_step=f"check whether the disk has room now: {request.commands.line('triage')}",
    )


ACTION = Action(
    id="docker.prune",
    title="Remove unused containers and images",
    targets="docker, or the host",
    does="Removes stopped containers older than the given age, and images without a tag; never volumes.",
    undo="It cannot be undone: a removed image has to be built or pulled again.",
    not_when=(
        "A stopped container is evidence of this incident: its log and state go with it.",
        "Something else fills the disk: first find what grew.",
    ),
    propose=propose,
    carry_out=carry_out,
    verify=verify,
    arguments=(
        Argument(name="older_than", help="stopped containers younger than this are evidence", default="24h"),
        Argument(name="label", help="only what has this label, such as team=shop", default=""),
    ),
)
