"""Lines about certificates and names that only an application logs: class, what is wrong, which host."""

import pytest

from incident_lib.technologies.logs.findings.reasons import reason_of
from incident_lib.technologies.logs.probes.classes import classes_of
from incident_lib.technologies.logs.probes.peers import peer_of

# Class, reason, host ("-" where the line names none), and the line.
LINES = r"""
tls_expired expired - ssl.SSLCertVerificationError: certificate verify failed: certificate has expired (_ssl.c:1006)
tls_expired expired bank.example:443 Cannot connect to host bank.example:443 ssl:True [certificate has expired]
tls_expired expired bank.example Get "https://bank.example/": x509: certificate has expired or is not yet valid: current time 2026-01-15 is after 2026-01-01
tls_expired not_yet_valid bank.example Get "https://bank.example/": x509: certificate has expired or is not yet valid: current time 2026-01-15 is before 2026-02-01
tls_expired not_yet_valid - [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid
tls_expired expired - error trying to connect: invalid peer certificate: Expired
tls_wrong_name wrong_name bank.example Hostname mismatch, certificate is not valid for 'bank.example'. (_ssl.c:1006)
tls_wrong_name wrong_name bank.example x509: certificate is valid for a.example, not bank.example
tls_wrong_name wrong_name bank.example x509: certificate is not valid for any names, but wanted to match bank.example
tls_wrong_name wrong_name 10.0.0.7 x509: cannot validate certificate for 10.0.0.7 because it doesn't contain any IP SANs
tls_wrong_name wrong_name bank.example Hostname/IP does not match certificate's altnames: Host: bank.example. is not in the cert's
tls_wrong_name wrong_name bank.example CertificateException: No subject alternative DNS name matching bank.example found.
tls_wrong_name wrong_name - The remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch
tls_verify unknown_authority bank.example Get "https://bank.example/": x509: certificate signed by unknown authority
tls_verify unknown_authority - certificate verify failed: self-signed certificate in certificate chain (_ssl.c:1006)
tls_verify self_signed - certificate verify failed: self-signed certificate (_ssl.c:1006)
tls_verify unknown_issuer - certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)
tls_verify unknown_issuer - error trying to connect: invalid peer certificate: UnknownIssuer
tls_verify incomplete_chain - Error: unable to verify the first certificate
tls_protocol no_tls - [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)
tls_protocol no_tls bank.example Get "https://bank.example/": tls: first record does not look like a TLS handshake
name_resolution no_answer bank Error: getaddrinfo EAI_AGAIN bank
name_resolution no_answer bank dial tcp: lookup bank on 127.0.0.11:53: server misbehaving
name_resolution no_answer bank.example queryA ETIMEOUT bank.example
name_resolution no_answer - socket.gaierror: [Errno -3] Temporary failure in name resolution
name_resolution no_such_name - socket.gaierror: [Errno -2] Name or service not known
name_resolution no_such_name - socket.gaierror: [Errno -2] Name does not resolve
name_resolution no_such_name - dns error: failed to lookup address information: Name or service not known
name_resolution no_such_name bank.example java.net.UnknownHostException: bank.example
name_resolution no_such_name bank lookup bank on 127.0.0.11:53: no such host
name_resolution no_such_name bank nginx: [emerg] host not found in upstream "bank" in /etc/nginx/nginx.conf:3
name_resolution no_answer bank:80 SocketException (11): Resource temporarily unavailable (bank:80)
name_resolution no_address - socket.gaierror: [Errno -5] No address associated with hostname
"""  # noqa: E501 - each is one line of a log


@pytest.mark.parametrize("line", LINES.strip().splitlines())
def test_a_line_tells_what_is_wrong_with_which_host(line: str) -> None:
    expected, reason, host, words = line.split(" ", 3)
    found = classes_of(words)
    assert list(found) == [expected]
    assert reason_of(expected, found[expected]) == reason
    assert peer_of(found[expected]) == ("" if host == "-" else host)


@pytest.mark.parametrize(
    "line",
    [
        "http: TLS handshake error from 10.0.0.7:5: tls: first record does not look like a TLS handshake",
        "http: TLS handshake error from 10.0.0.7:5: remote error: tls: bad certificate",
        "ERROR payment of bank.example failed",
    ],
)
def test_what_strangers_do_to_a_server_is_no_class(line: str) -> None:
    assert classes_of(line) == {}
