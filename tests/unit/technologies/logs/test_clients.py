"""Errors in the words of more client libraries: each line belongs to one class."""

import pytest

from incident_lib.technologies.logs.probes.classes import classes_of

# A class, and the words that belong to it; "//" stands for the end of a line.
LINES = r"""
pool_timeout error: timeout exceeded when trying to connect//    at /srv/node_modules/pg-pool/index.js:45:11
pool_timeout KnexTimeoutError: Knex: Timeout acquiring a connection. The pool is probably full. Are you
pool_timeout PrismaClientKnownRequestError: Timed out fetching a new connection from the connection pool.
pool_timeout SequelizeConnectionAcquireTimeoutError: Operation timeout
pool_timeout ActiveRecord::ConnectionTimeoutError: could not obtain a connection from the pool within 5.000
pool_timeout redis: connection pool timeout
pool_timeout peewee.MaxConnectionsExceeded: Max connections exceeded, timed out attempting to connect.
pool_timeout FATAL: query_wait_timeout
pool_timeout redis.clients.jedis.exceptions.JedisExhaustedPoolException: Could not get a resource since the
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
db_auth FATAL:  role "app" is not permitted to log in
db_auth FATAL:  role "app" does not exist
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
redis_refused redis.exceptions.ConnectionError: Error 32 while writing to socket. Broken pipe.
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
memory_error RuntimeError: can't start new thread
worker_killed Process 'ForkPoolWorker-1' pid:9 exited with 'signal 9 (SIGKILL)'
worker_killed WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 3.')
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
