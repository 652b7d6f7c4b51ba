"""What `show` and `task` print of the story of an incident, over all its snapshots."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from incident_lib.cli.console import labelled, plain
from incident_lib.model import Event, EventKind, Incident
from incident_lib.model.incident import Task
from incident_lib.response.story import Story

_SHOWN, _CAUSES = 5, 4  # lines of each kind in `show`; the page of the incident has all


def print_tasks(console: Console, tasks: Sequence[Task]) -> None:
    """Print tasks with their numbers and owners, the open ones first."""
    for task in sorted(tasks, key=lambda task: task.done_at is not None):
        state = f"done {task.done_at:%H:%M}" if task.done_at else "open"
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=10, style="bold")
        grid.add_column(width=12)
        grid.add_column(width=10)
        grid.add_column(ratio=1, overflow="fold")
        text = Text(plain(task.text), style="dim" if task.done_at else "")
        grid.add_row(str(task.number or task.id), Text(plain(task.owner)), state, text)
        console.print(grid)


def print_story(console: Console, story: Story, incident: Incident, events: Sequence[Event]) -> None:
    """Print what is known over all snapshots: the cause, roles, tasks, decisions, changes and runs."""
    for index, known in enumerate(story.causes[:_CAUSES]):
        at = f", {known.at:%H:%M:%S}" if known.at else ""
        console.print(labelled("" if index else "Cause", f"{known.text} ({known.source}{at})"))
    if incident.roles:
        roles = ", ".join(f"{role} {name}" for role, name in incident.roles.items())
        console.print(labelled("Roles", roles))
    if incident.tasks:
        console.print(Text("\nTasks", style="bold"))
        print_tasks(console, incident.tasks)
    decisions = [e for e in events if e.kind is EventKind.DECISION and "verdict" not in e.data]
    for index, event in enumerate(decisions[-_SHOWN:]):
        text = f"{event.occurred_at:%H:%M:%S} {event.text} ({event.source})"
        console.print(labelled("" if index else "Decided", text))
    for index, line in enumerate(story.mitigations[-_SHOWN:]):
        before = f"; before: {line.before}" if line.before else ""
        after = f"; after: {line.after}" if line.after else ""
        text = f"{line.begun_at:%H:%M:%S} {line.title}: {line.status}{before}{after}"
        console.print(labelled("" if index else "Changed", text))
    runs = story.runs[-_SHOWN:]
    for index, run in enumerate(reversed(runs)):
        more = (
            f" (and {len(story.runs) - len(runs)} earlier)" if not index and len(story.runs) > _SHOWN else ""
        )
        console.print(labelled("" if index else "Runs", f"{run.id} {run.status}: {run.text}{more}"))
