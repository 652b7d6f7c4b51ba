"""`[[probe]]`: what is accepted, and each refusal with its line and key."""

from pathlib import Path

import pytest

from incident_lib import config
from incident_lib.errors import ConfigError
from incident_lib.investigation.setup import load_settings
from incident_lib.technologies import table

SERVICES = """\
[[service]]
name = "db"
kind = "postgres"
[[service]]
name = "api"
kind = "http"
url = "http://127.0.0.1:8000"
container = "app-api"
"""


def parse(lines):
    return config.parse(f'{SERVICES}[[probe]]\nname = "shop.it"\n{lines}\n', kinds=table().kinds).probe


@pytest.mark.parametrize(
    "lines",
    [
        'target = "db"\nkind = "sql"\nsql = "SELECT count(*) FROM public.jobs;"',
        'target = "db"\nkind = "sql"\nsql = "SELECT count(*) FROM pg_replication_slots"',
        'target = "db"\nkind = "sql"\nsql = "WITH a AS (SELECT 1 AS one) SELECT one FROM a -- why"',
        'target = "api"\nkind = "http"\nurl = "/stats"\njson = "queue.depth"\nwarning = 5.0',
        'target = "api"\nkind = "http"\nurl = "env:STATS_URL"',
        'target = "api"\nkind = "command"\ncommand = ["wc", "-l", "/srv/queue"]',
        'target = "api"\nkind = "command"\ncommand = ["tail", "-n5", "/srv/queue"]',
        'target = "api"\nkind = "command"\ncommand = ["test", "-e", "/srv/ready"]\nread = "exit_code"',
        'target = "host"\nkind = "file"\nfile = "backup.stamp"\nmeasure = "age"',
    ],
)
def test_accepted(lines):
    (probe,) = parse(lines)
    assert probe.name == "shop.it"


def test_a_status_and_an_exit_code_have_limits_of_their_own():
    (status,) = parse('target = "api"\nkind = "http"\nurl = "/"')
    (code,) = parse('target = "api"\nkind = "command"\ncommand = ["ps"]\nread = "exit_code"')
    (number,) = parse('target = "api"\nkind = "command"\ncommand = ["nproc"]')
    assert (status.limits, code.limits, number.limits) == ((400, 500), (1, None), (None, None))


SQL = 'target = "db"\nkind = "sql"\nsql = '
COMMAND = 'target = "api"\nkind = "command"\ncommand = '


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('target = "dbb"\nkind = "sql"\nsql = "SELECT 1"', r"line 10: key `target`.*did you mean `db`"),
        ('target = "api"\nkind = "sql"\nsql = "SELECT 1"', "line 10: .*a service of kind postgres"),
        ('target = "db"\nkind = "command"\ncommand = ["ps"]', "line 10: .*a service with a container"),
        ('target = "db"\nkind = "http"\nurl = "/x"', "line 10: .*a target with a url"),
        ('target = "db"\nkind = "sql"', "line 9: .*key `sql` is missing"),
        (f'{SQL}"SELECT 1"\nurl = "/x"', "key `url` is for probes of kind http"),
        (f'{SQL}"DELETE FROM t"', "line 9: .*key `sql`: expected a SELECT"),
        (f'{SQL}"SELECT 1; DELETE FROM t"', "expected one statement"),
        (f"{SQL}\"SELECT set_config('a', 'b', false)\"", "is not read-only"),
        (f"{SQL}'SELECT \"set_config\"(1)'", "is not read-only"),
        (f"{SQL}'SELECT U&\"\\0070g_terminate_backend\"(1)'", "is not read-only"),
        (f'{SQL}"SELECT 1"\nwarning = nan', "a limit is a number"),
        (f'{SQL}"SELECT 1"\nwarning = "10 jobs"', "line 14: key `warning`: expected a number, got a text"),
        ('target = "api"\nkind = "command"\ncommand = ["cat", "/proc/1/environ"]', "holds passwords"),
        (f'{SQL}"SELECT pg_terminate_backend /* x */ (1)"', "is not read-only"),
        (f'{SQL}"SELECT 1 INTO t"', "is not read-only"),
        (f'{SQL}"SELECT 1 FROM t FOR UPDATE"', "is not read-only"),
        (f'{COMMAND}["rm", "-rf", "/"]', "'rm' is none of"),
        (f'{COMMAND}["tail", "-nf5", "/x"]', "tail may not have '-nf5'"),
        (f'{COMMAND}["tail", "--fol", "/x"]', "tail may not have '--fol'"),
        (f'{COMMAND}["cat", "/dev/zero"]', "may wait or never end"),
        (f'{COMMAND}["cat"]', "needs a file"),
        ('target = "api"\nkind = "http"\nurl = "http://a:b@h/"', "holds a login"),
        ('target = "api"\nkind = "http"\nurl = "/"\njson = "a"\nmetric = "b"', "cannot be combined"),
        (f'{SQL}"SELECT 1"\nwarning = 9.0\ncritical = 5.0', "warning is beyond critical"),
        (f'{SQL}"SELECT 1"\nsuports = ["x"]', "line 14: unknown key `suports`; did you mean `supports`"),
    ],
)
def test_refused(lines, said):
    with pytest.raises(ConfigError, match=said):
        parse(lines)


@pytest.mark.parametrize("name", ["queue", "trend.queue", "Shop.queue", "shop..x", "shop.a/b"])
def test_a_name_has_a_prefix_of_the_team(name):
    with pytest.raises(ConfigError, match=r"line (9|10): "):
        config.parse(f'{SERVICES}[[probe]]\nname = "{name}"\ntarget = "db"\nkind = "sql"\nsql = "SELECT 1"')


def test_a_name_is_there_once():
    one = '[[probe]]\nname = "shop.it"\ntarget = "db"\nkind = "sql"\nsql = "SELECT 1"\n'
    with pytest.raises(ConfigError, match="defined twice"):
        config.parse(SERVICES + one + one)


def test_the_address_of_a_probe_may_be_a_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("STATS_URL", "http://a:hunter2@h/")
    path = tmp_path / "workbench.toml"
    path.write_text(
        f'{SERVICES}[[probe]]\nname = "shop.it"\ntarget = "api"\nkind = "http"\nurl = "env:STATS_URL"\n'
    )
    assert "http://a:hunter2@h/" in config.load(path).secrets()


def test_the_example_of_the_documentation_is_accepted():
    page = Path(__file__).parents[3] / "docs" / "custom-probes.md"
    section = page.read_text(encoding="utf-8").partition("Its findings")[0]
    example = "\n".join(line.strip() for line in section.splitlines() if line.startswith("    "))
    services = SERVICES.replace('"api"', '"backend"')
    assert [probe.name for probe in config.parse(services + example).probe] == [
        "shop.queue-depth",
        "shop.workers",
    ]


def test_a_name_is_not_that_of_a_technology(tmp_path):
    path = tmp_path / "workbench.toml"
    path.write_text(
        f'{SERVICES}[[probe]]\nname = "postgres.queue"\ntarget = "db"\nkind = "sql"\nsql = "SELECT 1"'
    )
    with pytest.raises(ConfigError, match=r"line \d+: the name 'postgres.queue' uses a reserved prefix"):
        load_settings(str(path))
