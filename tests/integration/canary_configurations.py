"""Further configurations with secrets: of other places to read from, of targets that fail, and wrong."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from incident_lib import clock
from tests.integration import pooler_service, postgres_service
from tests.integration.canary_stack import Stack
from tests.integration.canary_values import SHAPES, Canaries

_SERVICE = '[[service]]\nname = "db"\nkind = "postgres"\n'
# What is wrong, and a file that is so; the braces are filled with a secret.
_WRONG = {
    "no TOML": _SERVICE + 'dsn = "postgresql://app:{}@db/shop\n',
    "no TOML, no value": _SERVICE + "password = {}\n",
    "unknown key": _SERVICE + 'password = "{}"\n',
    "secret as a key": _SERVICE + '"token={}" = 1\n',
    "kind": '[[service]]\nname = "db"\nkind = "postgresql://app:{}@db/shop"\n',
    "name": '[[service]]\nname = "password={}"\nkind = "postgres"\n',
    "password that is no reference": _SERVICE + 'dsn = "postgresql://app:{}@db/shop"\n',
    "number": '[limits]\nhttp_seconds = "password={}"\n',
    "limit": '[thresholds]\n"postgres.saturation.warning_ratio" = "password={}"\n',
    "name of a limit": '[thresholds]\n"token={}" = 1\n',
    "address": '[[dependency]]\nname = "bank"\nurl = "bank://app:{}@bank.example/x"\n',
    "pattern": '[redact]\npatterns = ["(password={}"]\n',
    "signing key": '[sign]\nkey = "file:/srv/password={}/key"\n',
    "name of two": '[[service]]\nname = "db"\nkind = "redis"\n' * 2 + "# password={}\n",
    "probe": '[[probe]]\nname = "shop.n"\ntarget = "token={}"\nkind = "file"\nfile = "n"\n',
    "cause of a probe": '[[probe]]\nname = "shop.n"\ntarget = "host"\nkind = "file"\nfile = "n"\n'
    'supports = ["password={}"]\n',
    "statement of a probe": _SERVICE + '[[probe]]\nname = "shop.n"\ntarget = "db"\nkind = "sql"\n'
    "sql = \"SELECT set_config('shop.token', '{}', false)\"\n",
}
_NOT_THERE = ("log", "pid_file", "journal_directory")  # keys of a process whose paths lead nowhere


def elsewhere(stack: Stack, server: postgres_service.Server, ending: ExitStack) -> None:
    """Write the configurations in which deployments and passwords come from other places."""
    incidents = f'[workbench]\nincidents = "{stack.folder}/elsewhere"\n'
    stack.elsewhere.write_text(
        incidents + _repository(stack) + _password_files(stack, server) + _pooler(stack, server, ending)
    )
    stack.printed.write_text(incidents.replace("elsewhere", "printed") + _command(stack))


def _repository(stack: Stack) -> str:
    """A repository with secrets in subjects of one line and of several, in bodies and in names of authors."""
    c = stack.canaries
    subjects = [
        f"Deploy: {text}" for text in c.texts("subject of a commit", tuple(SHAPES)[::2], one_line=True)
    ]
    subjects += c.texts("subject of a commit, over lines", ("yaml", "ini", "traceback"))
    subjects.append(f"Deploy {c.proof('repository')}")
    assert len(subjects) < 50, "no more commits are read"
    folder = stack.given / "repository"
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    stream = []
    for number, subject in enumerate(subjects):
        body = "\n".join(c.texts("body of a commit", (list(SHAPES)[number],)))
        message = f"{subject}\n\n{body}\n".encode()
        name = c.plant("author of a commit", "key=value", lambda c: f"password={c.word()}")
        at = f"{int(clock.now().timestamp()) - 60 + number} +0000"
        stream.append(
            f"commit refs/heads/main\nauthor {name} <a@example.com> {at}\n"
            f"committer {name} <a@example.com> {at}\ndata {len(message)}\n".encode()
            + message
        )
    subprocess.run(["git", "-C", str(folder), "fast-import", "--quiet"], input=b"\n".join(stream), check=True)
    return '[deploy]\ngit = "repository"\n'


def _password_files(stack: Stack, server: postgres_service.Server) -> str:
    """Two logins whose passwords stand in files: that of PGPASSFILE, and one that the address names."""
    c, parts = stack.canaries, []
    stack.environment["PGPASSFILE"] = str(stack.given / "pgpass")
    with server.connect() as admin:
        for name, file in (("ledger", "pgpass"), ("archive", "home.pgpass")):
            password = c.plant(f"password in {file}", "pgpass", Canaries.word)
            other = c.plant(f"another line of {file}", "pgpass", Canaries.word)
            path = stack.given / file
            path.write_text(f"db-9:5432:*:root:{other}\n127.0.0.1:{server.port}:shop:{name}:{password}\n")
            path.chmod(0o600)
            admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")  # type: ignore[call-overload]
            named = f"?passfile={path}" if file != "pgpass" else ""
            stack.environment[f"CANARY_{name.upper()}"] = (
                f"postgresql://{name}@127.0.0.1:{server.port}/shop{named}"
            )
            parts.append(
                f'[[service]]\nname = "{name}"\nkind = "postgres"\ndsn = "env:CANARY_{name.upper()}"\n'
                f'[[probe]]\nname = "shop.{name}"\ntarget = "{name}"\nkind = "sql"\n'
                f"sql = \"SELECT 7 AS n, reverse('{c.proof(f'login of {name}')[::-1]}') AS place\"\n"
            )
    return "".join(parts)


def _pooler(stack: Stack, server: postgres_service.Server, ending: ExitStack) -> str:
    """PgBouncer, whose console has a password of its own, and whose log holds what clients sent."""
    c = stack.canaries
    password = c.plant("DSN of a pooler", "dsn", Canaries.word)
    pooler = ending.enter_context(
        pooler_service.running(server, c.proof("console of a pooler"), {"workbench": password})
    )
    stack.environment["CANARY_POOLER"] = pooler.dsn("workbench", "pgbouncer", password)
    pooler.log.parent.chmod(0o755)
    return (
        '[[service]]\nname = "pooled"\nkind = "postgres"\ndsn = "env:CANARY_DSN"\n'
        f'pooler_dsn = "env:CANARY_POOLER"\nlog = "{pooler.log}"\n'
    )


def _command(stack: Stack) -> str:
    """A deploy command that ends well: what it is called with, prints and complains about."""
    c, now = stack.canaries, clock.now().isoformat()
    versions = c.texts("version that the deploy command prints", tuple(SHAPES)[1::2])
    versions += [c.proof("output of the deploy command")]
    lines = [json.dumps({"at": now, "service": "backend", "version": text}) for text in versions]
    lines += c.texts("line that the deploy command prints, no JSON", ("dsn", "option", "yaml"))
    (stack.given / "printed.jsonl").write_text("\n".join(lines) + "\n")
    error = c.plant("error of the deploy command", "option", lambda c: f"deploy --token={c.word()} failed")
    option = c.plant("deploy command that ends well", "option", lambda c: f"--password={c.word()}")
    command = ["sh", "-c", 'cat printed.jsonl; echo "$0" >&2', error, option]
    return f"[deploy]\ncommand = {json.dumps(command)}\n"


def failing(stack: Stack) -> str:
    """Return targets that cannot be reached, understood or found: what is raised holds their addresses."""
    c, env = stack.canaries, stack.environment
    addresses = {
        "NOWHERE": ("postgres", lambda c: f"postgresql://app:{c.word()}@127.0.0.1:1/shop"),
        "ODD": ("postgres", lambda c: f"postgresql://app:{c.word()}@db:notaport/shop"),
        "WORDS": ("postgres", lambda c: f"host=127.0.0.1 port=1 password={c.word()} nonsense"),
        "BARE": ("postgres", Canaries.word),
        "CACHE": ("redis", lambda c: f"redis://:{c.word()}@127.0.0.1:1/0"),
        "ODDCACHE": ("redis", lambda c: f"redis://:{c.word()}@cache:notaport/0"),
        "SITE": ("http", lambda c: f"http://app:{c.word()}@127.0.0.1:1/x?token={c.word()}"),
        "ODDSITE": ("http", lambda c: f"http://app:{c.word()}@[::1:notaport/x"),
    }
    text = f'[workbench]\nincidents = "{stack.folder}/broken"\n'
    for name, (kind, make) in addresses.items():
        env[f"CANARY_{name}"] = c.plant("address that fails", name.lower(), make)
        key = "dsn" if kind == "postgres" else "url"
        text += f'\n[[service]]\nname = "{name.lower()}"\nkind = "{kind}"\n{key} = "env:CANARY_{name}"\n'
    env["CANARY_GONE"] = c.plant(
        "pooler that fails", "dsn", lambda c: f"postgresql://stats:{c.word()}@127.0.0.1:1/pgbouncer"
    )
    text += (
        '\n[[service]]\nname = "gone"\nkind = "postgres"\ndsn = "env:CANARY_NOWHERE"\n'
        'pooler_dsn = "env:CANARY_GONE"\n'
    )
    for key in _NOT_THERE:
        secret = c.plant("path that is not there", key, lambda c: f"password={c.word()}")
        # Before the secret: what stands behind one in a path is hidden with it.
        path = f"/srv/{c.proof(f'path of {key} that is not there')}/{secret}/file"
        name = key.replace("_", "-")
        text += f'\n[[service]]\nname = "no-{name}"\nkind = "process"\n{key} = "{path}"\n'
        text += 'journal = "shop.service"\n' if key == "journal_directory" else ""
    text += (
        f'\n[[probe]]\nname = "shop.gone"\ntarget = "host"\nkind = "file"\nfile = "/srv/'
        f"{c.proof('path of a probe that is not there')}/"
        f'{c.plant("path that is not there", "probe", lambda c: f"token={c.word()}")}/file"\n'
    )
    command = [
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1]); sys.stderr.write(sys.argv[1]); sys.exit(3)",
    ]
    command.append(
        c.plant("output of the deploy command", "dsn", lambda c: f"postgresql://app:{c.word()}@db/x")
    )
    command.append(c.plant("deploy command", "option", lambda c: f"--password={c.word()}"))
    return f"{text}\n[deploy]\ncommand = {json.dumps(command)}\n"


def wrong(stack: Stack) -> list[Path]:
    """Return the files of configurations that are refused, each with a secret where it is wrong."""
    c, files = stack.canaries, []
    for shape, text in _WRONG.items():
        path = stack.given / f"{c.proof(f'wrong configuration: {shape}', 'printed by triage')}.toml"
        path.write_text(c.plant("wrong configuration", shape, lambda c, text=text: text.format(c.word())))
        files.append(path)
    secret = c.plant("path of a configuration", "key=value", lambda c: f"password={c.word()}")
    name = c.proof("path of a configuration", "printed by triage")
    return [*files, stack.given / name / secret / "workbench.toml"]
