"""Where log lines come from: files, plain, compressed or rotated, standard input, and object stores."""

from incident_lib.technologies.logs.sources.blocks import blocks
from incident_lib.technologies.logs.sources.find import Found, find
from incident_lib.technologies.logs.sources.source import STDIN, Progress, Source
from incident_lib.technologies.logs.sources.split import split

__all__ = ["STDIN", "Found", "Progress", "Source", "blocks", "find", "split"]
