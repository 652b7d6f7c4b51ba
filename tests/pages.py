"""Pages as tests read them."""

from incident_lib.incident.page_policy import script


def without_our_script(page: str) -> str:
    """Return a page without the one script that it may run, which is there exactly once."""
    before, ours, after = page.partition(f"<script>{script()}</script>")
    assert ours
    return before + after
