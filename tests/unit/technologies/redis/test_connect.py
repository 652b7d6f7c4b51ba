"""Addresses, containers' options, INFO, and what error replies mean."""

import pytest

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.redis.connect.address import parse_url
from incident_lib.technologies.redis.connect.commands import ALLOWED, SETTINGS, acl_rule, check
from incident_lib.technologies.redis.connect.container import read_options
from incident_lib.technologies.redis.connect.problems import ReplyError, from_login, from_reply
from incident_lib.technologies.redis.connect.session import difference, parse


def test_url_with_everything() -> None:
    address = parse_url("rediss://app:p%40ss%2Fword@[::1]:6380/3?ssl_cert_reqs=none", "/etc/ca.pem")
    assert (address.host, address.port, address.user, address.database) == ("::1", 6380, "app", 3)
    assert address.password == "p@ss/word"
    assert (address.tls, address.verify, address.ca) == (True, False, "/etc/ca.pem")
    assert str(address) == "[::1]:6380"


def test_an_address_never_shows_its_password() -> None:
    address = parse_url("redis://:hunter2@cache")
    assert "hunter2" not in f"{address} {address!r}"
    assert parse_url("unix:///run/redis.sock?db=2").path == "/run/redis.sock"


@pytest.mark.parametrize("url", ["hunter2", "http://cache:hunter2", "redis://u:hunter2@cache:port", ""])
def test_a_url_that_cannot_be_read(url: str) -> None:
    with pytest.raises(TargetError) as raised:
        parse_url(url)
    assert raised.value.kind is ProblemKind.NOT_CONFIGURED
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "password"),
    [
        (["docker-entrypoint.sh", "redis-server", "--requirepass", "a b"], "a b"),
        (["redis-server", "--requirepass=x"], None),
        (["sh", "-c", "redis-server --port 7000 --requirepass '$PW'"], "inside"),
        (["sh", "-c", "redis-server --requirepass 'unbalanced"], "'unbalanced"),
        (["redis-server", "/etc/redis.conf"], None),
    ],
)
def test_options_of_a_command_line(arguments: list[str], password: str | None) -> None:
    assert dict(read_options(arguments, {"PW": "inside"})).get("requirepass") == password


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NOAUTH Authentication required.", ProblemKind.DENIED),
        ("WRONGPASS invalid username-password pair or user is disabled.", ProblemKind.DENIED),
        ("DENIED Redis is running in protected mode because ...", ProblemKind.DENIED),
        ("NOPERM this user has no permissions to run the 'info' command", ProblemKind.PRIVILEGE),
        ("ERR max number of clients reached", ProblemKind.FULL),
        ("LOADING Valkey is loading the dataset in memory", ProblemKind.STARTING),
        ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or ...", ProblemKind.BUSY),
        ("BUSY Valkey is busy running a module command.", ProblemKind.BUSY),
        ("ERR unknown command 'CONFIG', with args beginning with: 'GET'", ProblemKind.UNSUPPORTED),
        ("MASTERDOWN Link with MASTER is down", ProblemKind.PROTOCOL),
    ],
)
def test_meaning_of_error_replies(text: str, kind: ProblemKind) -> None:
    assert from_reply(ReplyError(text)).kind is kind


def test_a_refused_login_quotes_nothing() -> None:
    error = from_login(ReplyError("ERR unknown command 'AUTH', with args beginning with: 'hunter2'"))
    assert error.kind is ProblemKind.DENIED
    assert "hunter2" not in error.message + error.advice


def test_busy_says_what_ends_it() -> None:
    error = from_reply(
        ReplyError("BUSY Redis is busy running a script. You can only call FUNCTION KILL or ...")
    )
    assert "FUNCTION KILL" in error.advice


def test_info_of_any_version() -> None:
    old = parse("# Stats\r\nevicted_keys:9\r\nname:a:b\r\nodd\r\ncmdstat_get:calls=3,usec=5\r\n\r\n")
    new = parse("evicted_keys:2")
    assert old.text("name") == "a:b"
    assert old.count("maxclients") is None
    assert old.flag("loading") is None
    assert difference(old, new, "evicted_keys") is None  # reset in between
    assert difference(old, new, "absent") is None
    assert dict(old.group("cmdstat_")) == {"get": {"calls": "3", "usec": "5"}}


def test_of_pending_entries_only_a_few_are_requested() -> None:
    check(("XPENDING", b"jobs", b"mailers", "-", "+", 10))
    for refused in (("XPENDING", b"jobs", b"mailers"), ("XPENDING", b"jobs", b"mailers", "-", "+", 11)):
        with pytest.raises(ValueError, match="not a command"):
            check(refused)
    with pytest.raises(ValueError, match="not a command"):
        check(("XINFO", "STREAM", b"jobs"))


def test_nothing_that_changes_or_reads_data_is_allowed() -> None:
    words = {word for command in ALLOWED for word in command}
    assert not words & {
        *("KEYS", "MONITOR", "DEBUG", "EVAL", "SET", "GET ", "RESET", "RESETSTAT", "KILL", "PAUSE"),
        *("STRLEN", "LLEN", "HLEN", "FLUSHALL", "FLUSHDB", "DEL", "UNLINK", "SHUTDOWN", "SAVE", "BGSAVE"),
    }
    assert not [name for name in SETTINGS if "*" in name or "pass" in name or "auth" in name]
    assert "@" not in acl_rule().replace("-@all", "")
    assert "+client " not in acl_rule() + " "
