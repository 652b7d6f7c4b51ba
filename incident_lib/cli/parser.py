"""The words of the command line: every command with its flags and their help. Imports no command.

`incident --help` is typed when time is short, so nothing is imported for it. `call` of a parsed command names
the module of `incident_lib.cli` and the function in it, which are imported when it is that command's turn.
"""

import argparse

from incident_lib.cli.usage import Parser

DEFAULT_FAULT = "lock-contention"
DRAFTS = ("declaration", "update", "executive", "status-page", "engineering")
HEALTH_OUTPUT, REPORT_OUTPUT = "./health-check-results", "./incident-reports"
# Flag, variable, default, key in the report of `health`.
PLACES = (
    ("backend_url", "BACKEND_URL", "http://localhost:8000"),
    ("frontend_url", "FRONTEND_URL", "http://localhost:3000"),
    ("db_container", "DB_CONTAINER", "app-db"),
    ("redis_container", "REDIS_CONTAINER", "app-redis"),
)
# When one needs a command: those to know, and further ones.
GROUPS = (
    ("When you are paged", ("triage", "declare", "run"), ("health", "logs", "ack", "on-call")),
    (
        "During the incident",
        ("show", "update", "mitigate"),
        ("note", "task", "decide", "assign", "classify", "communicate", "timeline", "analyze", "diff", "lab"),
    ),
    ("When it is over", ("resolve", "postmortem"), ("close", "reopen", "report", "bundle")),
    ("Past incidents", ("list", "search"), ("similar", "figures", "open", "verify", "redact")),
    ("Setup", ("init", "demo"), ("baseline", "runbook", "new-notebook", "completion", "help")),
)
SHELLS = ("bash", "zsh", "fish")
_SINCE = "(default 15m, or since a verified mitigation)"
_SNAPSHOTS = (
    "an incident, INCIDENT/SNAPSHOT, the id or path of a snapshot, latest, baseline, or baseline:NAME"
)
_NEWEST = "id or path (default the newest that is not closed)"


class _Version(argparse.Action):
    """Print the version when it is asked for: finding it takes longer than all of the help."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from incident_lib.resources import distribution  # noqa: PLC0415 - takes longer than all of the help

        parser.exit(message=f"incident workbench {distribution()[1] or '(not installed)'}\n")


class _Commands:
    """The commands as they are added, each with the flags that all of them take."""

    def __init__(self, subparsers: "argparse._SubParsersAction[Parser]") -> None:
        self._subparsers = subparsers

    def add(self, name: str, call: str, text: str, description: str | None = None) -> argparse.ArgumentParser:
        """Return the parser of a command that `call`, as "module:function", carries out."""
        parser = self._subparsers.add_parser(name, help=text, description=description)
        parser.set_defaults(call=call)
        return parser


def build() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="incident",
        description="Evidence, diagnosis and coordination for engineers on call.",
        epilog="Paged? Run `incident triage`: read-only, bounded, answers in seconds.",
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, dest=argparse.SUPPRESS, help="print the version"
    )
    parser.set_defaults(call="help:overview")
    subparsers = parser.add_subparsers(metavar="COMMAND")
    commands = _Commands(subparsers)
    for add in (
        _triage, _declare, _run, _lifecycle, _folder, _analyze, _mitigate, _timeline, _compare, _history,
        _bundle, _redact, _communicate, _on_call, _report, _postmortem, _runbook, _health, _logs, _init, _lab,
        _new_notebook, _demo, _completion, _help,
    ):  # fmt: skip
        add(commands)
    _add_global(parser, defaults=True)
    for command in subparsers.choices.values():
        _add_global(command, defaults=False)
    return parser


def commands_of(parser: argparse.ArgumentParser) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    """Return the commands of a parser that `build` returned."""
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))  # noqa: SLF001 - argparse shows them nowhere else
    return commands


def _add_global(parser: argparse.ArgumentParser, *, defaults: bool) -> None:
    """Let the global flags stand before or behind the command."""

    def default(value: object) -> object:
        """Return the default of a flag: behind the command none, which would undo what stands before it."""
        return value if defaults else argparse.SUPPRESS

    group = parser.add_argument_group("everywhere")
    group.add_argument("--config", metavar="FILE", default=default(None), help="workbench.toml to use")
    group.add_argument(
        "--json",
        action="store_true",
        default=default(value=False),
        help="print one JSON document; progress goes to standard error",
    )
    group.add_argument("--no-color", action="store_true", default=default(value=False), help="plain text")
    group.add_argument(
        "-v", "--verbose", action="store_true", default=default(value=False), help="print more"
    )


def _incident(parser: argparse.ArgumentParser, text: str = _NEWEST) -> argparse.ArgumentParser:
    """Let a command take its incident by position, and by the flag that proposed commands carry."""
    parser.set_defaults(incident="")
    parser.add_argument("incident", nargs="?", default=argparse.SUPPRESS, metavar="INCIDENT", help=text)
    parser.add_argument(
        "--incident",
        dest="incident",
        default=argparse.SUPPRESS,
        metavar="INCIDENT",
        help="the same as INCIDENT, as a flag",
    )
    return parser


def _incident_flag(parser: argparse.ArgumentParser, text: str = _NEWEST) -> None:
    parser.add_argument("--incident", default="", metavar="INCIDENT", help=text)


def _rebind(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rebind", action="store_true", help="bind the incident to this configuration from now on"
    )


def _triage(commands: _Commands) -> None:
    parser = commands.add(
        "triage", "triage:triage", "check everything now and report what is likely wrong; changes nothing"
    )
    _incident(parser, "keep the snapshot in this incident")
    parser.add_argument("--since", help=f"how far back: 15m, 2h, 14:05 {_SINCE}")
    parser.add_argument("--save", action="store_true", help="keep the snapshot even when no incident is open")
    _rebind(parser)


def _declare(commands: _Commands) -> None:
    parser = commands.add(
        "declare", "declare:declare", "create the incident's folder and draft the first message"
    )
    parser.add_argument("--title", required=True, help="what users see, in a few words")
    parser.add_argument("--severity", required=True, help="SEV1 to SEV4, or P1 to P4")
    parser.add_argument(
        "--service", action="append", default=[], metavar="NAME", help="affected; may be repeated"
    )
    parser.add_argument("--commander", default="", metavar="NAME", help="who coordinates")
    parser.add_argument("--impact", default="", help="who is affected, and how")
    parser.add_argument(
        "--start", default="now", metavar="TIME", help="when it began: ISO time, 14:05 or 10m (default now)"
    )


def _run(commands: _Commands) -> None:
    parser = _incident(
        commands.add("run", "run:run", "collect, analyze, run the notebooks and render the pages")
    )
    parser.add_argument(
        "--notebook",
        action="append",
        default=[],
        metavar="NAME",
        help="run only this notebook (a name or a file); may be repeated (default 00 to 40, your team's "
        "own, and 60 once there is something to review)",
    )
    parser.add_argument(
        "--no-notebooks", action="store_true", help="only the index page, which does not need Jupyter"
    )
    parser.add_argument("--since", help=f"how far back {_SINCE}")
    parser.add_argument("--snapshot", default="new", metavar="ID", help="replay this snapshot, or `latest`")
    # Collecting leaves time to import what only some notebooks use.
    parser.set_defaults(runs_notebooks=_collects)
    parser.add_argument(
        "--watch", default="", metavar="30s", help="before that, take samples at this interval, for trends"
    )
    parser.add_argument(
        "--for", default="10m", metavar="10m", dest="how_long", help="how long to take samples (default 10m)"
    )
    parser.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="notebooks to run in parallel (default 2)"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=300,
        metavar="SECONDS",
        help="seconds for the whole run (default 300)",
    )
    parser.add_argument("--pdf", action="store_true", help="print the page as PDF too; needs Chromium")
    _rebind(parser)


def _collects(arguments: argparse.Namespace) -> bool:
    return bool(arguments.snapshot == "new")


def _lifecycle(commands: _Commands) -> None:
    def event(name: str, function: str, text: str) -> argparse.ArgumentParser:
        """Return the parser of a command that records one event."""
        parser = commands.add(name, f"lifecycle:{function}", text)
        _incident_flag(parser)
        parser.add_argument("--at", default="now", metavar="TIME", help="when it happened (default now)")
        parser.add_argument("--by", default="", metavar="NAME", help="who says so (default: you)")
        return parser

    update = event("update", "update", "record a status update, and print its message")
    update.add_argument("--status", default="", help="INVESTIGATING, IDENTIFIED, MITIGATING or RESOLVED")
    update.add_argument("--findings", default="", help="what is known now")
    update.add_argument("--actions", default="", help="what is being done")
    update.add_argument("--impact", default="", help="who is affected, if that has become clearer")
    event("note", "note", "add a note to the timeline").add_argument("text", metavar="TEXT")
    task = event("task", "task", "assign a task, mark it done, or list all tasks")
    task.add_argument("text", metavar="TEXT", nargs="?", default="", help="what to do (default: list all)")
    task.add_argument("--owner", default="", metavar="NAME", help="who does it")
    task.add_argument(
        "--done", metavar="ID", help="mark this task done: its id, the start of its text, or its number"
    )
    event("decide", "decide", "record a decision of the commander").add_argument("text", metavar="TEXT")
    event("ack", "acknowledge", "record that someone is working on it")
    role = event("assign", "assign", "assign the commander or another role")
    role.add_argument("role", metavar="ROLE", help="commander, communication, scribe, ...")
    role.add_argument("name", metavar="NAME", help="of the person")
    classify = event("classify", "classify", "change the severity, with the reason")
    classify.add_argument("severity", metavar="SEVERITY", help="SEV1 to SEV4, or P1 to P4")
    classify.add_argument("--reason", required=True, metavar="TEXT", help="why")
    for name, text in (
        ("resolve", "record that users are no longer affected"),
        ("close", "record that only the post-mortem is left to do"),
        ("reopen", "record that it is not over"),
    ):
        event(name, name, text).add_argument("--reason", default="", metavar="TEXT", help="why")


def _folder(commands: _Commands) -> None:
    show = _incident(
        commands.add("show", "show:show", "print the state, findings and hypotheses of an incident")
    )
    show.add_argument("--timeline", action="store_true", help="every event, with its source")
    _incident(commands.add("verify", "folder:verify", "check that no evidence or event was changed"))
    commands.add("list", "folder:list_all", "list all incidents")


def _analyze(commands: _Commands) -> None:
    parser = commands.add(
        "analyze",
        "analyze:analyze",
        "analyze a stored snapshot again with today's rules",
        "Reads only the folder, so no server is needed. The sealed conclusion stays as it is.",
    )
    _incident(parser)
    parser.add_argument("--snapshot", default="latest", metavar="ID", help="its id (default the newest)")


def _mitigate(commands: _Commands) -> None:
    parser = commands.add(
        "mitigate",
        "mitigate:mitigate",
        "plan a change to a target; with --yes PLAN, execute that plan",
        "Without --yes nothing is changed: the plan is shown, with the command that approves it.",
    )
    parser.add_argument("action", nargs="?", default="", metavar="ACTION", help="see --list")
    parser.add_argument("target", nargs="?", default="", metavar="TARGET", help="the service, as configured")
    parser.add_argument(
        "--arg", action="append", default=[], metavar="NAME=VALUE", help="of the action; may be repeated"
    )
    parser.add_argument("--yes", metavar="PLAN", help="the id of the plan that you approve")
    _incident_flag(parser)
    _rebind(parser)
    parser.add_argument("--list", action="store_true", help="list the actions and their arguments")


def _timeline(commands: _Commands) -> None:
    parser = _incident(
        commands.add(
            "timeline", "timeline:timeline", "list everything that happened, with sources and evidence"
        )
    )
    parser.add_argument("--csv", metavar="FILE", help="write it as CSV")
    parser.add_argument("--html", metavar="FILE", help="write it as a page with a chart")


def _compare(commands: _Commands) -> None:
    parser = commands.add("baseline", "compare:baseline", "keep a snapshot of a healthy day, to compare with")
    parser.add_argument("--since", default="15m", help="how far back (default 15m)")
    parser.add_argument("--name", default="normal", help="such as weekday or night (default normal)")
    parser.add_argument("--force", action="store_true", help="keep it even if there are problems")
    parser.add_argument("--list", action="store_true", help="only list the existing baselines")
    parser = commands.add("diff", "compare:diff", "list the differences between two snapshots, worst first")
    parser.add_argument(
        "before", nargs="?", default="baseline", metavar="A", help=f"{_SNAPSHOTS} (default baseline)"
    )
    parser.add_argument(
        "now", nargs="?", default="", metavar="B", help="the same (default the newest incident)"
    )
    parser.add_argument("--html", metavar="FILE", help="also write it as a page")


def _history(commands: _Commands) -> None:
    parser = commands.add("search", "search:search", "search past incidents")
    parser.add_argument("text", nargs="+", metavar="TEXT", help="words that the incident must all contain")
    parser.add_argument("--limit", type=_positive, default=10, metavar="N", help="at most (default 10)")
    parser = commands.add(
        "similar", "history:similar", "list past incidents that resemble this one, and what helped"
    )
    _incident(parser)
    parser.add_argument("--limit", type=_positive, default=5, metavar="N", help="at most (default 5)")
    parser = commands.add(
        "figures", "history:figures", "count incidents by kind, and show how long each step took"
    )
    parser.add_argument("--html", metavar="FILE", help="write them as a page")


def _bundle(commands: _Commands) -> None:
    parser = _incident(commands.add("bundle", "bundle:bundle", "pack an incident into one file to hand over"))
    parser.add_argument("--output", metavar="FILE", help="the archive (default INCIDENT.zip here)")
    parser.add_argument(
        "--force",
        action="store_true",
        help="even if something was changed since it was sealed; the bundle says so",
    )
    parser = commands.add("open", "bundle:unpack_bundle", "unpack a bundle next to the other incidents")
    parser.add_argument("bundle", metavar="BUNDLE", help="a file that `incident bundle` made")
    parser.add_argument("--to", metavar="DIR", help="where to unpack it (default the incidents folder)")


def _redact(commands: _Commands) -> None:
    parser = commands.add(
        "redact",
        "redact:redact",
        "print files as they would be stored, or redact an old incident again",
        "Prints the text as it would be stored; standard error shows what kind of secret was hidden, how "
        "often, and in which line. With --folder, whatever in an incident is secret by today's rules is "
        "replaced.",
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="- is standard input, the default")
    parser.add_argument("--folder", metavar="INCIDENT", help="redact this incident again")


def _communicate(commands: _Commands) -> None:
    parser = commands.add(
        "communicate",
        "communicate:communicate",
        "draft a message from what is known now, or send a draft that you confirm",
    )
    parser.add_argument("kind", choices=DRAFTS, metavar="KIND", help=", ".join(DRAFTS))
    _incident_flag(parser)
    parser.add_argument(
        "--send",
        default="",
        metavar="CHANNEL",
        help="show what would go to incidents, incidents_low, engineering, status_updates, mail or pagerduty",
    )
    parser.add_argument("--confirm", action="store_true", help="with --send: send it")
    parser.add_argument("--again", action="store_true", help="send it even if it was sent before")
    parser.add_argument(
        "--draft", default="", metavar="FILE", help="send this file instead of the newest draft"
    )
    parser.add_argument(
        "--page",
        default="",
        choices=("", "trigger", "acknowledge", "resolve"),
        metavar="ACTION",
        help="what PagerDuty receives: trigger, acknowledge or resolve (default by the status)",
    )


def _on_call(commands: _Commands) -> None:
    parser = commands.add(
        "on-call", "on_call:on_call", "print who is on call, who to notify and how, and who is next"
    )
    _incident_flag(parser, "id or path (default the open one)")
    parser.add_argument(
        "--at", default="", metavar="TIME", help="who is on call at that time, past or future (default now)"
    )
    parser.add_argument("--severity", default="", metavar="SEV", help="instead of the incident's severity")
    parser.add_argument("--reports", type=int, default=0, metavar="N", help="number of users who reported it")
    parser.add_argument("--maintenance", action="store_true", help="it is planned work")


def _report(commands: _Commands) -> None:
    parser = commands.add(
        "report", "report:report", "write a report from the given facts, as Markdown and JSON"
    )
    parser.add_argument("--title", required=True, help="the incident in a few words")
    parser.add_argument("--severity", required=True, help="SEV1 to SEV4, or P1 to P4")
    parser.add_argument("--start-time", required=True, metavar="TIME", help="ISO 8601; without zone: UTC")
    parser.add_argument("--end-time", metavar="TIME", help="omit while it is ongoing")
    parser.add_argument(
        "--output-dir",
        default=REPORT_OUTPUT,
        metavar="DIR",
        help=f"where to write it (default {REPORT_OUTPUT})",
    )
    parser.add_argument("--impact", default="", help="how users were affected")
    parser.add_argument("--root-cause", default="", metavar="TEXT", help="if known")
    parser.add_argument("--commander", default="", metavar="NAME", help="who coordinated")
    parser.add_argument("--services-affected", nargs="+", default=[], metavar="NAME", help="one or more")
    parser.add_argument(
        "--timeline-events", nargs="+", default=[], metavar="EVENT", help='"HH:MM text" or "ISO-time text"'
    )


def _postmortem(commands: _Commands) -> None:
    parser = _incident(
        commands.add("postmortem", "postmortem:postmortem", "write or update the post-mortem, or check it")
    )
    parser.add_argument(
        "--lint", action="store_true", help="check the text and change nothing; exit 1 if there are problems"
    )
    for verdict in ("confirm", "refute"):
        parser.add_argument(
            f"--{verdict}", action="append", default=[], metavar="HYPOTHESIS", help=f"{verdict} a hypothesis"
        )


def _runbook(commands: _Commands) -> None:
    parser = commands.add("runbook", "runbook:runbook", "write or update the runbook of a service")
    parser.add_argument(
        "service", nargs="+", metavar="SERVICE", help="a service or dependency; several at once"
    )


def _health(commands: _Commands) -> None:
    parser = commands.add(
        "health",
        "health:health",
        "check all services at once",
        "With a workbench.toml and none of these flags, the configured services are checked; otherwise the "
        "backend, frontend, PostgreSQL and Redis given here.",
    )
    parser.add_argument(
        "--output-dir", metavar="DIR", help=f"where to write the report (default {HEALTH_OUTPUT})"
    )
    for name, variable, default in PLACES:
        flag = "--" + name.replace("_", "-")
        kind = "URL" if name.endswith("url") else "NAME"
        parser.add_argument(flag, metavar=kind, help=f"what to check (default ${variable}, else {default})")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help="seconds for each check; all run at once (default 10)",
    )


def _logs(commands: _Commands) -> None:
    parser = commands.add(
        "logs",
        "logs:logs",
        "summarize any log files, or fetch one service's log: raw, errors, filtered, summary",
        "PATH: a file, a pattern, an address such as s3://bucket/app/*.gz, or - for standard input; plain,"
        " gz, bz2, xz or zst. A log is read with its rotated files. A PATH is always a file; use --service "
        "for a service.",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="logs to summarize")
    parser.add_argument("--service", default="", metavar="S", help="fetch the log of this service instead")
    parser.add_argument(
        "--since", metavar="TIME", help='15m, "15 minutes ago", 2026-01-15T14:31 (default 15m; all of PATH)'
    )
    files = parser.add_argument_group("with PATH")
    files.add_argument(
        "--no-rotated", action="store_true", help="only the given files, not their rotated ones"
    )
    files.add_argument(
        "--jobs",
        type=_positive,
        default=0,
        metavar="N",
        help="processes to use (default all CPUs, from 50 MB on)",
    )
    files.add_argument(
        "--cluster",
        default="",
        metavar="ADDRESS",
        help="count on the workers of a Dask scheduler: tcp://HOST:PORT, tls://HOST:PORT, or local",
    )
    export = parser.add_argument_group("with --service")
    export.add_argument("--output-dir", metavar="D", help="where the files go (default ./incident-logs)")
    export.add_argument(
        "--filter", metavar="F", help="also write the lines that match: text or pattern, any case"
    )
    export.add_argument("--container-prefix", metavar="P", help="the container is P-SERVICE (default app)")
    export.add_argument("--tail", metavar="N", help="number of newest lines, or all (default 1000)")
    export.add_argument("--summary-only", action="store_true", help="write only the summary")


def _init(commands: _Commands) -> None:
    parser = commands.add("init", "init:init", "find containers and write a commented workbench.toml")
    parser.add_argument(
        "--output",
        default="workbench.toml",
        metavar="FILE",
        help="where to write it (default workbench.toml)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def _lab(commands: _Commands) -> None:
    parser = _incident(commands.add("lab", "lab:lab", "open JupyterLab in the incident's folder"))
    parser.add_argument("--no-browser", action="store_true", help="print the address, do not open a browser")
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="port to use (default the first free from 8888)"
    )


def _new_notebook(commands: _Commands) -> None:
    parser = commands.add(
        "new-notebook",
        "new_notebook:new",
        "create a notebook for your team, in notebooks/ next to workbench.toml",
    )
    parser.add_argument("name", metavar="NAME", help="name of its file, such as 90_queues")


def _demo(commands: _Commands) -> None:
    parser = commands.add(
        "demo", "demo:demo", "start a real stack on this machine, break it, and run a whole incident about it"
    )
    parser.add_argument(
        "--fault", default=DEFAULT_FAULT, metavar="NAME", help=f"see --list (default {DEFAULT_FAULT})"
    )
    parser.add_argument("--list", action="store_true", help="list the faults")
    after = parser.add_mutually_exclusive_group()
    after.add_argument(
        "--lab", action="store_true", help="then open JupyterLab while the stack is still running"
    )
    after.add_argument(
        "--hold",
        action="store_true",
        help="only break it, and keep it running until Ctrl-C, for commands in another terminal",
    )


def _completion(commands: _Commands) -> None:
    parser = commands.add(
        "completion",
        "completion:completion",
        "print the completion script for bash, zsh or fish",
        "bash  incident completion bash > ~/.local/share/bash-completion/completions/incident\n"
        'zsh   incident completion zsh > "${fpath[1]}/_incident"\n'
        "fish  incident completion fish > ~/.config/fish/completions/incident.fish",
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter  # a command stands on one line
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def _help(commands: _Commands) -> None:
    parser = commands.add("help", "help:help_", "print the help of a command, or all commands")
    parser.add_argument("about", nargs="?", default="", metavar="COMMAND", help="which (default all)")


def _seconds(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds between 0 and 600")
    return seconds


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)
