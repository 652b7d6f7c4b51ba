"""TLS against real servers with certificates of a real authority: each fault has its own finding."""

import datetime as dt
import ipaddress
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from incident_lib import clock, config
from incident_lib.connections.names import resolve
from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, Finding, FindingSeverity, Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies.network import findings as judge
from incident_lib.technologies.network import probes
from incident_lib.technologies.network.probes import reach
from incident_lib.technologies.network.probes.tls import inspect_tls
from incident_lib.technologies.network.rows import TlsAnswer, Trust
from tests.integration import network_service as servers
from tests.integration.network_service import DAY, NOW, Authority

WINDOW = Window(clock.now(), clock.now())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def look(port: int, folder: Path, *, host: str = "127.0.0.1", ca: str = "file:ca.pem") -> Evidence:
    """Return the evidence of network.tls for one place."""
    text = f'[[dependency]]\nname = "pay"\nurl = "tls://{host}:{port}"\nca = "{ca}"\n'
    settings = config.Settings(document=config.parse(text), root=folder)
    *_, last = run_lane(probes.lanes(settings)[0], WINDOW)
    assert last.probe == "network.tls"
    return last


def findings(evidence: Evidence) -> dict[str, Finding]:
    found = judge.ANALYZERS["network.tls"](evidence, Context(window=WINDOW, thresholds=Thresholds()))
    return {finding.id.removeprefix("network.tls."): finding for finding in found}


def judged(
    context: ssl.SSLContext, folder: Path, *, host: str = "127.0.0.1", ca: str = "file:ca.pem"
) -> dict[str, Finding]:
    with servers.serve(servers.silent, context=context) as port:
        return findings(look(port, folder, host=host, ca=ca))


def test_a_good_certificate(authority: Authority, tmp_path: Path) -> None:
    with servers.serve(servers.silent, context=authority.context("127.0.0.1")) as port:
        evidence = look(port, tmp_path)
    (row,) = evidence.of(TlsAnswer)
    assert row.verified
    assert row.protocol == "TLSv1.3"
    assert row.certificates[0].names == ("127.0.0.1",)
    found = findings(evidence)
    assert set(found) == {"ok"}
    assert found["ok"].data["days"] == pytest.approx(90, abs=0.1)


def test_an_expired_certificate_says_since_when(authority: Authority, tmp_path: Path) -> None:
    end = NOW - dt.timedelta(hours=1)
    found = judged(authority.context("127.0.0.1", not_before=NOW - 9 * DAY, not_after=end), tmp_path)
    assert set(found) == {"expired"}
    assert found["expired"].since == end.replace(microsecond=0)
    assert found["expired"].data["position"] == "leaf"


def test_expired_and_for_another_name_are_two_findings(authority: Authority, tmp_path: Path) -> None:
    context = authority.context("a.example", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    assert set(judged(context, tmp_path)) == {"expired", "wrong_name"}


def test_a_certificate_that_is_not_valid_yet(authority: Authority, tmp_path: Path) -> None:
    context = authority.context("127.0.0.1", not_before=NOW + 2 * DAY)
    assert set(judged(context, tmp_path)) == {"not_yet_valid"}


@pytest.mark.parametrize(("days", "severity"), [(19, "WARNING"), (2, "CRITICAL")])
def test_a_certificate_that_expires_soon(
    authority: Authority, tmp_path: Path, days: int, severity: str
) -> None:
    found = judged(authority.context("127.0.0.1", not_after=NOW + days * DAY), tmp_path)
    assert set(found) == {"expires_soon"}
    assert found["expires_soon"].severity == severity


def test_a_certificate_for_another_name(authority: Authority, tmp_path: Path) -> None:
    found = judged(authority.context("pay.example.com", "*.example.org"), tmp_path)
    assert set(found) == {"wrong_name"}
    assert "pay.example.com, *.example.org" in found["wrong_name"].detail


def test_a_name_is_matched_as_clients_do(authority: Authority, tmp_path: Path) -> None:
    assert set(judged(authority.context("localhost"), tmp_path, host="localhost")) == {"ok"}


def test_a_missing_intermediate(authority: Authority, tmp_path: Path) -> None:
    assert set(judged(authority.without_intermediate("127.0.0.1"), tmp_path)) == {"chain"}


def test_an_intermediate_that_is_sent_is_well(authority: Authority, tmp_path: Path) -> None:
    leaf = authority.ca.create_child_ca().issue_cert("127.0.0.1", not_after=NOW + 90 * DAY)
    assert set(judged(servers.server_context(leaf), tmp_path)) == {"ok"}


def test_an_authority_that_is_not_trusted(authority: Authority, tmp_path: Path) -> None:
    assert set(judged(authority.context("127.0.0.1"), tmp_path, ca="")) == {"untrusted"}
    other = trustme.CA().create_child_ca().issue_cert("127.0.0.1", not_after=NOW + 90 * DAY)
    assert set(judged(servers.server_context(other), tmp_path)) == {"untrusted"}


def test_self_signed(tmp_path: Path) -> None:
    assert set(judged(made_by_hand(tmp_path, names=True), tmp_path, ca="")) == {"self_signed"}


def test_a_certificate_without_any_name(tmp_path: Path) -> None:
    found = judged(made_by_hand(tmp_path, names=False), tmp_path, ca="")
    assert set(found) == {"self_signed", "wrong_name"}
    assert "names no host" in found["wrong_name"].title


def test_an_expired_intermediate_is_told_from_the_leaf(authority: Authority, tmp_path: Path) -> None:
    found = judged(behind_expired_intermediate(authority, tmp_path), tmp_path)
    assert set(found) == {"expired"}
    assert found["expired"].data["position"] == "chain"


def test_an_expired_cross_signed_root_that_clients_do_not_need_is_no_expiry(
    authority: Authority, tmp_path: Path
) -> None:
    found = judged(with_old_root(authority, tmp_path), tmp_path)
    assert set(found) == {"old_chain"}
    assert found["old_chain"].severity is FindingSeverity.WARNING
    assert "old clients" in found["old_chain"].detail
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    of_old_store = judged(with_old_root(authority, tmp_path), tmp_path, ca=f"file:{other.path}")
    assert of_old_store["expired"].data["position"] == "chain"


def test_plain_http(authority: Authority, tmp_path: Path) -> None:
    with servers.serve(servers.says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        assert set(findings(look(port, tmp_path))) == {"plain_http"}


def test_plain_http_that_waits_for_the_end_of_a_line() -> None:
    with servers.serve(servers.http("plain")) as port:
        row = inspect_tls("127.0.0.1", resolve("127.0.0.1", port, 1), seconds=0.5)
    assert (row.plain_http, row.silent) == (True, False)


def test_something_else_than_tls(authority: Authority, tmp_path: Path) -> None:
    with servers.serve(servers.says(b"220 mail ready\r\n")) as port:
        found = findings(look(port, tmp_path))
    assert set(found) == {"wrong_peer"}
    assert found["wrong_peer"].title == "a mail or FTP server answers where TLS is expected"


def test_connected_and_silent() -> None:
    with servers.serve(servers.silent) as port:
        row = inspect_tls("127.0.0.1", resolve("127.0.0.1", port, 1), seconds=0.5)
    assert (row.plain_http, row.silent, row.verified) == (False, True, False)


def test_nothing_there_leaves_tls_unjudged(authority: Authority, tmp_path: Path) -> None:
    evidence = look(servers.free_port(), tmp_path)
    (found,) = judge.ON_FAILURE["network.tls"](evidence, Context(window=WINDOW))
    assert found.severity == "UNKNOWN"


def test_a_wrong_ca_file_is_ours(authority: Authority, tmp_path: Path) -> None:
    with servers.serve(servers.silent, context=authority.context("127.0.0.1")) as port:
        evidence = look(port, tmp_path, ca="file:missing.pem")
    (found,) = judge.ON_FAILURE["network.tls"](evidence, Context(window=WINDOW))
    assert found.severity == "UNKNOWN"


def test_tls_of_today_with_an_old_protocol(authority: Authority, tmp_path: Path) -> None:
    with old_server(authority, tmp_path) as port:
        evidence = look(port, tmp_path)
    assert set(findings(evidence)) == {"old_protocol"}
    (row,) = evidence.of(TlsAnswer)
    assert row.protocol in {"TLSv1.1", None}


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_asks_clients_for_a_certificate(
    authority: Authority, tmp_path: Path, newest: ssl.TLSVersion
) -> None:
    """We have none to show: with TLS 1.2 that ends the handshake, with 1.3 it comes after it."""
    context = authority.context("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    context.maximum_version = newest
    with servers.serve(servers.silent, context=context) as port:
        found = findings(look(port, tmp_path))
    assert set(found) == ({"ok"} if newest is ssl.TLSVersion.TLSv1_3 else {"client_certificate"})
    assert all(one.severity in {"OK", "UNKNOWN"} for one in found.values())


def test_a_server_that_is_slow_past_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "TLS_SECONDS", 1.0)
    with servers.serve(servers.silent) as port:
        found = findings(look(port, tmp_path, ca=""))
    assert set(found) == {"silent"}


def test_trust_is_told_apart_from_dates(authority: Authority, tmp_path: Path) -> None:
    context = authority.context("127.0.0.1", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    with servers.serve(servers.silent, context=context) as port:
        (row,) = look(port, tmp_path).of(TlsAnswer)
    assert row.trust is Trust.TRUSTED


def made_by_hand(folder: Path, *, names: bool) -> ssl.SSLContext:
    """Return a server's context with a certificate that signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = _builder(name, name, key.public_key(), NOW + 90 * DAY)
    if names:
        address = ipaddress.ip_address("127.0.0.1")
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False
        )
    return _load(folder, key, [builder.sign(key, hashes.SHA256())])


def behind_expired_intermediate(authority: Authority, folder: Path) -> ssl.SSLContext:
    """Return a context whose own certificate is good, and whose intermediate one ran out yesterday."""
    root_key = load_pem_private_key(authority.ca.private_key_pem.bytes(), None)
    assert isinstance(root_key, ec.EllipticCurvePrivateKey)
    root = x509.load_pem_x509_certificate(authority.ca.cert_pem.bytes())
    middle_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    middle_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "middle")])
    basic = x509.BasicConstraints(ca=True, path_length=None)
    middle = _builder(middle_name, root.subject, middle_key.public_key(), NOW - DAY)
    middle = middle.add_extension(basic, critical=True)
    leaf_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "leaf")])
    address = ipaddress.ip_address("127.0.0.1")
    leaf = _builder(leaf_name, middle_name, key.public_key(), NOW + 90 * DAY)
    leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
    chain = [leaf.sign(middle_key, hashes.SHA256()), middle.sign(root_key, hashes.SHA256())]
    return _load(folder, key, chain)


def with_old_root(authority: Authority, folder: Path) -> ssl.SSLContext:
    """Return a context that sends along its root as an older authority signed it, until yesterday."""
    root_key = load_pem_private_key(authority.ca.private_key_pem.bytes(), None)
    assert isinstance(root_key, ec.EllipticCurvePrivateKey)
    root = x509.load_pem_x509_certificate(authority.ca.cert_pem.bytes())
    old_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    old_name, leaf_name = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("old root", "leaf")
    )
    basic = x509.BasicConstraints(ca=True, path_length=None)
    crossed = _builder(root.subject, old_name, root_key.public_key(), NOW - DAY)
    crossed = crossed.add_extension(basic, critical=True)
    leaf = _builder(leaf_name, root.subject, key.public_key(), NOW + 90 * DAY)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = leaf.add_extension(names, critical=False)
    chain = [leaf.sign(root_key, hashes.SHA256()), crossed.sign(old_key, hashes.SHA256())]
    return _load(folder, key, chain)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, end: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 30 * DAY)
        .not_valid_after(end)
    )


def _load(folder: Path, key: ec.EllipticCurvePrivateKey, chain: list[x509.Certificate]) -> ssl.SSLContext:
    path = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + b"".join(one.public_bytes(Encoding.PEM) for one in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@contextmanager
def old_server(authority: Authority, folder: Path) -> Iterator[int]:
    """Yield the port of a server that speaks TLS 1.1 and nothing newer."""
    context = authority.context("127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with servers.serve(servers.silent, context=context) as port:
        yield port
