"""The file of error classes, and lines in the words of libraries and servers: each belongs to its class."""

import timeit

import pytest

from incident_lib.errors import ConfigError
from incident_lib.redact import Redactor
from incident_lib.resources import resource
from incident_lib.technologies.logs.addresses import peer_of
from incident_lib.technologies.logs.classes import (
    LogClass,
    classes_of,
    log_classes,
    parse_classes,
    peer_in,
    seconds_in,
)

ROW = """# a class
[[class]]
id = "oom"
title = "it is full"
advice = "free some"
example = "OOM"
match = ["OOM"]
"""


@pytest.mark.parametrize("row", log_classes().values(), ids=lambda row: row.id)
def test_each_class_has_a_line_that_belongs_to_it_and_to_no_other(row: LogClass) -> None:
    assert list(classes_of(row.example)) == [row.id]
    assert row.title
    assert row.advice


def test_every_entry_of_the_file_is_needed_in_its_class_once() -> None:
    for row in log_classes().values():
        assert len(set(row.match)) == len(row.match), row.id
    text = resource("templates", "log_classes.toml").read_text(encoding="utf-8")
    assert parse_classes(text, "log_classes.toml") == tuple(log_classes().values())


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('title = "it is full"', "title = 7", "my.toml: line 4: key `title`: expected `str`, got `int`"),
        ('advice = "free some"', 'advise = "x"', "line 5: key `advise`: object contains unknown field"),
        ('advice = "free some"\n', "", "line 2: key `advice`: object missing required field"),
        ('match = ["OOM"]', "match = []", "line 7: key `match` of 'oom': expected an entry or more"),
        ('match = ["OOM"]', 'match = [""]', "line 7: key `match` of 'oom': expected words"),
        (
            'match = ["OOM"]',
            'match = [{ words = "OOM", pattern = "(" }]',
            "line 7: key `match` of 'oom': '(' is not a valid regular expression",
        ),
        (
            'match = ["OOM"]',
            'unless = ["gone"]\nmatch = ["OOM"]',
            "line 7: key `unless` of 'oom': class 'gone' does not exist",
        ),
        (
            'match = ["OOM"]',
            'flags = ["odd"]\nmatch = ["OOM"]',
            "line 7: key `flags`: invalid enum value 'odd'",
        ),
        (
            'match = ["OOM"]',
            "lasted = ['took (\\d+) s']\nmatch = [\"OOM\"]",
            "line 7: key `lasted` of 'oom': 'took (\\\\d+) s' has no group `seconds` or `milliseconds`",
        ),
        ("[[class]]", "[[klass]]", "line 1: key `klass`: object contains unknown field"),
        ("[[class]]", "[[class]", "my.toml: no valid TOML"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line_and_key(right: str, wrong: str, message: str) -> None:
    assert parse_classes(ROW, "my.toml")
    with pytest.raises(ConfigError) as caught:
        parse_classes(ROW.replace(right, wrong), "my.toml")
    assert message in str(caught.value)


def test_a_wrong_second_row_is_found_where_it_stands() -> None:
    with pytest.raises(ConfigError, match="line 10: key `id` of 'oom': an earlier row has this id"):
        parse_classes(ROW + ROW, "my.toml")
    with pytest.raises(ConfigError, match="line 11: key `title`"):
        parse_classes(ROW + ROW.replace('"it is full"', "7"), "my.toml")


# A class, and the words that belong to it; "//" stands for the end of a line.
LINES = r"""
pool_timeout error: timeout exceeded when trying to connect//    at /srv/node_modules/pg-pool/index.js:45:11
pool_timeout KnexTimeoutError: Knex: Timeout acquiring a connection. The pool is probably full. Are you
pool_timeout PrismaClientKnownRequestError: Timed out fetching a new connection from the connection pool.
pool_timeout SequelizeConnectionAcquireTimeoutError: Operation timeout
pool_timeout ActiveRecord::ConnectionTimeoutError: could not obtain a connection from the pool within 5.000
redis_pool_timeout redis: connection pool timeout
pool_timeout peewee.MaxConnectionsExceeded: Max connections exceeded, timed out attempting to connect.
pooler_wait FATAL: query_wait_timeout
redis_pool_timeout redis.clients.jedis.exceptions.JedisExhaustedPoolException: Could not get a resource
db_refused Error: connect ECONNREFUSED 10.0.0.5:5432
db_refused dial tcp 10.0.0.5:5432: connect: connection refused
db_refused PrismaClientInitializationError: Can't reach database server at `db`:`5432`
db_refused org.postgresql.util.PSQLException: Connection to db:5432 refused. Check that the hostname and
db_connect_timeout Error: Connection terminated due to connection timeout// at Client._connectionCallback
db_terminated psycopg2.OperationalError: SSL SYSCALL error: EOF detected
db_terminated could not receive data from server: Connection reset by peer
db_terminated psycopg2.InterfaceError: connection already closed
db_terminated Error: Connection terminated unexpectedly//    at Connection.<anonymous>
db_terminated psycopg.OperationalError: the connection is lost
db_terminated org.postgresql.util.PSQLException: An I/O error occurred while sending to the backend.
db_no_role FATAL:  role "app" is not permitted to log in
db_no_role FATAL:  role "app" does not exist
db_auth FATAL: SASL authentication failed
db_auth fe_sendauth: no password supplied
db_auth Error: SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string
db_read_only cannot execute nextval() in a read-only transaction
db_statement_timeout Error: Query read timeout//    at Timeout._onTimeout
db_schema asyncpg.exceptions.UndefinedColumnError: column "ssn" does not exist
db_schema psycopg2.errors.UndefinedTable: relation "orders_v2" does not exist
redis_refused Error: connect ECONNREFUSED 10.0.0.6:6379
redis_refused dial tcp 10.0.0.6:6379: connect: connection refused
redis_refused [ioredis] Unhandled error event: Error: connect ECONNREFUSED 127.0.0.1:6379
redis_refused MaxRetriesPerRequestError: Reached the max retries per request limit (which is 20). Refer to
redis_closed redis.exceptions.ConnectionError: Error 32 while writing to socket. Broken pipe.
redis_timeout io.lettuce.core.RedisCommandTimeoutException: Command timed out after 2 second(s)
redis_timeout Error: Command timed out//    at Object.timeout (/srv/node_modules/ioredis/built/Command.js
redis_auth ERR AUTH <password> called without any password configured for the default user. Are you sure
name_resolution java.net.UnknownHostException: fx.example
name_resolution curl: (6) Could not resolve host: fx.example
name_resolution dial tcp: lookup fx on 127.0.0.11:53: server misbehaving
name_resolution dial tcp: lookup fx.example: i/o timeout
name_resolution aiohttp.client_exceptions.ClientConnectorDNSError: Cannot connect to host fx:80 ssl:default
tls_expired java.security.cert.CertificateExpiredException: NotAfter: Thu
tls_wrong_name Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames:
tls_wrong_name curl: (60) SSL: no alternative certificate subject name matches target host name 'a'
tls_wrong_name javax.net.ssl.SSLPeerUnverifiedException: Hostname a not verified
tls_wrong_name No subject alternative DNS name matching a found.
tls_wrong_name x509: certificate is not valid for any names, but wanted to match a
tls_verify PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to
tls_verify UNABLE_TO_VERIFY_LEAF_SIGNATURE
tls_verify DEPTH_ZERO_SELF_SIGNED_CERT
connect_timeout ConnectTimeout('')
connect_timeout Error: connect ETIMEDOUT 10.0.0.9:443
connect_timeout dial tcp 10.0.0.9:443: i/o timeout
connect_timeout java.net.SocketTimeoutException: connect timed out
connect_timeout java.net.http.HttpConnectTimeoutException: HTTP connect timed out
connect_timeout httpcore.ConnectTimeout: timed out
connect_timeout UND_ERR_CONNECT_TIMEOUT
read_timeout HTTPSConnectionPool(host='x', port=443): Read timed out. (read timeout=3)
read_timeout ReadTimeout('')
read_timeout AxiosError: timeout of 3000ms exceeded
read_timeout Get "https://x/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)
read_timeout java.net.SocketTimeoutException: Read timed out
read_timeout java.net.http.HttpTimeoutException: request timed out
read_timeout HeadersTimeoutError: Headers Timeout Error
read_timeout httpcore.ReadTimeout
read_timeout net/http: timeout awaiting response headers
connect_refused ConnectError('All connection attempts failed')
connect_refused java.net.ConnectException: Connection refused
server_disconnected Error: socket hang up code: 'ECONNRESET'
server_disconnected read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer
server_disconnected httpx.ReadError: [Errno 104] Connection reset by peer
open_files java.io.IOException: Too many open files
memory_error FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
memory_error fatal error: runtime: out of memory
thread_limit RuntimeError: can't start new thread
worker_killed Process 'ForkPoolWorker-1' pid:9 exited with 'signal 9 (SIGKILL)'
task_lost WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 3.')
upstream_error httpx.HTTPStatusError: Server error '503 Service Unavailable' for url 'http://fx/rate?c=USD'
upstream_error requests.exceptions.HTTPError: 503 Server Error: upstream maintenance for url:
upstream_error AxiosError: Request failed with status code 503
rate_limited httpx.HTTPStatusError: Client error '429 Too Many Requests' for url 'https://api'
rate_limited HTTPError: 429 Client Error: Too Many Requests for url: x
upstream_denied httpx.HTTPStatusError: Client error '401 Unauthorized' for url 'https://fx.example/rate'
db_schema ERROR:  column "ssn" does not exist at character 40
"""


@pytest.mark.parametrize("line", LINES.strip().splitlines())
def test_each_class_is_known_in_the_words_of_its_library(line: str) -> None:
    expected, _, words = line.partition(" ")
    assert list(classes_of(words.replace("//", "\n"))) == [expected]


@pytest.mark.parametrize(
    "line",
    [
        "Loaded ReadTimeout=3 and ConnectTimeout=1 from the settings",
        "validation error: email does not exist",
        "the pool of 429 lanes is rate limited",
        "order 503 Server Error page was rendered",
        "GET /lookup tcp answered in 5 ms",
        "Worker exited after 1000 requests",
    ],
)
def test_settings_and_prose_are_no_class(line: str) -> None:
    assert classes_of(line) == {}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached", "pool_timeout"),
        ("psycopg_pool.PoolTimeout: couldn't get a connection after 2.00 sec", "pool_timeout"),
        ("httpx.PoolTimeout", "http_pool_timeout"),
        (
            "connection failed: FATAL:  sorry, too many clients already",
            "db_too_many_clients",
        ),
        ('connection to server at "::1", port 5432 failed: Connection refused', "db_refused"),
        (
            "psycopg.errors.AdminShutdown: terminating connection due to administrator command",
            "db_terminated",
        ),
        ('FATAL:  password authentication failed for user "app"', "db_auth"),
        (
            "psycopg.errors.QueryCanceled: canceling statement due to statement timeout",
            "db_statement_timeout",
        ),
        ("psycopg.errors.LockNotAvailable: canceling statement due to lock timeout", "db_lock_timeout"),
        ("psycopg.errors.DeadlockDetected: deadlock detected", "db_deadlock"),
        ("process 71 still waiting for ShareLock on transaction 901 after 1000.1 ms", "db_lock_wait"),
        ("server process (PID 71) was terminated by signal 9: Killed", "db_process_killed"),
        ("checkpoints are occurring too frequently (3 seconds apart)", "db_checkpoints"),
        ("archive command failed with exit code 1", "db_archive_failed"),
        (
            "[082]: WAL segment 000000010000008C0000002D was not archived before the 60000ms timeout",
            "db_archive_failed",
        ),
        ('nextval: reached maximum value of sequence "orders_id_seq" (2147483647)', "db_sequence"),
        ('WARNING:  database "shop" must be vacuumed within 9999999 transactions', "db_wraparound"),
        (
            'database is not accepting commands that assign new XIDs to avoid wraparound data loss in "shop"',
            "db_wraparound",
        ),
        (
            "redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. refused.",
            "redis_refused",
        ),
        ("redis.exceptions.TimeoutError: Timeout reading from cache:6379", "redis_timeout"),
        ("command not allowed when used memory > 'maxmemory'.", "redis_oom"),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to", "redis_misconf"),
        ("redis.exceptions.ReadOnlyError: You can't write against a read only replica.", "redis_readonly"),
        (
            "redis.exceptions.AuthenticationError: invalid username-password pair",
            "redis_wrong_password",
        ),
        ("redis.exceptions.BusyLoadingError: Redis is loading the dataset in memory", "redis_loading"),
        ("BUSY Redis is busy running a script. You can only call SCRIPT KILL", "redis_busy"),
        ("httpx.ConnectError: [Errno -2] Name or service not known", "name_resolution"),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired (_ssl.c:992)",
            "tls_expired",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] Hostname mismatch, certificate is not valid for 'a.example'.",
            "tls_wrong_name",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate",
            "tls_verify",
        ),
        ("httpx.ConnectTimeout: timed out", "connect_timeout"),
        ("httpx.ReadTimeout: The read operation timed out", "read_timeout"),
        ("httpx.ConnectError: [Errno 111] Connection refused", "connect_refused"),
        ("OSError: [Errno 24] Too many open files", "open_files"),
        ("MemoryError", "memory_error"),
        ("OSError: [Errno 28] No space left on device", "disk_full"),
        ("WORKER TIMEOUT (pid:12)", "worker_timeout"),
        ("jwt.exceptions.ImmatureSignatureError: The token is not yet valid (iat)", "clock"),
        ("Worker (pid:12) was sent SIGKILL! Perhaps out of memory?", "worker_killed"),
    ],
)
def test_each_class_is_known_by_the_words_of_its_library(line, expected):
    assert list(classes_of(line)) == [expected]


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Executing <Handle _SelectorTransport._call() at /srv/a.py:3> took 0.104 seconds", 0.104),
        (f"Executing <Task pending name='Task-7' coro=<{'a.' * 600}b()>> took 12.000 seconds", 12.0),
        ("Event loop blocked for 1204 ms", 1.204),
        (
            "Thread[vert.x-eventloop-thread-3,5,main] has been blocked for 5234 ms, time limit is 2000 ms",
            5.234,
        ),
        ("Blocked for 20.5ms, operation started here", 0.0205),
        ("event loop lag: 310ms", 0.31),
        ("the middleware blocked the event loop 3 times", None),
    ],
)
def test_how_long_a_step_blocked_the_event_loop_is_read(line, seconds):
    assert list(classes_of(line)) == ["slow_steps"]
    assert seconds_in("slow_steps", line) == (None if seconds is None else pytest.approx(seconds))


def test_a_socket_error_within_a_redis_error_is_the_redis_error():
    chain = "ConnectionRefusedError: [Errno 111] Connection refused\n"
    chain += "redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. Connection refused."
    assert list(classes_of(chain)) == ["redis_refused"]


@pytest.mark.parametrize(
    "line",
    [
        "the timeout of the pool was changed to 30 s",
        "user memory was refused by the database team",
        "redis connection closed after deadlock review",
        "certificate page rendered",
    ],
)
def test_words_alone_are_no_class(line):
    assert classes_of(line) == {}


# Class, reason, host ("-" where the line names none), and the line.
REASONS = r"""
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


@pytest.mark.parametrize("line", REASONS.strip().splitlines())
def test_a_line_names_what_is_wrong_with_which_host(line: str) -> None:
    expected, reason, host, words = line.split(" ", 3)
    found = classes_of(words)
    assert list(found) == [expected]
    assert log_classes()[expected].reason_in(found[expected]) == reason
    assert peer_of(found[expected]) == ("" if host == "-" else host)


@pytest.mark.parametrize(
    "line",
    [
        "http: TLS handshake error from 10.0.0.7:5: tls: first record does not look like a TLS handshake",
        "http: TLS handshake error from 10.0.0.7:5: remote error: tls: bad certificate",
        "ERROR payment of bank.example failed",
    ],
)
def test_what_clients_do_to_a_server_is_no_class(line: str) -> None:
    assert classes_of(line) == {}


@pytest.mark.parametrize("row", log_classes().values(), ids=lambda row: row.id)
def test_no_pattern_is_slower_than_the_text_is_long(row: LogClass) -> None:
    """Four times as many words of a class, as a hostile client would send them, take no more than that."""
    words = " ".join(entry if isinstance(entry, str) else entry.words for entry in row.match)
    text = f"{words} 1:a/b " * (3_000 // (len(words) + 7) + 1)

    def quickest(text: str) -> float:
        return min(timeit.repeat(lambda: classes_of(text), number=1, repeat=3))

    quickest(text[:100])
    assert quickest(text * 4) < 40 * quickest(text) + 20 * quickest(words)


def test_no_title_reads_like_a_secret() -> None:
    titles = [f"{row.title}: logged 26 times" for row in log_classes().values()]
    assert [Redactor().text(title) for title in titles] == titles


def test_only_the_ends_of_a_long_text_are_compared() -> None:
    filler = "x" * 20_000
    assert list(classes_of(f"MISCONF Redis is configured to save{filler}")) == ["redis_misconf"]
    assert list(classes_of(f"{filler}\nMISCONF Redis is configured to save")) == ["redis_misconf"]
    assert classes_of(f"{filler}\nMISCONF Redis is configured to save{filler}") == {}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            'match = [{ words = "OOM", pattern = "(?!x)" }]',
            ("'(?!x)' is not a valid regular expression of RE2"),
        ),
        ('match = [{ words = "OOM", but = "(" }]', "'(' is not a valid regular expression of RE2"),
        ('blames = ["("]\nmatch = ["OOM"]', "key `blames` of 'oom': '(' is not a valid regular expression"),
        (
            'explained_by = ["gone"]\nmatch = ["OOM"]',
            ("key `explained_by` of 'oom': class 'gone' does not exist"),
        ),
        ('sqlstate = ["4"]\nmatch = ["OOM"]', "key `sqlstate` of 'oom': '4' is not a code"),
    ],
)
def test_patterns_and_codes_are_checked(wrong: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_classes(ROW.replace('match = ["OOM"]', wrong), "my.toml")
    assert message in str(caught.value)


def test_a_class_blames_what_its_own_patterns_find_first() -> None:
    line = 'Failed to pull image "hub.example:5000/shop:2": dial tcp 10.0.0.9:443: i/o timeout'
    assert peer_in("image_pull", line) == "hub.example:5000"
    assert peer_in("connect_timeout", line) == "10.0.0.9:443"
    assert peer_in("of_another_version", line) == "10.0.0.9:443"


def test_trouble_of_the_writer_is_not_blamed_on_an_address() -> None:
    assert peer_in("open_files", "accept tcp 10.0.0.9:8080: too many open files") == ""
    assert peer_in("address_in_use", "listen tcp 10.0.0.9:8080: bind: address already in use") == ""
    assert (
        peer_in("connect_refused", "dial tcp 10.0.0.9:8080: connect: connection refused") == "10.0.0.9:8080"
    )


def test_half_a_character_and_other_scripts_are_no_obstacle() -> None:
    assert list(classes_of("\ud83d MemoryError")) == ["memory_error"]
    assert classes_of("注文 12\nMISCONF Redis is configured to save ключ") == {
        "redis_misconf": "MISCONF Redis is configured to save ключ"
    }
    assert classes_of("\udcff\udc80") == {}
