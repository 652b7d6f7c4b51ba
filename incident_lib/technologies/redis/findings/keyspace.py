"""What is in it, and what is big?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding, ok
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.redis.rows import RedisDatabase, RedisKey, RedisKeyGroup, RedisKeySample
from incident_lib.units import format_bytes, format_share


def analyze_keyspace(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield big keys, and keys without an expiry, else OK. What a sample did not see is not judged."""
    databases = evidence.of(RedisDatabase)
    big = list(_big(evidence, context))
    yield from big
    if not big:
        yield _ok(evidence, databases)


def _ok(evidence: Evidence, databases: tuple[RedisDatabase, ...]) -> Finding:
    keys = sum(row.key_count for row in databases)
    expiring = sum(row.expiring_count for row in databases)
    forever = f", {format_share(1 - expiring / keys)} of them without an expiry" if keys else ""
    return ok(
        evidence,
        f"{keys:,} keys{forever}",
        _sample(evidence),
        key_count=keys,
        without_expiry_ratio=1 - expiring / keys if keys else None,
    )


def _sample(evidence: Evidence) -> str:
    sample = next(iter(evidence.of(RedisKeySample)), None)
    if sample is None or not sample.key_count:
        return ""
    text = f"{sample.sampled_count:,} of {sample.key_count:,} keys of database {sample.database} were sampled"
    if groups := evidence.of(RedisKeyGroup):
        share = groups[0].memory_bytes / max(sample.memory_bytes, 1)
        text += f"; {groups[0].pattern} takes {format_share(share)} of their memory"
    return text


def _big(evidence: Evidence, context: Context) -> Iterator[Finding]:
    keys = evidence.of(RedisKey)
    if not keys:
        return
    biggest = max(keys, key=lambda row: row.memory_bytes)
    if severity := context.thresholds.severity("redis.big_key", biggest.memory_bytes, "bytes"):
        limit = context.thresholds["redis.big_key.warning_bytes"]
        count = sum(row.memory_bytes >= limit for row in keys)
        yield finding(
            evidence,
            "big_key",
            severity,
            f"a {biggest.kind} of {format_bytes(biggest.memory_bytes)} under {biggest.pattern}",
            f"{count} of the ten biggest keys that were seen are over {format_bytes(limit)}; "
            f"{_sample(evidence)}",
            pattern=biggest.pattern,
            kind=biggest.kind,
            memory_bytes=biggest.memory_bytes,
            big_count=count,
        )
