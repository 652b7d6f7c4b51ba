"""Where everything of one stack lies: one directory, and the names in it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The files of the stack in `directory`."""

    directory: Path

    @property
    def config(self) -> Path:
        """The workbench's configuration of this stack."""
        return self.directory / "workbench.toml"

    @property
    def run(self) -> Path:
        """Process ids, one file a process: what is in here is what a stop has to end."""
        return self.directory / "run"

    @property
    def secrets(self) -> Path:
        """Addresses with passwords, the application's environment and the certificates' keys."""
        return self.directory / "secrets"

    @property
    def deploys(self) -> Path:
        """The deploy log."""
        return self.directory / "deploys.jsonl"

    @property
    def features(self) -> Path:
        """The application's feature flags; it reads them while it runs."""
        return self.directory / "features.json"

    @property
    def delay(self) -> Path:
        """Seconds that the payments provider takes for an answer, while this file is there."""
        return self.directory / "secrets" / "payments-delay"

    @property
    def failing(self) -> Path:
        """While this file is there, the payments provider answers everything with an error of its own."""
        return self.directory / "secrets" / "payments-failing"

    @property
    def ca(self) -> Path:
        """The certificate of the authority that signs for the payments provider."""
        return self.directory / "ca.pem"

    @property
    def backend_environment(self) -> Path:
        """What the backend is started with, so that a deployment can start it again."""
        return self.secrets / "backend.json"

    def pid_file(self, name: str) -> Path:
        """Return the file that holds the process id of `name`.

        >>> Layout(Path("/srv/shop")).pid_file("backend").as_posix()
        '/srv/shop/run/backend.pid'
        """
        return self.run / f"{name}.pid"

    def log(self, name: str) -> Path:
        """Return the log file of `name`.

        >>> Layout(Path("/srv/shop")).log("db").as_posix()
        '/srv/shop/log/db.log'
        """
        return self.directory / "log" / f"{name}.log"

    def create(self) -> None:
        """Make the folders. What an earlier stack left in them is kept, except its toggles."""
        for folder in (self.directory, self.run, self.directory / "log"):
            folder.mkdir(parents=True, exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        self.delay.unlink(missing_ok=True)
        self.failing.unlink(missing_ok=True)
        self.write_features()

    def replace_in_config(self, old: str, new: str) -> None:
        """Change an address in the workbench's configuration, as a team does when something moves."""
        text = self.config.read_text(encoding="utf-8").replace(old, new)
        self.config.write_text(text, encoding="utf-8")

    def write_features(self, **flags: bool) -> None:
        """Switch feature flags of the running application; those not named are off."""
        fresh = self.features.with_suffix(".new")
        fresh.write_text(json.dumps(flags), encoding="utf-8")
        fresh.replace(self.features)

    def write_secret(self, name: str, text: str) -> Path:
        """Return the path of a new file that no other user can read."""
        path = self.secrets / name
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return path
