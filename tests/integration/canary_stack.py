"""What the parts of a planted stack share: where its files are, and what was planted."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.canary_values import Canaries


@dataclass
class Stack:
    """Where the planted stack is, as the commands need it."""

    folder: Path  # where the commands are typed, and all that they write is
    given: Path  # what was there before, with the secrets in it
    canaries: Canaries
    environment: dict[str, str] = field(default_factory=dict)
    wrong: list[Path] = field(default_factory=list)  # configurations that are refused

    @property
    def config(self) -> Path:
        """The configuration of the commands."""
        return self.given / "workbench.toml"

    @property
    def broken(self) -> Path:
        """A configuration whose every target fails, with a secret in what failed."""
        return self.given / "broken.toml"

    @property
    def elsewhere(self) -> Path:
        """A configuration whose deployments and passwords come from other places."""
        return self.given / "elsewhere.toml"

    @property
    def printed(self) -> Path:
        """A configuration whose deployments a command prints."""
        return self.given / "printed.toml"
