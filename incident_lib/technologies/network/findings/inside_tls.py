"""Judges certificates as clients inside a container verify them, each with the store that it has there."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

import msgspec

from incident_lib.clock import format_time
from incident_lib.findings.base import finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.network.rows import TlsAnswer, Trust

_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID
_WRONG_NAME = frozenset({62, 64})
_BROWSERS = (
    "Python, openssl and curl use only what the server sends; browsers fetch or cache the missing certificate"
)
_STORES = {
    "own": "the store of its image",
    "declared": "the configured CA",
    "certifi": "the certifi store",
}


def judge_tls(evidence: Evidence) -> Iterator[Finding]:
    """Yield what is wrong with each dependency's TLS from inside, at that dependency."""
    rows = sorted(evidence.of(TlsAnswer), key=lambda row: (row.dependency, row.name))
    for _, group in groupby(rows, key=lambda row: (row.dependency, row.name)):
        stores = {row.store: row for row in group}
        yield from _judge(evidence, stores)


def _judge(evidence: Evidence, stores: dict[str, TlsAnswer]) -> Iterator[Finding]:
    """Yield what the client in there meets: with the declared authority, else with the store of the image.

    Where one store trusts it and another does not, only clients that use the other one are refused.
    """
    image_store = stores.get("own")
    main = stores.get("declared") or image_store or next(iter(stores.values()))
    others = [row for row in stores.values() if row is not main]
    accepted = [row for row in others if row.verified]
    if not main.verified:
        only_trust = main.trust not in {None, Trust.TRUSTED}
        if only_trust and accepted and main.store == "own":
            yield _only_some(evidence, main, accepted[0])
        else:
            yield _refused(evidence, main)
        return
    if main.store == "own":
        yield from (_only_some(evidence, row, main) for row in others if not row.verified)


def _refused(evidence: Evidence, row: TlsAnswer) -> Finding:
    what, title, detail = _verdict(evidence.collected_at, row)
    judged = finding(
        evidence,
        what,
        FindingSeverity.CRITICAL,
        f"{title}, seen from inside {row.asked}",
        f"{detail}. Verified with {_STORES.get(row.store, row.store)} in {row.asked}",
        host=row.name,
        address=row.address,
        vantage=row.asked,
        where=f"inside {row.asked}",
        what=title,
        store=row.store,
    )
    return msgspec.structs.replace(judged, target=row.dependency or evidence.target)


def _verdict(at: datetime, row: TlsAnswer) -> tuple[str, str, str]:
    if row.trust not in {None, Trust.TRUSTED}:
        return _untrusted(row)
    gone = [certificate for certificate in row.certificates if certificate.not_after_at <= at]
    name, why = row.name, row.message
    if row.verify_code == _EXPIRED or (gone and row.verify_code is None):
        why = f"it ended at {format_time(gone[0].not_after_at)}" if gone else why
        return "tls_expired", f"the certificate of {name} has expired", why
    if row.verify_code == _NOT_YET:
        return "tls_not_yet_valid", f"the certificate of {name} is not valid yet", f"{why}; compare clocks"
    if row.verify_code in _WRONG_NAME:
        names = ", ".join(row.certificates[0].names[:10]) if row.certificates else ""
        return "tls_wrong_name", f"the certificate is not for {name}", f"it is for {names}" if names else why
    if row.silent:
        return "tls_silent", f"{name} accepts connections but does not answer the TLS handshake", why
    return "tls_handshake", f"no TLS connection to {name} is possible", why


def _untrusted(row: TlsAnswer) -> tuple[str, str, str]:
    if row.trust is Trust.MISSING_INTERMEDIATE:
        title = f"{row.name} does not send the intermediate certificate, so Python clients refuse it"
        return "tls_chain", title, f"{row.message}. {_BROWSERS}"
    title = f"the certificate of {row.name} comes from an untrusted CA"
    advice = "Give the client inside the container its CA, or add that CA to the image's store"
    return "tls_untrusted", title, f"{row.message}. {advice}"


def _only_some(evidence: Evidence, refused: TlsAnswer, accepted: TlsAnswer) -> Finding:
    """Return that clients are of two minds: which of the stores the application uses, its code alone says."""
    used = "requests and httpx use it" if refused.store == "certifi" else "urllib and drivers use it"
    what = f"only some clients accept the certificate of {refused.name}"
    no, yes = _STORES[refused.store], _STORES[accepted.store]
    judged = finding(
        evidence,
        "tls_store",
        FindingSeverity.INFO,
        f"only some clients inside {refused.asked} accept the certificate of {refused.name}",
        f"{no} does not trust it ({used}): {refused.message}; {yes} does",
        host=refused.name,
        vantage=refused.asked,
        where=f"inside {refused.asked}",
        what=what,
        store=refused.store,
    )
    return msgspec.structs.replace(judged, target=refused.dependency or evidence.target)
