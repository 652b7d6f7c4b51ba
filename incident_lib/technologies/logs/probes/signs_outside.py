"""How errors of the network, of TLS, of worker processes and of the machine read."""

from incident_lib.technologies.logs.probes.signs_stores import Sign

SIGNS: tuple[tuple[str, tuple[Sign, ...]], ...] = (
    (
        "name_resolution",
        (
            ("Name or service not known", ""),
            ("Temporary failure in name resolution", ""),
            ("No address associated with hostname", ""),
            ("nodename nor servname provided", ""),
            ("could not translate host name", ""),
            ("failed to resolve host", ""),
            ("getaddrinfo failed", ""),
            ("getaddrinfo ", r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN)"),
            ("NameResolutionError", ""),
            ("no such host", r"dial tcp: lookup \S+.*no such host"),
            ("could not be resolved", r"could not be resolved \(\d+: "),
        ),
    ),
    ("tls_expired", (("certificate has expired", ""), ("certificate is not yet valid", ""))),
    (
        "tls_wrong_name",
        (
            ("Hostname mismatch, certificate is not valid for", ""),
            ("IP address mismatch, certificate is not valid for", ""),
            ("doesn't match", r"hostname '[^']*' doesn't match"),
            ("certificate is valid for ", r"x509: certificate is valid for .*, not "),
        ),
    ),
    (
        "tls_verify",
        (
            ("unable to get local issuer certificate", ""),
            ("self-signed certificate", ""),
            ("self signed certificate", ""),
            ("unable to verify the first certificate", ""),
            ("certificate signed by unknown authority", ""),
            (
                "CERTIFICATE_VERIFY_FAILED",
                r"CERTIFICATE_VERIFY_FAILED(?!.{0,120}(?:expired|mismatch|not yet valid))",
            ),
        ),
    ),
    (
        "connect_timeout",
        (
            ("httpx.ConnectTimeout", ""),
            ("requests.exceptions.ConnectTimeout", ""),
            ("ConnectTimeoutError", ""),
            ("ConnectionTimeoutError", r"aiohttp\.\w+\.ConnectionTimeoutError"),
            ("upstream timed out", r"upstream timed out .*while connecting to upstream"),
        ),
    ),
    (
        "read_timeout",
        (
            ("httpx.ReadTimeout", ""),
            ("requests.exceptions.ReadTimeout", ""),
            ("ReadTimeoutError", ""),
            ("SocketTimeoutError", r"aiohttp\.\w+\.SocketTimeoutError"),
            ("ServerTimeoutError", r"aiohttp\.\w+\.ServerTimeoutError"),
            ("upstream timed out", r"upstream timed out .*while reading"),
        ),
    ),
    (
        "connect_refused",
        (
            (
                "httpx.ConnectError",
                r"httpx\.ConnectError: (?:\[Errno 111\] Connection refused|All connection attempts failed)",
            ),
            ("NewConnectionError", r"NewConnectionError.*(?:Errno 111|Connection refused)"),
            ("ConnectionRefusedError", r"ConnectionRefusedError: \[Errno 111\](?!.*\b(?:5432|6379)\b)"),
            ("Cannot connect to host", r"ClientConnectorError: Cannot connect to host \S+ .*refused"),
            ("connect() failed (111", ""),
            ("no live upstreams while connecting to upstream", ""),
            ("ECONNREFUSED", r"connect ECONNREFUSED (?!\S*:(?:5432|6379)\b)"),
            ("connection refused", r"dial tcp \S+:(?!5432|6379)\d+: connect: connection refused"),
        ),
    ),
    (
        "server_disconnected",
        (
            ("httpx.RemoteProtocolError", ""),
            ("aiohttp.client_exceptions.ServerDisconnectedError", ""),
            ("upstream prematurely closed connection", ""),
        ),
    ),
    (
        "open_files",
        (
            ("Errno 24", r"\[Errno 24\] Too many open files"),
            ("Too many open files", r"\(24: Too many open files\)|OSError.*Too many open files"),
            ("too many open files", r": too many open files"),
            ("out of file descriptors", ""),
        ),
    ),
    (
        "memory_error",
        (
            ("MemoryError", r"(?m)^MemoryError\b|\bnumpy\S*_ArrayMemoryError|\bMemoryError$"),
            ("Errno 12", r"\[Errno 12\] Cannot allocate memory"),
            ("java.lang.OutOfMemoryError", ""),
        ),
    ),
    (
        "disk_full",
        (("No space left on device", ""), ("could not extend file", ""), ("Disk quota exceeded", "")),
    ),
    ("worker_timeout", (("WORKER TIMEOUT (pid:", ""),)),
    (
        "worker_killed",
        (("was sent SIGKILL! Perhaps out of memory?", ""), ("was terminated due to signal 9", "")),
    ),
    ("concurrency_limit", (("Exceeded concurrency limit.", ""),)),
    (
        "clock",
        (("ImmatureSignatureError", ""), ("RequestTimeTooSkewed", ""), ("Clock skew too great", "")),
    ),
)
