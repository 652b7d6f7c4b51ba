"""A certificate authority for the payments provider: a good certificate and several bad ones."""

import argparse
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

GOOD = "payments.pem"
EXPIRED = "payments-expired.pem"
WRONG_NAME = "payments-wrong-name.pem"
INCOMPLETE = "payments-incomplete.pem"
SELF_SIGNED = "payments-self-signed.pem"


def make_certificates(ca: Path, keys: Path, *names: str) -> None:
    """Write the authority's certificate to `ca`, and key and chain of each certificate into `keys`."""
    authority = trustme.CA(organization_name="Example Trust Services")
    authority.cert_pem.write_to_path(ca)
    now = datetime.now(UTC)
    lifetimes = {
        GOOD: (now - timedelta(days=30), now + timedelta(days=60)),
        EXPIRED: (now - timedelta(days=90), now - timedelta(hours=1)),
    }
    for name, (begin, end) in lifetimes.items():
        leaf = authority.issue_cert(*names, not_before=begin, not_after=end)
        _keep(keys / name, leaf.private_key_and_cert_chain_pem.bytes())
    begin, end = lifetimes[GOOD]
    other = authority.issue_cert("charges.payments.example", not_before=begin, not_after=end)
    _keep(keys / WRONG_NAME, other.private_key_and_cert_chain_pem.bytes())
    below = authority.create_child_ca().issue_cert(*names, not_before=begin, not_after=end)
    _keep(keys / INCOMPLETE, below.private_key_pem.bytes() + below.cert_chain_pems[0].bytes())
    _keep(keys / SELF_SIGNED, _self_signed(names, begin, end))


def _keep(path: Path, pem: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(pem)


def _self_signed(names: tuple[str, ...], begin: datetime, end: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[-1])])
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(), begin, end
    )
    signed = builder.add_extension(
        x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
    ).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + signed.public_bytes(serialization.Encoding.PEM)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def main() -> None:
    """Write ca.pem and the certificates into one folder, unless they are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    if not (options.folder / "ca.pem").exists():
        make_certificates(options.folder / "ca.pem", options.folder, *options.names)


if __name__ == "__main__":
    main()
