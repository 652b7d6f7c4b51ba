"""Secrets that were found while the work went on: in environments, command lines, a .pgpass. Memory only."""

import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from incident_lib.expressions import expression

_NAME = expression(
    r"(?:^|[\W_]|(?<=[a-z]))(?:password|passwd|passphrase|pass|pwd|secrets?|tokens?|credentials?|auth"
    r"|requirepass|masterauth|(?:api|access|private|secret|signing|encryption|account|master|auth|service)"
    r"_?-?key)(?:[_-](?:base|value|default|primary|secondary|old|new|admin|root|\d+))?$",
    re.IGNORECASE,
)
_WORKING_DIRECTORY = {"pwd", "oldpwd"}
_LOGIN = expression(r"://[^\s/@]*:[^\s@]+@")
_SETTING = expression(
    r"true|false|yes|no|on|off|none|null|enabled?|disabled?|required?|optional|md5|trust|peer|reject|default"
    r"|scram-sha-256|plain|basic|bearer|digest|token|password|secret|\d{1,5}|\$\{?\w+\}?|/[\w./-]+",
    re.IGNORECASE,
)
_FLAG = expression(r"--?([A-Za-z][\w-]{1,60})")
_MOST = 10_000  # secrets: what is beyond was found in a broken environment

_lock = threading.Lock()
_found: frozenset[str] = frozenset()


def remember(secrets: Iterable[str]) -> None:
    """Let every redactor of this process know secrets that were found just now."""
    global _found  # noqa: PLW0603 - what one lane finds, all that is written by any must not show
    new = {secret for secret in secrets if secret}
    with _lock:
        if not new <= _found and len(_found) + len(new) <= _MOST:
            _found |= new


def remembered() -> frozenset[str]:
    """Return what was found; the same set while nothing was added."""
    return _found


def remember_environment(environment: Mapping[str, str]) -> None:
    """Remember the values of variables that are called as secrets are, and the passwords of addresses.

    >>> sorted(secrets_in_environment({"DB_PASS": "hunter2", "PWD": "/app", "AUTH": "on"}))
    ['hunter2']
    """
    remember(secrets_in_environment(environment))


def secrets_in_environment(environment: Mapping[str, str], *, also_words: bool = False) -> set[str]:
    """Return what is secret among the values of variables, `also_words` that read like a setting."""
    return {
        value
        for name, value in environment.items()
        if _LOGIN.search(value) or (_is_secret_name(name) and (also_words or not _SETTING.fullmatch(value)))
    }


def remember_command(words: Iterable[str]) -> None:
    """Remember what a command line hands over as secret."""
    remember(secrets_in_command(words))


def secrets_in_command(words: Iterable[str]) -> set[str]:
    """Return what is secret in a command line: after `--password`, `--requirepass` and their like.

    >>> sorted(secrets_in_command(["sh", "-c", "redis-server --requirepass hunter2 --masterauth=x4Z"]))
    ['hunter2', 'x4Z']
    """
    given = [word.strip("\"'") for text in words for word in text.split()]
    found = set()
    for index, word in enumerate(given):
        name, equals, value = word.partition("=")
        if flag := _FLAG.fullmatch(name):
            name, value = flag[1], value if equals else next(iter(given[index + 1 : index + 2]), "")
        elif not equals:
            value = ""
        value = value.strip("\"'")
        if value and value[0] != "-" and _is_secret_name(name) and not _SETTING.fullmatch(value):
            found.add(value)
        if _LOGIN.search(word):
            found.add(word)
    return found


def remember_container(about: Mapping[str, Any]) -> None:
    """Remember what an inspected container holds in its environment and command."""
    config = about.get("Config") or {}
    entries = [str(entry).partition("=") for entry in config.get("Env") or ()]
    remember_environment({name: value for name, _, value in entries})
    for part in (config.get("Entrypoint"), config.get("Cmd"), about.get("Args")):
        remember_command([part] if isinstance(part, str) else [str(word) for word in part or ()])


def _is_secret_name(name: str) -> bool:
    return len(name) <= 200 and bool(_NAME.search(name)) and name.lower() not in _WORKING_DIRECTORY
