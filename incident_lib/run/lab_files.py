"""The files that JupyterLab shows of an incident: `lab/` is for people, all else is read and not changed.

Snapshots and runs are sealed. An executed notebook that is opened and saved would be another one, and the
incident would look as if somebody had changed its evidence.
"""

from pathlib import Path
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

_WORK = "lab"


class LabFiles(AsyncLargeFileManager):  # type: ignore[misc]  # jupyter_server has no types
    """Files of which only those in `lab/` can be saved, renamed and deleted; all where that is the root."""

    def _require_work(self, path: str) -> None:
        parts = Path(path.strip("/")).parts
        if Path(self.root_dir).name != _WORK and parts[:1] != (_WORK,):
            raise HTTPError(
                403, f"{path} is part of the incident's record; copy it into {_WORK}/ to change it"
            )

    async def save(self, model: dict[str, Any], path: str = "") -> Any:
        """Save a file of `lab/`. Errors: HTTPError for another."""
        self._require_work(path)
        return await super().save(model, path)

    async def delete_file(self, path: str) -> None:
        """Delete a file of `lab/`. Errors: HTTPError for another."""
        self._require_work(path)
        await super().delete_file(path)

    async def rename_file(self, old_path: str, new_path: str) -> None:
        """Rename a file of `lab/`. Errors: HTTPError for another."""
        self._require_work(old_path)
        self._require_work(new_path)
        await super().rename_file(old_path, new_path)
