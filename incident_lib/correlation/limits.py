"""Whose limit statements ran into: of a role, a database, the server or the application. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from incident_lib.correlation.other_databases import own_databases
from incident_lib.correlation.situation import Situation
from incident_lib.model import Finding
from incident_lib.technologies.postgres.rows import PostgresOwnSetting, PostgresSetting
from incident_lib.units import some_of

_READ_ONLY = "default_transaction_read_only"
# By class of error, and what exactly is wrong where that decides: the setting behind it.
_SETTINGS = {
    ("db_statement_timeout", None): "statement_timeout",
    ("db_lock_timeout", None): "lock_timeout",
    ("db_idle_timeout", None): "idle_in_transaction_session_timeout",
    ("db_idle_timeout", "session"): "idle_session_timeout",
    ("db_temp_limit", None): "temp_file_limit",
    ("db_read_only", None): _READ_ONLY,
}
_OFF = frozenset({"off", "false", "no", "0"})
_PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789_"


def judge_limits(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings; a limit that statements ran into is named with who has it, and how to undo it."""
    own = dict(own_databases(situation))
    read = {
        evidence.target: evidence.of(PostgresOwnSetting)
        for evidence in situation.evidence
        if evidence.of(PostgresSetting)
    }
    found = []
    for finding in findings:
        named = (str(finding.data.get("error_class")), finding.data.get("reason"))
        name = _SETTINGS.get((named[0], named[1] if isinstance(named[1], str) else None))
        store = _store_of(finding, read, situation) if name else ""
        if name and store:
            rows = [row for row in read[store] if _applies(row, name, own.get(store))]
            found.append(_named(finding, name, rows, own.get(store, "")))
        else:
            found.append(finding)
    return found


def _store_of(finding: Finding, read: Mapping[str, object], situation: Situation) -> str:
    """Return the database whose limit it is: the target, or the only one that it needs, "" where unknown."""
    if finding.target in read:
        return finding.target
    needed = [name for name in situation.topology.depends_on.get(finding.target, ()) if name in read]
    return needed[0] if len(needed) == 1 else ""


def _applies(row: PostgresOwnSetting, name: str, own: str | None) -> bool:
    """Return whether a row is about this setting, in the database of the application where that is known."""
    if row.name != name or (name == _READ_ONLY and row.value.lower() in _OFF):
        return False
    return own is None or row.database in (None, own)


def _named(finding: Finding, name: str, rows: list[PostgresOwnSetting], own: str) -> Finding:
    advice = str(finding.data.get("advice") or "")
    if rows:
        whose = some_of([f"{name} = {row.value} of {_owner(row)}" for row in rows])
        only_roles = all(row.role for row in rows)
        undo = "; ".join(f"{_reset(row)}" for row in rows[:3])
        condition = ", if the failing statements are of that role," if only_roles and len(rows) == 1 else ""
        source = f"The limit is {whose}"
        if name == _READ_ONLY:
            advice = (
                f"Find out who set {whose}, and why; then{condition} {undo}, and make the application "
                f"reconnect: open sessions keep the setting."
            )
        else:
            advice = f"{advice} {source}; {undo} reverts it for new sessions."
    else:
        of_database = f" nor the database {own}" if own else " and no database"
        neither = f"{'Neither a role' if own else 'No role'}{of_database} has its own {name}"
        elsewhere = "it is set for the whole server (postgresql.conf, ALTER SYSTEM) or by the application"
        source = f"{neither}: {elsewhere}"
        advice = f"{advice} {source}."
    return msgspec.structs.replace(
        finding,
        detail=f"{finding.detail}\n{source}",
        data=finding.data | {"advice": advice.strip(), "setting": name},
    )


def _owner(row: PostgresOwnSetting) -> str:
    """Return who has a setting, in words.

    >>> _owner(PostgresOwnSetting(role="app", database="shop", name="lock_timeout", value="1s"))
    'the role app in the database shop'
    """
    return " in ".join(_owners(row)) or "all roles"


def _owners(row: PostgresOwnSetting) -> Iterator[str]:
    if row.role:
        yield f"the role {row.role}"
    if row.database:
        yield f"the database {row.database}"


def _reset(row: PostgresOwnSetting) -> str:
    """Return the statement that undoes a setting.

    >>> _reset(PostgresOwnSetting(role=None, database="Shop", name="lock_timeout", value="1s"))
    'ALTER DATABASE "Shop" RESET lock_timeout'
    """
    # Who is read-only as well cannot take it back without this.
    before = f"SET {_READ_ONLY} = off; " if row.name == _READ_ONLY and not row.role else ""
    if row.database and not row.role:
        return f"{before}ALTER DATABASE {_quoted(row.database)} RESET {row.name}"
    place = f" IN DATABASE {_quoted(row.database)}" if row.database else ""
    return f"{before}ALTER ROLE {_quoted(row.role) if row.role else 'ALL'}{place} RESET {row.name}"


def _quoted(name: str) -> str:
    """Return a name as SQL reads it.

    >>> _quoted("app"), _quoted('a"b')
    ('app', '"a""b"')
    """
    is_plain = not name[:1].isdigit() and set(name) <= set(_PLAIN)
    return name if is_plain else '"' + name.replace('"', '""') + '"'
