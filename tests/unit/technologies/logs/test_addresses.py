import pytest

from incident_lib.technologies.logs.addresses import peer_of


@pytest.mark.parametrize(
    ("line", "peer"),
    [
        ('connection to server at "10.0.0.5", port 5432 failed: Connection refused', "10.0.0.5:5432"),
        ('could not translate host name "ledger" to address: Name or service not known', "ledger"),
        (
            "redis.exceptions.ConnectionError: Error 111 connecting to keys:6380. Connection refused.",
            "keys:6380",
        ),
        ("OSError: [Errno 111] Connect call failed ('127.0.0.1', 6379)", "127.0.0.1:6379"),
        (
            "HTTPSConnectionPool(host='bank.example', port=443): Max retries exceeded with url: /a",
            "bank.example:443",
        ),
        ("NameResolutionError: <conn>: Failed to resolve 'bank.example' ([Errno -2])", "bank.example"),
        (
            "Cannot connect to host bank.example:443 ssl:default [Name or service not known]",
            "bank.example:443",
        ),
        ("Error: connect ECONNREFUSED 127.0.0.1:5432", "127.0.0.1:5432"),
        ("Error: connect ECONNREFUSED ::1:5432", "[::1]:5432"),
        ("Error: getaddrinfo EAI_AGAIN bank.example", "bank.example"),
        ("dial tcp: lookup bank.example on 10.0.0.2:53: no such host", "bank.example"),
        ("dial tcp 10.0.0.9:8443: connect: connection refused", "10.0.0.9:8443"),
        ('Get "https://bank.example/v1": x509: certificate has expired', "bank.example"),
        ("x509: certificate is valid for a.example, not bank.example", "bank.example"),
        ("Hostname mismatch, certificate is not valid for 'bank.example'. (_ssl.c:1006)", "bank.example"),
        ("java.net.UnknownHostException: bank.example", "bank.example"),
        ("org.postgresql: Connection to ledger:5432 refused. Check that the hostname", "ledger:5432"),
        (
            "Connect to bank.example:443 [bank.example/10.0.0.9] failed: Connection refused",
            "bank.example:443",
        ),
        ("[error] bank.example could not be resolved (3: Host not found)", "bank.example"),
        ('connect() failed (111: Connection refused), upstream: "http://10.0.0.7:8000/x"', "10.0.0.7:8000"),
        ("HttpRequestException: Connection refused (bank.example:443)", "bank.example:443"),
        ("at refund (orders.js:123): failed (code 7)", ""),
        ("php_network_getaddresses: getaddrinfo for bank.example failed", "bank.example"),
        ("curl: (6) Could not resolve host: bank.example", "bank.example"),
        ("postgresql://app:[hidden]@ledger:5432/shop refused", "ledger:5432"),
        ("ran into a timeout at 12:30:05", ""),
        ("QueuePool limit reached (Background on this error at: https://docs.example/e/3o7r)", ""),
        ("httpx.ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired (_ssl.c:1006)", ""),
    ],
)
def test_the_host_that_an_error_is_about(line, peer):
    assert peer_of(line) == peer


def test_the_first_text_that_names_a_host_decides():
    assert peer_of("Connection refused", "while connecting to keys:6379") == "keys:6379"
