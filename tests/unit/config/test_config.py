import re

import msgspec
import pytest

from incident_lib import config
from incident_lib.config import parse
from incident_lib.errors import ConfigError, TargetError, UsageError
from incident_lib.investigation.setup import redactor_for, thresholds_for
from incident_lib.technologies import table

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
        (service("Two Words"), 2, ["key `name`", "lowercase letters, digits and hyphens"]),
        ('[[service]]\nkind = "http"', 1, ["`name` is missing"]),
        ("[servce]\n", 1, ["unknown key `servce`", "`service`"]),
        (service(more='health = "/x"'), 4, ["key `health`", "expected a list, got a text"]),
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
        (service() + service(), 2, ["already used by another service"]),
        (service("docker"), 2, ["the Docker engine"]),
        (service(kind="postgres", more='dsn = "postgresql://a:b@h/x"'), 2, ["holds a password", "env:NAME"]),
        ('[[dependency]]\nname = "pay"\nurl = "ftp://x"', 2, ["`url`", "https"]),
        ('[[dependency]]\nname = "pay"\nurl = "tcp://x"', 2, ["tcp:// needs a port"]),
        ('[[dependency]]\nname = "pay"\nurl = "tls://"', 2, ["tls:// has no host"]),
        ('[[dependency]]\nname = "pay"\nurl = "http://[::1"', 2, ["`url`", "Invalid IPv6"]),
        (service(more='url = "http://x:99999"'), 2, ["`url`", "0-65535"]),
        (service(more='url = "localhost:8000"'), 2, ["`url`", "https, http://"]),
        ('[limits]\nlog_lines = "many"', 2, ["`log_lines`", "expected a whole number, got a text"]),
        ("[limits]\ncollect_seconds = -1", 2, ["`collect_seconds`"]),
        ("[limits]\ncollect_seconds = nan", 2, ["`collect_seconds`"]),
        ('[thresholds]\n"a.b" = 1\n"postgres.x" = -0.5', 3, ["'postgres.x'", "-0.5 is not a limit"]),
        ('[thresholds]\n"postgres.x" = nan', 2, ["nan is not a limit"]),
        ('[thresholds]\n"postgres.x" = "80%"', 2, ["expected a number", "unit"]),
        ("[thresholds]\npostgres.x = 0.8", 1, ["in quotes"]),
        ('[redact]\nkeys = [""]', 2, ["`keys`"]),
    ],
)
def test_a_wrong_file_gets_the_line_the_key_and_what_was_expected(text, line, words):
    with pytest.raises(ConfigError) as told:
        parse(text, kinds=table().kinds)
    message = str(told.value)
    assert f"line {line}:" in message
    for word in words:
        assert word in message


def test_no_toml_at_all_is_told():
    with pytest.raises(ConfigError, match="invalid TOML"):
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


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[redact]\npatterns = ["a", "("]', 2, ["`patterns`", "regular expression", "missing )"]),
        ('[redact]\npatterns = ["(?<=a)b"]', 2, ["no look-around"]),
        ('[thresholds]\n\n"postgres.saturation.warning" = 1', 3, ["did you mean `postgres.saturation.warn"]),
        ('[thresholds]\n"redis.memory.warning_ratio" = 85', 2, ["write 0.85 for 85 %"]),
    ],
)
def test_what_shows_only_when_it_is_used_names_the_file_and_the_line_too(tmp_path, text, line, words):
    path = tmp_path / "workbench.toml"
    path.write_text(text)
    settings = config.load(path)
    use = redactor_for if "redact" in text else thresholds_for
    with pytest.raises(ConfigError) as told:
        use(settings)
    for word in (f"{path}: line {line}:", *words):
        assert word in str(told.value)


def test_a_file_that_cannot_be_read_is_not_passed_over(tmp_path, monkeypatch):
    (tmp_path / "workbench.toml").write_text("")  # would be found next
    for name in ("folder", "circle", "nowhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "folder" / "workbench.toml").mkdir()
    (tmp_path / "circle" / "workbench.toml").symlink_to("workbench.toml")
    (tmp_path / "nowhere" / "workbench.toml").symlink_to("missing.toml")
    for name in ("folder", "circle", "nowhere"):
        monkeypatch.chdir(tmp_path / name)
        with pytest.raises(ConfigError, match=rf"{name}/workbench\.toml: cannot be read"):
            config.load()


def test_without_the_technologies_a_kind_and_its_keys_are_not_checked():
    (service,) = parse('[[service]]\nname = "q"\nkind = "queue"\nvhost = "/"').service
    assert (service.kind, service.options) == ("queue", {"vhost": "/"})


class Vhosts(msgspec.Struct, frozen=True):
    """Keys of a queue."""

    vhost: str = ""
    depth: int = 0


QUEUE = {"queue": config.Kind(name="queue", keys=Vhosts)}


def test_keys_that_only_one_kind_has_are_its_own_record():
    (service,) = parse('[[service]]\nname = "q"\nkind = "queue"\nvhost = "/a"', kinds=QUEUE).service
    assert service.options == Vhosts(vhost="/a")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('depth = "ten"', "line 4: key `depth`: expected a whole number"),
        ('vhots = "/"', "line 4: unknown key `vhots`; did you mean `vhost`"),
        ('vhost = "amqp://u:secret@h"', "key `vhost` of 'q' holds a password"),
    ],
)
def test_a_wrong_key_of_one_kind_is_named(line, expected):
    with pytest.raises(ConfigError, match=re.escape(expected)):
        parse(f'[[service]]\nname = "q"\nkind = "queue"\n{line}', kinds=QUEUE)


def test_a_reference_in_a_key_of_one_kind_is_a_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("QUEUE_VHOST", "hunter22")
    path = tmp_path / "workbench.toml"
    path.write_text('[[service]]\nname = "q"\nkind = "queue"\nvhost = "env:QUEUE_VHOST"')
    assert "hunter22" in config.load(path, QUEUE).secrets()
    assert "hunter22" in config.load(path).secrets()


def test_configuration_is_never_taken_from_within_an_incident(tmp_path, monkeypatch):
    incident = tmp_path / "incidents" / "2026-01-15-checkout-503s"
    for folder in (incident, incident / "lab", incident / "attachments" / "deep"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "workbench.toml").write_text('[workbench]\nincidents = "/evil"\n')
    assert config.find_file(incident / "lab") == incident / "lab" / "workbench.toml"  # no incident yet
    (incident / "events").mkdir()
    (incident / "events" / "20260115T143105.000000Z-0123456789abcdef.json").write_text("{}")
    for folder in (incident, incident / "lab", incident / "attachments" / "deep"):
        assert config.find_file(folder) is None
        monkeypatch.chdir(folder)
        assert config.load().path is None
    (tmp_path / "workbench.toml").write_text("")
    assert config.find_file(incident / "lab") == tmp_path / "workbench.toml"
    assert config.load().path == tmp_path / "workbench.toml"


def test_a_folder_of_events_that_are_no_records_is_no_incident(tmp_path):
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "order_paid.json").write_text("{}")
    (tmp_path / "workbench.toml").write_text("")
    assert config.find_file(tmp_path / "events") == tmp_path / "workbench.toml"
