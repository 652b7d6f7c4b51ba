"""The bounds that every session of ours carries."""

CONNECT_SECONDS = 3
APPLICATION = "incident-workbench"
PORT = 5432
FALLBACK_DATABASE = "postgres"

# Sent in the start-up packet, so that no statement ever runs without them.
SETTINGS = {
    "statement_timeout": "2000",
    "lock_timeout": "300",
    "idle_in_transaction_session_timeout": "5000",
    "default_transaction_read_only": "on",
    "search_path": "pg_catalog",
    "TimeZone": "UTC",
    "jit": "off",
}

# A pooler hands the same server session to the application next, so there the limits must end with our
# transaction: a plain SET would make the application's next transaction read-only.
LOCAL_SETTINGS = """\
SELECT set_config('statement_timeout', '2000', true), set_config('lock_timeout', '300', true),
       set_config('idle_in_transaction_session_timeout', '5000', true),
       set_config('transaction_read_only', 'on', true), set_config('search_path', 'pg_catalog', true),
       set_config('TimeZone', 'UTC', true), set_config('jit', 'off', true)"""


def startup_options() -> str:
    """Return the limits as the `options` of a start-up packet, which is also the form of PGOPTIONS.

    >>> startup_options()[:26]
    '-c statement_timeout=2000 '
    """
    return " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
