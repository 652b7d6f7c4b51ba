"""The notebooks that ship, each in one line: name, question, whether a batch runs it, what it shows."""

from enum import StrEnum

import msgspec


class InBatch(StrEnum):
    """When `incident run` executes a notebook that was not named."""

    ALWAYS = "always"
    REVIEW = "review"  # once there is something to review
    NEVER = "never"  # a person reads it and approves


class Notebook(msgspec.Struct, frozen=True):
    """One notebook of ours. Where it did not complete, findings of its areas stand on its page instead."""

    name: str  # of the file, without its suffix
    title: str  # in links
    question: str  # the one that it answers
    batch: InBatch = InBatch.ALWAYS
    areas: tuple[str, ...] = ("",)  # beginnings of finding ids


# fmt: off
NOTEBOOKS = (
    Notebook("00_triage", "Triage", "What is broken, since when, and what changed?"),
    Notebook("10_application", "Application", "Which service fails, where, and what is seen from inside?",
             areas=("container.", "docker.", "process.", "http.", "logs.", "host.", "deploys.")),
    Notebook("20_database", "Database", "Does PostgreSQL answer, and who blocks whom?",
             areas=("postgres.",)),
    Notebook("30_redis", "Redis", "Does Redis answer, and does it have room?", areas=("redis.",)),
    Notebook("40_network", "Network", "Is everything reachable that should be?",
             areas=("network.", "tls.", "names.", "ports.", "http.")),
    Notebook("50_mitigation", "Mitigation", "What can be done about it now, and did it work?", InBatch.NEVER),
    Notebook("60_postmortem", "Post-mortem",
             "What happened, how long did it take, what was the impact, and what remains to be written?",
             InBatch.REVIEW),
)
# fmt: on
BY_NAME = {notebook.name: notebook for notebook in NOTEBOOKS}


def names(*batches: InBatch) -> tuple[str, ...]:
    """Return the names of the notebooks that a batch runs then, in their order.

    >>> names(InBatch.REVIEW)
    ('60_postmortem',)
    """
    return tuple(notebook.name for notebook in NOTEBOOKS if notebook.batch in batches)


def find(name: str) -> Notebook | None:
    """Return the notebook that a person names by its file, its number or its word, None for another name.

    >>> [found.name for word in ("20", "redis", "40_network.ipynb") if (found := find(word))]
    ['20_database', '30_redis', '40_network']
    """
    stem = name.removesuffix(".ipynb")
    every = (known for known in NOTEBOOKS if stem in {known.name, known.name[:2], known.name[3:]})
    return next(every, None)


def display_name(name: str) -> str:
    """Return a notebook's name for people, also of one that a team added.

    >>> display_name("20_database"), display_name("90_our_queue")
    ('Database', 'Our queue')
    """
    if name in BY_NAME:
        return BY_NAME[name].title
    return name.lstrip("0123456789_").replace("_", " ").capitalize() or name
