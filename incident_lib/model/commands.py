"""Command lines that are proposed: pasted in any directory they mean the same incident and configuration."""

import shlex

import msgspec

# They are about no incident, or name theirs as an argument.
_WITHOUT_INCIDENT = frozenset(
    {
        "baseline",
        "completion",
        "declare",
        "demo",
        "diff",
        "figures",
        "health",
        "help",
        "init",
        "list",
        "logs",
        "new-notebook",
        "open",
        "redact",
        "report",
        "runbook",
        "search",
    }
)


class Commands(msgspec.Struct, frozen=True, kw_only=True):
    """What every proposed command carries: `settings.commands(path)` makes it. Show a line on one line."""

    config: str = ""  # absolute; "" where there is no file
    incident: str = ""  # its id, or its path where no file says where the incidents are

    def line(self, *words: str) -> str:
        """Return a command line for a shell.

        >>> Commands(config="/srv/shop/workbench.toml", incident="2026-01-15-orders").line("note", "we call")
        "incident note 'we call' --incident 2026-01-15-orders --config /srv/shop/workbench.toml"
        >>> Commands(incident="2026-01-15-orders").line("search", "lock")
        'incident search lock'
        """
        named = ("--incident", self.incident) if self.incident and words[0] not in _WITHOUT_INCIDENT else ()
        return shlex.join(("incident", *words, *named, *(("--config", self.config) if self.config else ())))
