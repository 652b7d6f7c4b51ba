import pytest

from incident_lib import config
from incident_lib.config import parse
from incident_lib.errors import ConfigError, TargetError, UsageError

SERVICE = '[[service]]\nname = "{name}"\nkind = "{kind}"\n'


def service(name="backend", kind="http", more=""):
    return SERVICE.format(name=name, kind=kind) + more


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[workbench]\nincident = "x"', 2, ["unknown key `incident`", "did you mean `incidents`?"]),
        (
            service() + service("b", "htp"),
            6,
            ["key `kind`", "'htp' is none of http, postgres, redis, process"],
        ),
        (service("Two Words"), 2, ["key `name`", "small letters, digits and hyphens"]),
        ('[[service]]\nkind = "http"', 1, ["`name` is missing"]),
        ("[servce]\n", 1, ["unknown key `servce`", "`service`"]),
        (service(more='health = "/x"'), 4, ["key `health`", "array"]),
        (
            service(more='depends_on = ["dbb"]\n') + service("db", "postgres"),
            2,
            ["'dbb'", "did you mean `db`?"],
        ),
        (
            service("a", more='depends_on = ["b"]\n') + service("b", more='depends_on = ["a"]'),
            2,
            ["a -> b -> a"],
        ),
        (service() + service(), 2, ["already that of another service"]),
        (service("docker"), 2, ["the Docker engine"]),
        (service(kind="postgres", more='dsn = "postgresql://a:b@h/x"'), 2, ["holds a password", "env:NAME"]),
        ('[[dependency]]\nname = "pay"\nurl = "ftp://x"', 2, ["`url`", "https"]),
        ('[[dependency]]\nname = "pay"\nurl = "tcp://x"', 2, ["tcp:// needs a port"]),
        ('[[dependency]]\nname = "pay"\nurl = "tls://"', 2, ["tls:// names no host"]),
        ('[[dependency]]\nname = "pay"\nurl = "http://[::1"', 2, ["`url`", "Invalid IPv6"]),
        (service(more='url = "http://x:99999"'), 2, ["`url`", "0-65535"]),
        (service(more='url = "localhost:8000"'), 2, ["`url`", "https, http://"]),
        ('[limits]\nlog_lines = "many"', 2, ["`log_lines`", "int"]),
        ("[limits]\ncollect_seconds = -1", 2, ["`collect_seconds`"]),
    ],
)
def test_a_wrong_file_gets_the_line_the_key_and_what_was_expected(text, line, words):
    with pytest.raises(ConfigError) as told:
        parse(text)
    message = str(told.value)
    assert f"line {line}:" in message
    for word in words:
        assert word in message


def test_no_toml_at_all_is_told():
    with pytest.raises(ConfigError, match="no valid TOML"):
        parse("x = [")


def test_without_a_file_the_common_stack_is_assumed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = config.load()
    assert settings.path is None
    assert [service.container for service in settings.services] == [
        "app-backend",
        "app-frontend",
        "app-db",
        "app-redis",
    ]
    assert settings.service("backend").url == "http://localhost:8000"
    assert settings.service("frontend").url == "http://localhost:3000"


def test_the_nearest_file_above_is_used(tmp_path, monkeypatch):
    (tmp_path / "workbench.toml").write_text('[workbench]\nincidents = "outages"\n')
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    assert config.load().incidents == tmp_path / "outages"


def test_secrets_are_read_when_they_are_needed(tmp_path, monkeypatch):
    (tmp_path / "dsn").write_text("postgresql://a:b@h/x\n")
    path = tmp_path / "workbench.toml"
    path.write_text(
        service("db", "postgres", 'dsn = "file:dsn"\n') + service("c", "redis", 'url = "env:NOT_SET_X"')
    )
    settings = config.load(path)
    assert settings.resolve(settings.service("db").dsn) == "postgresql://a:b@h/x"
    with pytest.raises(TargetError, match="NOT_SET_X is not set"):
        settings.resolve(settings.service("c").url)
    assert "a:b" not in repr(settings)
    assert list(settings.secrets()) == ["postgresql://a:b@h/x"]


def test_an_unknown_service_names_those_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="backend, frontend, db, redis"):
        config.load().service("nope")


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / "none.toml")
