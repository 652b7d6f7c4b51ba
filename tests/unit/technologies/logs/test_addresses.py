import timeit

import pytest

from incident_lib.technologies.logs.addresses import addresses_of, peer_of


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


# What an error is about ("-" where nothing is named), and its line.
LINES = r"""
10.0.0.9:8000 [error] 7#0: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1, server: shop.example, request: "GET http://evil.example:80/ HTTP/1.1", upstream: "http://10.0.0.9:8000/x", host: "shop.example:443", referrer: "https://a.example/b"
10.0.0.9:9000 upstream timed out (110: Connection timed out) while reading response header from upstream, client: 10.0.0.1, server: , request: "POST /pay HTTP/1.1", upstream: "fastcgi://10.0.0.9:9000", host: "10.0.0.3:8080"
unix:/run/php/fpm.sock connect() to unix:/run/php/fpm.sock failed (2: No such file or directory) while connecting to upstream, client: 10.0.0.1, upstream: "fastcgi://unix:/run/php/fpm.sock:", host: "shop.example"
unix:/run/shop.sock upstream prematurely closed connection while reading response header from upstream, client: 10.0.0.1, upstream: "http://unix:/run/shop.sock:/orders"
unix:/var/run/docker.sock dial unix /var/run/docker.sock: connect: permission denied
unix:/tmp/keys.sock redis.exceptions.ConnectionError: Error 2 connecting to unix socket: /tmp/keys.sock. No such file or directory.
unix:/var/run/postgresql/.s.PGSQL.5432 connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: No such file or directory
unix:/tmp/app.sock Error: connect ENOENT /tmp/app.sock
mailer dial tcp: lookup mailer on 10.0.0.53:53: no such host
mailer.internal lookup mailer.internal on [fd00::a]:53: server misbehaving
- read udp 10.0.0.3:4321->10.0.0.53:53: i/o timeout
10.0.0.2:443 read tcp 10.0.0.1:4321->10.0.0.2:443: read: connection reset by peer
- INFO:     10.0.0.7:53122 - "GET /orders HTTP/1.1" 500 Internal Server Error
- http: TLS handshake error from 10.0.0.7:55431: EOF
- Accepted connection from 10.0.0.7:55431, then too many of them
- {"level":"error","remote_ip":"10.0.0.7","remote_port":"5432","msg":"aborted"}
- client=10.0.0.7:5432 status=503
web-2 10.0.0.7:53122 [15/Jan/2026:14:30:00.000] front shop/web-2 0/0/-1/-1/3 503 213 - - SC-- 1/1/0/0/3 0/0 "GET / HTTP/1.1"
web-2 Server shop/web-2 is DOWN, reason: Layer4 timeout, check duration: 2001ms.
shop [ALERT] 014/143000 (7) : backend 'shop' has no server available!
10.0.0.9:8080 {"response_flags":"UF","downstream_remote_address":"10.0.0.7:4444","upstream_host":"10.0.0.9:8080"}
shop:8080 level=error msg="connection refused" remote_addr=10.0.0.7:4444 upstream=shop:8080
mq:5672 consumer: Cannot connect to amqp://app:**@mq:5672//: [Errno 111] Connection refused.
store:27017 ServerSelectionTimeoutError: store:27017: [Errno 111] Connection refused
books OperationalError: (2003, "Can't connect to MySQL server on 'books' ([Errno 111] Connection refused)")
10.0.0.5:5432 Is the server running on host "10.0.0.5" and accepting TCP/IP connections on port 5432?
db:5432 - host: 'db', port: '5432', hostaddr: '10.0.0.8': connection timeout expired
10.0.3.9:50051 last error: UNKNOWN: ipv4:10.0.3.9:50051: Failed to connect to remote host: Connection refused
keys:6379 redis.exceptions.TimeoutError: Timeout reading from keys:6379
"""  # noqa: E501 - each is one line of a log


@pytest.mark.parametrize("line", LINES.strip().splitlines())
def test_who_asks_and_who_is_asked_for_a_name_are_not_to_blame(line):
    peer, _, words = line.partition(" ")
    assert peer_of(words) == ("" if peer == "-" else peer)
    assert addresses_of(words)[:1] == (() if peer == "-" else (peer,))


@pytest.mark.parametrize(
    "line", ["a." * 9_000, "1.1.1.1:" * 2_000, "http://a@" * 2_000, "[::" * 6_000, 'request: "' * 2_000]
)
def test_a_hostile_line_takes_no_longer_than_its_end(line):
    def quickest(text):
        return min(timeit.repeat(lambda: addresses_of(text), number=1, repeat=7))

    assert quickest(line * 4) < 20 * quickest(line[-2_000:])


def test_the_first_text_that_names_a_host_decides():
    assert peer_of("Connection refused", "while connecting to keys:6379") == "keys:6379"
