"""What the pages may do: run one script, ours, which is named by its hash, and load nothing."""

import base64
import hashlib
from functools import cache

from incident_lib.resources import resource, text_of


@cache
def script() -> str:
    """Return the script that every page holds: pages work without it, and are searched and sorted with it."""
    return text_of(resource("templates", "page", "page.js"))


@cache
def script_source() -> str:
    """Return the source of scripts that a page of this version allows: the hash of ours."""
    digest = hashlib.sha256(script().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def policy() -> str:
    """Return the content-security-policy of our pages."""
    return (
        f"default-src 'none'; script-src {script_source()}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
