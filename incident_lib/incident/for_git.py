"""Incidents in git: what two machines wrote merges, because all of it is in files that never change.

What is derived from the rest would conflict, so git joins both sides of it, and it is derived anew. The
post-mortem is written by people, who decide about its conflicts themselves.
"""

import logging
from pathlib import Path

from incident_lib.errors import FolderError
from incident_lib.incident.files import write_atomic

_LOG = logging.getLogger(__name__)
NAME = ".gitattributes"
_ATTRIBUTES = """\
# Sealed files keep every byte: no line ends are converted.
* -text
# Derived from the other files, and written anew by the next command: a merge of two machines may join them.
incident.json merge=union
index.html merge=union
"""


def write_attributes(incidents: Path) -> None:
    """Write the attributes that git needs in a folder of incidents; what stands there stays."""
    path = incidents / NAME
    if path.exists() or path.is_symlink():
        return
    try:
        write_atomic(path, _ATTRIBUTES.encode())
    except FolderError as error:  # an incident is declared all the same
        _LOG.warning("%s", error)
