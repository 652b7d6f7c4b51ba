"""What a demo stack is, whether it runs as plain processes or in containers."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from incident_lib.demo.configuration import Addresses
from incident_lib.demo.layout import Layout
from incident_lib.errors import WorkbenchError

PartT = TypeVar("PartT")


def while_running(part: PartT | None) -> PartT:
    """Return what a stack has only while it runs. Errors: WorkbenchError when it does not."""
    if part is None:
        raise WorkbenchError("the demo stack is not running; call start()")
    return part


def is_well(url: str) -> bool:
    """Return whether `url` answers 200 within five seconds."""
    try:
        return httpx.get(url, timeout=5.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


class Stack(ABC):
    """A shop that is started, used and stopped; a context manager.

    Its files are in one directory, its services at ports of this machine, and how these are run is what
    kinds of it differ in.
    """

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """The stack's files. Errors: WorkbenchError when the stack is not running."""

    @property
    @abstractmethod
    def ports(self) -> dict[str, int]:
        """The ports of this machine, by role: backend, frontend and payments at least."""

    @property
    @abstractmethod
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""

    def start(self) -> None:
        """Start everything. Errors: WorkbenchError; then nothing is left running."""
        if self.is_running:
            raise WorkbenchError("the demo stack is running already")
        with ExitStack() as undo:
            undo.callback(self.stop)
            self._bring_up()
            self.wait_until_ready()
            undo.pop_all()

    @abstractmethod
    def _bring_up(self) -> None:
        """Make and start every part of it; whatever this raises, `stop` follows."""

    @abstractmethod
    def stop(self) -> None:
        """End everything that was started, however far that went. May be called again."""

    @abstractmethod
    def drive(self, seconds: float) -> None:
        """Let users use the shop for `seconds`; they stay afterwards, until the stack stops."""

    @abstractmethod
    def restart_backend(self) -> None:
        """Restart the version of the backend that is deployed."""

    @abstractmethod
    def start_client(self, job: str, address: str, *, until: str) -> None:
        """Start a client that causes trouble; return once its log says `until`: the trouble is there."""

    @abstractmethod
    def end_client(self, job: str) -> None:
        """End a client that causes trouble, if it runs."""

    @abstractmethod
    def wait_until_ready(self) -> None:
        """Return once the shop is well. Errors: WorkbenchError when it does not become so."""

    @property
    def directory(self) -> Path:
        """The directory that everything is in."""
        return self.layout.directory

    @property
    def config(self) -> Path:
        """The workbench.toml that describes the stack."""
        return self.layout.config

    @property
    def backend_url(self) -> str:
        """The application."""
        return f"http://127.0.0.1:{self.ports['backend']}"

    @property
    def frontend_url(self) -> str:
        """The web pages."""
        return f"http://127.0.0.1:{self.ports['frontend']}"

    @property
    def payments_url(self) -> str:
        """The outside provider; ca.pem in the directory signed its certificate."""
        return f"https://127.0.0.1:{self.ports['payments']}"

    @property
    def addresses(self) -> Addresses:
        """Where it is reached, without any secret."""
        return Addresses(backend=self.backend_url, frontend=self.frontend_url, payments=self.payments_url)

    def is_ready(self) -> bool:
        """Return whether the backend says that it and everything it needs is well."""
        return is_well(f"{self.backend_url}/health/ready")

    def switch_on(self, *features: str) -> None:
        """Switch new features of the running application on, and all others off."""
        self.layout.write_features(**dict.fromkeys(features, True))

    def switch_off(self) -> None:
        """Switch the new features of the running application off."""
        self.layout.write_features()

    def switch_off_and_restart(self) -> None:
        """Switch the new features off, and restart the backend, as one has left something behind in it."""
        self.switch_off()
        self.restart_backend()
