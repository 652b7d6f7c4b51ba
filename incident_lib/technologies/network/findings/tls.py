"""Judges certificates and handshakes. Every problem is its own finding, and dates are as of the evidence."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import msgspec

from incident_lib.clock import format_time
from incident_lib.findings.base import Context, finding, ok, unknown
from incident_lib.findings.comparison import Interval
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.network.rows import Certificate, TlsAnswer, Trust

_DAY_SECONDS = 86400.0
_Data = Mapping[str, str | float | None]


def analyze_tls(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield everything that is wrong with TLS at that address, or until when it is well."""
    rows = evidence.of(TlsAnswer)
    if not rows:
        yield unknown(evidence)
        return
    row = rows[0]
    found = [judged for judge in _JUDGES for judged in judge(evidence, row)]
    found += _expires_soon(evidence, context, row)
    if not row.verified and not found:
        found.append(
            _critical(evidence, "handshake", "no TLS connection is possible", row.message, {"host": row.name})
        )
    yield from found
    yield from _renewed(evidence, context, row)  # a change, whether it was for the better or not
    if not found:
        yield _ok(evidence, row)


def _renewed(evidence: Evidence, context: Context, row: TlsAnswer) -> Iterator[Finding]:
    """Yield that the certificate was issued inside the window, by its own dates."""
    leaf = next(iter(row.certificates), None)
    if leaf is None or not context.window.holds(leaf.not_before_at):
        return
    yield finding(
        evidence,
        "renewed",
        FindingSeverity.INFO,
        "the certificate was issued within this window",
        f"{_dates(leaf)}; CAs may backdate it by an hour",
        since=leaf.not_before_at,
        host=row.name,
        not_before=leaf.not_before_at.isoformat(),
    )


def _critical(evidence: Evidence, what: str, title: str, detail: str, data: _Data) -> Finding:
    return msgspec.structs.replace(
        finding(evidence, what, FindingSeverity.CRITICAL, title, detail), data=dict(data)
    )


def _expired(evidence: Evidence, row: TlsAnswer) -> Iterator[Finding]:
    gone = [
        certificate for certificate in row.certificates if certificate.not_after_at <= evidence.collected_at
    ]
    if not gone:
        return
    first = gone[0]
    if row.verified:
        yield _needless(evidence, row, first)
        return
    judged = _critical(
        evidence,
        "expired",
        f"the {_position(row, first)} expired {_days(evidence.collected_at, first.not_after_at)} ago",
        _dates(first),
        _data(row, first) | {"days": _count_days(first.not_after_at, evidence.collected_at)},
    )
    yield msgspec.structs.replace(judged, since=min(certificate.not_after_at for certificate in gone))


def _needless(evidence: Evidence, row: TlsAnswer, certificate: Certificate) -> Finding:
    """Return that an expired certificate is sent along, and another way leads to an authority."""
    gone = _days(evidence.collected_at, certificate.not_after_at)
    title = f"the server sends along a certificate that expired {gone} ago, which modern clients do not need"
    detail = (
        f"{_dates(certificate)}. The chain verifies here without it; old clients (OpenSSL before 1.1, old "
        f"CA stores) follow it and fail. Remove it from what the server sends"
    )
    judged = finding(evidence, "old_chain", FindingSeverity.WARNING, title, detail)
    days = _count_days(certificate.not_after_at, evidence.collected_at)
    return msgspec.structs.replace(judged, data=_data(row, certificate) | {"days": days})


def _not_yet_valid(evidence: Evidence, row: TlsAnswer) -> Iterator[Finding]:
    early = [
        certificate for certificate in row.certificates if certificate.not_before_at > evidence.collected_at
    ]
    if early and not row.verified:
        first = early[0]
        wait = _days(first.not_before_at, evidence.collected_at)
        title = f"the {_position(row, first)} becomes valid only in {wait}"
        clocks = "Compare the clocks of this machine and the server with a third clock"
        detail = f"{_dates(first)}. {clocks}, then look at the certificate"
        yield _critical(evidence, "not_yet_valid", title, detail, _data(row, first))


def _trust(evidence: Evidence, row: TlsAnswer) -> Iterator[Finding]:
    if row.trust in {None, Trust.TRUSTED} or not row.certificates:
        return
    leaf, last = row.certificates[0], row.certificates[-1]
    if row.trust is Trust.SELF_SIGNED:
        detail = f"{leaf.subject} is self-signed; if that is intended, name it with `ca`"
        yield _critical(evidence, "self_signed", "the certificate is self-signed", detail, _data(row, leaf))
    elif row.trust is Trust.MISSING_INTERMEDIATE:
        detail = (
            f"the server sends only its own certificate, and its issuer {leaf.issuer} is not a CA known "
            f"here: send the whole chain. Python, openssl and curl use only what is sent; browsers fetch or "
            f"cache the missing certificate, so everything looks fine there"
        )
        title = "the server does not send the intermediate certificate"
        yield _critical(evidence, "chain", title, detail, _data(row, leaf))
    else:
        title = "the certificate comes from an untrusted CA here"
        detail = f"{row.message}; the chain ends at {last.issuer}. Name a private CA with `ca`"
        if len(row.certificates) > 1 and last.subject == last.issuer:
            detail += "; a proxy that intercepts TLS also presents a chain that ends in its own CA"
        yield _critical(evidence, "untrusted", title, detail, _data(row, leaf))


def _name(evidence: Evidence, row: TlsAnswer) -> Iterator[Finding]:
    if row.name_matches is not False or not row.certificates:
        return
    leaf = row.certificates[0]
    if leaf.names:
        title = f"the certificate is not for {row.name}"
        shown = ", ".join(leaf.names[:10])
        detail = f"it is for {shown}" + (f" and {len(leaf.names) - 10} more" if len(leaf.names) > 10 else "")
    else:
        title = f"the certificate names no host, so it does not cover {row.name}"
        detail = f"{leaf.subject} has no subject alternative name, and clients ignore the common name"
    yield _critical(evidence, "wrong_name", title, detail, _data(row, leaf))


def _protocol(evidence: Evidence, row: TlsAnswer) -> Iterator[Finding]:
    data = {"host": row.name, "address": row.address}
    if row.plain_http:
        title = "plain HTTP answers where TLS is expected"
        yield _critical(evidence, "plain_http", title, f"{row.address} speaks HTTP without TLS", data)
    if row.asks_certificate:
        title = "not assessed: it requires a client certificate, and the workbench has none"
        judged = finding(evidence, "client_certificate", FindingSeverity.UNKNOWN, title, row.message)
        yield msgspec.structs.replace(judged, data=data)
    if row.peer:
        title = f"{row.peer} answers where TLS is expected"
        detail = f"{row.address}: correct the host and port in its url"
        yield _critical(evidence, "wrong_peer", title, detail, data)
    if row.silent:
        title = "the server accepts connections but does not answer the TLS handshake"
        yield _critical(evidence, "silent", title, row.message, data)
    if row.old_protocol:
        spoken = f"only {row.protocol}" if row.protocol else "no current version of TLS"
        detail = "current clients refuse everything before TLS 1.2"
        yield _critical(evidence, "old_protocol", f"the server speaks {spoken}", detail, data)


_JUDGES: tuple[Callable[[Evidence, TlsAnswer], Iterator[Finding]], ...] = (
    _expired,
    _not_yet_valid,
    _trust,
    _name,
    _protocol,
)


def _expires_soon(evidence: Evidence, context: Context, row: TlsAnswer) -> Iterator[Finding]:
    """Yield the certificate that runs out first, of those that still hold."""
    held = [
        certificate for certificate in row.certificates if certificate.not_after_at > evidence.collected_at
    ]
    if not held:
        return
    first = min(held, key=lambda certificate: certificate.not_after_at)
    days = _count_days(first.not_after_at, evidence.collected_at)
    severity = context.thresholds.severity("network.tls", days, "days", above=False)
    if severity is None:
        return
    title = f"the {_position(row, first)} expires in {_days(first.not_after_at, evidence.collected_at)}"
    judged = _critical(evidence, "expires_soon", title, _dates(first), _data(row, first) | {"days": days})
    yield msgspec.structs.replace(judged, severity=severity)


def _ok(evidence: Evidence, row: TlsAnswer) -> Finding:
    if not row.certificates:
        title = f"{row.protocol} with a trusted certificate"
        return ok(evidence, title, address=row.address)
    ends = min(certificate.not_after_at for certificate in row.certificates)
    return ok(
        evidence,
        f"{row.protocol} with a trusted certificate, good for {_days(ends, evidence.collected_at)}",
        _dates(row.certificates[0]),
        host=row.name,
        address=row.address,
        days=_count_days(ends, evidence.collected_at),
    )


def _position(row: TlsAnswer, certificate: Certificate) -> str:
    return "certificate" if certificate == row.certificates[0] else "chain's certificate behind it"


def _data(row: TlsAnswer, certificate: Certificate) -> dict[str, str | float | None]:
    position = "leaf" if certificate == row.certificates[0] else "chain"
    return {
        "host": row.name,
        "address": row.address,
        "certificate": certificate.subject,
        "position": position,
        "not_after": certificate.not_after_at.isoformat(),
    }


def _dates(certificate: Certificate) -> str:
    begin, end = format_time(certificate.not_before_at), format_time(certificate.not_after_at)
    return f"{certificate.subject}, issued by {certificate.issuer}, is valid from {begin} to {end}"


def _count_days(later: datetime, earlier: datetime) -> float:
    return round((later - earlier).total_seconds() / _DAY_SECONDS, 3)


def _days(later: datetime, earlier: datetime) -> str:
    """Return a stretch of time in days, or in hours below two days.

    >>> from datetime import UTC
    >>> _days(datetime(2026, 1, 20, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    '19 days'
    """
    hours = (later - earlier).total_seconds() / 3600
    return (
        f"{hours / 24:.0f} days"
        if hours >= 48
        else f"{hours:.0f} hours"
        if hours >= 2
        else f"{hours * 60:.0f} minutes"
    )


def analyze_certificate_change(interval: Interval, context: Context) -> Iterator[Finding]:
    """Yield that another certificate is served now; one issued in the window is reported already."""
    old, new = (next(iter(each.of(TlsAnswer)), None) for each in (interval.before, interval.now))
    if old is None or new is None or not old.certificates or not new.certificates or old.name != new.name:
        return
    first, last = old.certificates[0], new.certificates[0]
    if first.sha256 == last.sha256 or context.window.holds(last.not_before_at):
        return
    earlier = interval.before.collected_at
    since = last.not_before_at if earlier <= last.not_before_at <= interval.now.collected_at else earlier
    yield finding(
        interval.now,
        "renewed",
        FindingSeverity.INFO,
        f"a different certificate has been served since a time {interval.between}",
        f"{last.subject}, issued by {last.issuer}, valid from {format_time(last.not_before_at)};"
        f" before it one valid until {format_time(first.not_after_at)}",
        since=interval.on_timeline(since),
        host=new.name,
        not_before=last.not_before_at.isoformat(),
    )
