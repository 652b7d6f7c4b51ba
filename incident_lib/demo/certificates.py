"""A certificate authority for the payments provider: a good certificate and an expired one."""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

GOOD = "payments.pem"
EXPIRED = "payments-expired.pem"


def make_certificates(ca: Path, keys: Path, *names: str) -> None:
    """Write the authority's certificate to `ca`, and key and chain of both certificates into `keys`."""
    authority = trustme.CA(organization_name="Example Trust Services")
    authority.cert_pem.write_to_path(ca)
    now = datetime.now(UTC)
    lifetimes = {
        GOOD: (now - timedelta(days=30), now + timedelta(days=60)),
        EXPIRED: (now - timedelta(days=90), now - timedelta(hours=1)),
    }
    for name, (begin, end) in lifetimes.items():
        leaf = authority.issue_cert(*names, not_before=begin, not_after=end)
        (keys / name).touch(mode=0o600)
        leaf.private_key_and_cert_chain_pem.write_to_path(keys / name)


def main() -> None:
    """Write ca.pem and both certificates into one folder, unless they are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    if not (options.folder / "ca.pem").exists():
        make_certificates(options.folder / "ca.pem", options.folder, *options.names)


if __name__ == "__main__":
    main()
