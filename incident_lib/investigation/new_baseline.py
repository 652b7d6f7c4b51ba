"""Taking a baseline: a snapshot like every other, stored only if everything is healthy."""

from contextlib import ExitStack

import msgspec

from incident_lib.config import Settings
from incident_lib.incident.files import (
    adopt,
    file_name,
    folder_error,
    make_directory,
    make_folder,
    sync_folder,
)
from incident_lib.incident.leftovers import private_folder
from incident_lib.investigation.baseline import NAME, Baseline, baselines_folder, read_baseline
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.setup import share_places
from incident_lib.investigation.since import SINCE
from incident_lib.investigation.snapshot import take_snapshot
from incident_lib.model import Analysis, Finding, FindingSeverity


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The result of taking a baseline. `kept` is None if there was a reason against it."""

    case: Case  # its folder is gone if it was not stored
    kept: Baseline | None
    against: tuple[Finding, ...]  # what is wrong, even if it was stored anyway
    judged: bool  # whether anything was found to be healthy


def take_baseline(
    settings: Settings, watch: Watch, *, since: str = SINCE, name: str = NAME, force: bool = False
) -> Taken:
    """Take a snapshot, and store it as normal if nothing is wrong, or with `force`.

    Source: everything that is configured. Errors: FolderError, RedactionError.
    """
    root = baselines_folder(settings)
    share_places(settings, root)
    with ExitStack() as ending:
        try:
            make_folder(root)
            directory = adopt(ending.enter_context(private_folder(".taking-", root)))
        except OSError as error:
            raise folder_error(root, error) from error
        case = take_snapshot(settings, directory, since, watch)
        against = what_is_wrong(case.analysis)
        judged = any(finding.severity is FindingSeverity.OK for finding in case.analysis.findings)
        kept = None
        if force or (judged and not against):
            kept = _keep(settings, case, name)
    return Taken(case=case, kept=kept, against=against, judged=judged)


def what_is_wrong(analysis: Analysis) -> tuple[Finding, ...]:
    """Return the reasons against a baseline; a difference from the previous one is not a reason."""
    return tuple(
        finding
        for finding in analysis.findings
        if finding.severity.is_bad and not finding.id.startswith("baseline.")
    )


def _keep(settings: Settings, case: Case, name: str) -> Baseline:
    """Move a sealed snapshot to its place in one step, and return it."""
    place = make_directory(baselines_folder(settings) / file_name(name), case.snapshot)
    try:
        case.path.replace(place)
        sync_folder(place.parent)
    except OSError as error:
        raise folder_error(place, error) from error
    return read_baseline(place)
