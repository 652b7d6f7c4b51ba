"""How the same errors read in the words of more client libraries: of Python, Node, Java, Go and Ruby."""

from incident_lib.technologies.logs.probes.signs_stores import Sign

_JAVA_TIME_OUT = "java.net.SocketTimeoutException"


def _words(*words: str) -> tuple[Sign, ...]:
    return tuple((one, "") for one in words)


SIGNS: tuple[tuple[str, tuple[Sign, ...]], ...] = (
    (
        "pool_timeout",
        (
            *_words(
                "Knex: Timeout acquiring a connection",
                "Timed out fetching a new connection from the connection pool",
                "SequelizeConnectionAcquireTimeoutError",
                "ActiveRecord::ConnectionTimeoutError",
                "could not obtain a connection from the pool within",
                "redis: connection pool timeout",
                "JedisExhaustedPoolException",
                "query_wait_timeout",
            ),
            (
                "timeout exceeded when trying to connect",
                r"timeout exceeded when trying to connect\s+at .*pg-pool",
            ),
            ("Connection is not available", r"Connection is not available, request timed out after \d+"),
            ("Max connections exceeded", r"MaxConnectionsExceeded"),
        ),
    ),
    (
        "db_refused",
        (
            ("asyncpg", r"asyncpg[\s\S]*OSError: Multiple exceptions: \[Errno 111\]"),
            ("Multiple exceptions", r"OSError: Multiple exceptions: \[Errno 111\][\s\S]*asyncpg"),
            ("ECONNREFUSED", r"connect ECONNREFUSED \S*:5432\b"),
            ("connection refused", r"dial tcp \S+:5432: connect: connection refused"),
            (
                "failed to connect to `",
                r"failed to connect to `[^`]*(?:user|database)=[\s\S]*connection refused",
            ),
            ("Can't reach database server at", ""),
            ("PSQLException", r"PSQLException: Connection to \S+ refused"),
        ),
    ),
    (
        "db_connect_timeout",
        (
            ("Connection timed out", r"connection to server at [\s\S]{1,200}?Connection timed out"),
            ("asyncpg/connect_utils.py", r"asyncpg/connect_utils\.py[\s\S]*TimeoutError\b"),
            ("Connection terminated due to connection timeout", ""),
        ),
    ),
    (
        "db_terminated",
        (
            (
                "SSL SYSCALL error",
                r"SSL SYSCALL error: (?:EOF detected|Connection reset|Connection timed out)",
            ),
            (
                "could not receive data from server",
                r"could not receive data from server: Connection (?:reset|timed)",
            ),
            ("connection is closed", r"asyncpg\.\S*InterfaceError\S*:? connection is closed"),
            ("already closed", r"psycopg2?\.InterfaceError: connection already closed"),
            ("the connection is lost", r"psycopg\.OperationalError: the connection is lost"),
            ("Connection terminated unexpectedly", ""),
            ("An I/O error occurred while sending to the backend", ""),
        ),
    ),
    (
        "db_auth",
        (
            ("no password supplied", r"fe_sendauth: no password supplied"),
            ("is not permitted to log in", r'role "[^"]*" is not permitted to log in'),
            ("does not exist", r'FATAL:\s+role "[^"]*" does not exist'),
            ("SASL authentication failed", ""),
            ("SCRAM-SERVER-FIRST-MESSAGE", ""),
        ),
    ),
    ("db_read_only", (("in a read-only transaction", r"cannot execute [\w()]+ in a read-only transaction"),)),
    (
        "db_statement_timeout",
        (
            ("asyncpg/protocol/protocol.pyx", r"asyncpg/protocol/protocol\.pyx[\s\S]*TimeoutError\b"),
            ("Query read timeout", ""),
        ),
    ),
    (
        "db_schema",
        (
            ("does not exist", r'(?:column|relation) "?[\w.]+"?(?: of relation "[^"]*")? does not exist'),
            ("UndefinedColumn", ""),
            ("UndefinedTable", ""),
        ),
    ),
    (
        "redis_refused",
        (
            ("ECONNREFUSED", r"connect ECONNREFUSED \S*:6379\b"),
            ("connection refused", r"dial tcp \S+:6379: connect: connection refused"),
            ("MaxRetriesPerRequestError", ""),
            ("RedisConnectionException", r"RedisConnectionException: Unable to connect"),
            ("writing to socket", r"redis\.exceptions\.ConnectionError: Error \w+ while writing to socket"),
        ),
    ),
    (
        "redis_timeout",
        (
            ("RedisCommandTimeoutException", ""),
            ("Command timed out", r"Command timed out[\s\S]*ioredis"),
        ),
    ),
    ("redis_auth", (("without any password configured", r"ERR AUTH .*without any password configured"),)),
    ("redis_busy", (("BUSY ", r"BUSY \w+ is busy running a script"),)),
    (
        "name_resolution",
        (
            ("UnknownHostException", ""),
            ("Could not resolve host", ""),
            ("ClientConnectorDNSError", ""),
            ("lookup ", r"lookup \S+(?: on \S+)?: (?:server misbehaving|i/o timeout|no such host|SERVFAIL)"),
            ("EAI_", r"\bEAI_(?:AGAIN|FAIL|NODATA|NONAME)\b"),
            ("query", r"\bquery(?:A|Aaaa|AAAA|Any|Srv) E(?:NOTFOUND|SERVFAIL|TIMEOUT|NODATA|REFUSED)\b"),
            ("Name does not resolve", ""),  # of musl, so of Alpine; and so is the next one
            ("Errno -3] Try again", ""),
            ("failed to lookup address information", ""),
            ("host not found in upstream", ""),
            (
                "Resource temporarily unavailable (",
                r"Resource temporarily unavailable \([\w.-]+:\d+\)",
            ),  # .NET
            ("No such host is known", ""),
        ),
    ),
    (
        "tls_expired",
        (
            *_words("CERT_HAS_EXPIRED", "CertificateExpiredException", "CertificateNotYetValid"),
            *_words("CERT_NOT_YET_VALID", "invalid peer certificate: Expired", "NotTimeValid"),
            *_words(
                "invalid peer certificate: NotValidYet", "CertPathValidatorException: validity check failed"
            ),
        ),
    ),
    (
        "tls_wrong_name",
        (
            *_words(
                "ERR_TLS_CERT_ALTNAME_INVALID",
                "does not match certificate's altnames",
                "no alternative certificate subject name matches",
                "certificate is not valid for any names",
                "invalid peer certificate: NotValidForName",
                "invalid peer certificate: certificate not valid for name",
                "RemoteCertificateNameMismatch",
            ),
            ("cannot validate certificate for ", r"cannot validate certificate for \S+ because it doesn't"),
            ("SSLPeerUnverifiedException", r"SSLPeerUnverifiedException: .*not verified"),
            ("No subject alternative", r"No subject alternative (?:DNS )?names? (?:matching|present)"),
        ),
    ),
    (
        "tls_verify",
        (
            *_words(
                "PKIX path building failed",
                "UNABLE_TO_VERIFY_LEAF",
                "SELF_SIGNED_CERT",
                "UNABLE_TO_GET_ISSUER",
                "unable to get issuer certificate",
                "invalid peer certificate: UnknownIssuer",
                "RemoteCertificateChainErrors",
                "errors in the certificate chain: UntrustedRoot",
                "errors in the certificate chain: PartialChain",
                "tlsv1 alert unknown ca",
            ),
        ),
    ),
    (
        "tls_protocol",
        (
            *_words(
                "SSL: WRONG_VERSION_NUMBER",
                "SSL routines::wrong version number",
                "ERR_SSL_WRONG_VERSION_NUMBER",
            ),
            *_words("SSL: RECORD_LAYER_FAILURE", "Unsupported or unrecognized SSL message"),
            *_words("http: server gave HTTP response to HTTPS client"),
            (
                "first record does not look like a TLS handshake",
                r"(?m)^(?!.*TLS handshake error from).*first record does not look like a TLS handshake",
            ),
        ),
    ),
    (
        "connect_timeout",
        (
            ("ConnectTimeout", r"\bConnectTimeout(?:\(|:|\b$)"),
            ("connect timeout=", r"timed out\. \(connect timeout="),
            ("ETIMEDOUT", r"connect ETIMEDOUT \S"),
            ("i/o timeout", r"dial tcp \S+:\d+: i/o timeout"),
            ("connect timed out", rf"{_JAVA_TIME_OUT}: [Cc]onnect timed out"),
            ("HttpConnectTimeoutException", ""),
            ("UND_ERR_CONNECT_TIMEOUT", ""),
        ),
    ),
    (
        "read_timeout",
        (
            ("ReadTimeout", r"\bReadTimeout(?:\(|:|\b$)"),
            ("Read timed out", rf"Read timed out\. \(read timeout=|{_JAVA_TIME_OUT}: Read timed out"),
            ("ms exceeded", r"AxiosError: timeout of \d+ms exceeded"),
            (
                "awaiting ",
                r"(?:Client\.Timeout exceeded while|net/http: timeout) awaiting (?:response )?headers",
            ),
            ("HttpTimeoutException", ""),
            ("HeadersTimeoutError", ""),
        ),
    ),
    (
        "connect_refused",
        (
            ("ConnectError(", r"\bConnectError\('(?:\[Errno 111\]|All connection attempts failed)"),
            ("java.net.ConnectException", r"java\.net\.ConnectException: Connection refused"),
            ("Cannot connect to host", r"Cannot connect to host \S+ .*Connect call failed"),
        ),
    ),
    (
        "server_disconnected",
        (
            ("socket hang up", ""),
            ("Remote end closed connection without response", ""),
            ("connection reset by peer", r"read tcp \S+->\S+: read: connection reset by peer"),
            ("httpx.ReadError", ""),
        ),
    ),
    (
        "upstream_error",
        (
            ("Server error '5", r"Server error '5\d\d [^']*' for url"),
            ("Server Error: ", r"HTTPError: 5\d\d Server Error: .* for url"),
            ("status code 5", r"Request failed with status code 5\d\d"),
        ),
    ),
    (
        "upstream_denied",
        (
            ("Client error '40", r"Client error '40[13] [^']*' for url"),
            ("Client Error: ", r"HTTPError: 40[13] Client Error: .* for url"),
            ("status code 40", r"Request failed with status code 40[13]"),
        ),
    ),
    (
        "rate_limited",
        (
            ("429 Too Many Requests", r"Client error '429 Too Many Requests' for url"),
            ("429 Client Error", r"HTTPError: 429 Client Error"),
            ("status code 429", r"Request failed with status code 429"),
        ),
    ),
    (
        "open_files",
        (("Too many open files", r"IOException: Too many open files"), ("Errno 23", r"\[Errno 23\] ")),
    ),
    (
        "memory_error",
        (
            *_words(
                "JavaScript heap out of memory",
                "fatal error: runtime: out of memory",
                "can't start new thread",
            ),
        ),
    ),
    (
        "worker_killed",
        (
            ("exited prematurely", r"Worker exited prematurely: signal 9"),
            ("signal 9 (SIGKILL)", r"exited with 'signal 9 \(SIGKILL\)'"),
        ),
    ),
)
