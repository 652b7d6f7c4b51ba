"""Certificates: what people need to know of one, and whether it covers a name."""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from incident_lib.connections.names import is_literal, to_ascii
from incident_lib.technologies.network.rows import Certificate

if TYPE_CHECKING:
    from cryptography import x509


def names_its_issuer(der: bytes) -> bool:
    """Return whether a certificate says where its issuer's is, as those of public authorities do."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        access = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
            x509.AuthorityInformationAccess
        )
    except (x509.ExtensionNotFound, ValueError):
        return False
    return any(item.access_method == AuthorityInformationAccessOID.CA_ISSUERS for item in access.value)


def parse_certificate(der: bytes) -> Certificate:
    """Return what people need to know of a certificate in DER."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    certificate = x509.load_der_x509_certificate(der)
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=tuple(_names(certificate)),
        not_before_at=certificate.not_valid_before_utc,
        not_after_at=certificate.not_valid_after_utc,
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _names(certificate: "x509.Certificate") -> Iterator[str]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return
    yield from names.get_values_for_type(x509.DNSName)
    yield from (str(address) for address in names.get_values_for_type(x509.IPAddress))


def matches_name(host: str, names: Sequence[str]) -> bool:
    """Return whether one of a certificate's names covers `host`; a star stands for the first label.

    >>> matches_name("a.example.com", ["*.example.com"]), matches_name("a.b.example.com", ["*.example.com"])
    (True, False)
    """
    if is_literal(host):
        address = ipaddress.ip_address(host.partition("%")[0])
        return any(is_literal(name) and ipaddress.ip_address(name) == address for name in names)
    plain = to_ascii(host).lower().rstrip(".")
    parent = plain.partition(".")[2]
    return any(name.lower() in {plain, f"*.{parent}" if parent else plain} for name in names)
