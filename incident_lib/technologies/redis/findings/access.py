"""Who was refused by the access rules, and how is it set up?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding, ok
from incident_lib.findings.recovery import quiet
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.rows import RedisDenial, RedisSetting


def analyze_acl(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield refusals inside the window, else OK."""
    denials = evidence.of(RedisDenial)
    if not denials:
        yield ok(evidence, "the access rules refused no client in the window")
        return
    worst = max(denials, key=lambda row: row.denied_count)
    total = sum(row.denied_count for row in denials)
    what = "with a wrong password" if worst.reason == "auth" else f"the {worst.reason} {worst.what}"
    found = finding(
        evidence,
        "denied",
        FindingSeverity.WARNING,
        f"{total:,} refusals by the access rules, most for user {worst.user} {what}",
        f"last from {worst.address or 'an unknown address'}",
        since=min(row.last_at for row in denials),
        denied_count=total,
        user=worst.user,
        reason=worst.reason,
        address=worst.address,
    )
    yield quiet(found, [row.last_at for row in denials], context)


def analyze_settings(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield that the settings are known; they are judged against a baseline elsewhere."""
    count = len(evidence.of(RedisSetting))
    yield ok(evidence, f"{count} settings read, for comparison with a baseline")
