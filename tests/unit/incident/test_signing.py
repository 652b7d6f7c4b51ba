import base64
import json
import shutil
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from incident_lib import config
from incident_lib.errors import ConfigError
from incident_lib.incident import folder as folders
from incident_lib.incident import manifest
from incident_lib.incident.bundle import plan_bundle, write_bundle
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration
from incident_lib.incident.manifest import NAME, Withdrawn
from incident_lib.incident.signing import Signature, Signer, fits, parse_public
from incident_lib.investigation.setup import redactor_for, signer_for
from incident_lib.model import EventKind, IncidentSeverity
from incident_lib.redact import Redactor
from tests.command import run

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
SEED = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
PEM = serialization.Encoding.PEM
NONE = serialization.NoEncryption()
PKCS8 = KEY.private_bytes(PEM, serialization.PrivateFormat.PKCS8, NONE).decode()
OPENSSH = KEY.private_bytes(PEM, serialization.PrivateFormat.OpenSSH, NONE).decode()
SSH_LINE = KEY.public_key().public_bytes(
    serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
).decode()  # fmt: skip
PUBLIC = f"ed25519:{base64.b64encode(KEY.public_key().public_bytes_raw()).decode()}"
KIM, LEE = Signer(PKCS8), Signer("11" * 32)


@pytest.fixture
def folder(tmp_path):
    declaration = Declaration(title="Checkout 503s", severity=IncidentSeverity.SEV2, started_at=START)
    return folders.declare(tmp_path / "incidents", declaration, Redactor())


def sealed_run(folder, signer=None, text="1"):
    path = folder.new_run()
    (path / "a.json").write_text(text)
    folder.seal_run(path, signer=signer)
    folder.record(Draft(kind=EventKind.RUN, text=f"Run {path.name}: done", source="run"))
    return path


def seals(folder):
    return {(seal.path, seal.public, seal.fits) for seal in manifest.signatures(folder.path)}


@pytest.mark.parametrize(
    "text", [PKCS8, OPENSSH, SEED.hex(), base64.b64encode(SEED).decode(), f"\n{PKCS8}\n"]
)
def test_a_private_key_is_taken_in_the_forms_that_engineers_have(text):
    signer = Signer(text)
    assert signer.public == PUBLIC
    assert fits(signer.sign(b"data"), b"data")
    assert repr(signer) == f"Signer({PUBLIC})"


@pytest.mark.parametrize("text", [SSH_LINE, f"{SSH_LINE} kim@laptop", PUBLIC, PUBLIC.partition(":")[2]])
def test_a_public_key_is_taken_in_the_forms_that_engineers_have(text):
    assert parse_public(text) == PUBLIC


def test_a_public_key_in_pem_is_taken():
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    assert parse_public(KEY.public_key().public_bytes(PEM, spki).decode()) == PUBLIC
    rsa = generate_private_key(65537, 2048)
    with pytest.raises(ConfigError, match=r"(another|a different) kind"):
        parse_public(rsa.public_key().public_bytes(PEM, spki).decode())
    with pytest.raises(ConfigError, match=r"(another|a different) kind"):
        Signer(rsa.private_bytes(PEM, serialization.PrivateFormat.PKCS8, NONE).decode())


# ssh-keygen -t ed25519 -N x, for these tests
LOCKED = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABD+CRHusQ
D4xF/0BV1Lc64DAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIG2mklh8/B4xoQBZ
mpI6iK1txNyAqwRsO4Gs2a6DWeixAAAAkBKhTNGqgCaFICrYD5rjuQpFD217MmrmVsfOEk
o6XulmRBdSRwz492oeHv7uxMndsqPyLWAAeiRn0zheVv+t8DFjqQ4QQ0dvh2gFV8e0k+2a
CYbr9havjxKUJkoLCFK5f20Hu7/2dXO0Aa2APzG3ngf6tMmORvQLspdh/8oGCLVd/ldbRu
ZvqzbfpJF4mTPGHA==
-----END OPENSSH PRIVATE KEY-----
"""


def test_a_key_with_a_passphrase_is_refused_in_words():
    best = serialization.BestAvailableEncryption(b"x")
    for text in (LOCKED, KEY.private_bytes(PEM, serialization.PrivateFormat.PKCS8, best).decode()):
        with pytest.raises(ConfigError, match="has a passphrase; expected an Ed25519 key"):
            Signer(text)


@pytest.mark.parametrize(
    "text", ["", "hunter2", "ä", "00" * 31, "-----BEGIN PRIVATE KEY-----\nx", LOCKED.partition("\n")[0]]
)
def test_what_is_no_key_is_refused_and_not_shown(text):
    with pytest.raises(ConfigError) as error:
        Signer(text)
    assert "hunter2" not in str(error.value)
    with pytest.raises(ConfigError):
        parse_public(text)


@pytest.mark.parametrize("value", ["", "x", "AAAA", "ä", base64.b64encode(bytes(64)).decode()])
def test_a_signature_that_is_none_does_not_fit(value):
    assert not fits(Signature(public=PUBLIC, value=value), b"data")
    assert not fits(Signature(public=value, value=KIM.sign(b"data").value), b"data")
    assert not fits(KIM.sign(b"data"), b"other")


def test_each_seal_says_who_made_it(folder):
    first, second, third = (sealed_run(folder, signer) for signer in (KIM, LEE, None))
    assert seals(folder) == {
        (f"runs/{first.name}", KIM.public, True),
        (f"runs/{second.name}", LEE.public, True),
        (f"runs/{third.name}", "", False),
    }
    assert folder.verify() == []


def change(path, **fields):
    file = path / NAME
    file.write_bytes(msgspec.json.encode({**json.loads(file.read_text()), **fields}))


def test_a_signature_fits_nothing_that_was_changed_afterwards(folder):
    path = sealed_run(folder, KIM)
    whole = (path / NAME).read_bytes()
    for fields in ({"files": {}}, {"sealed_at": "2026-01-01T00:00:00Z"}, {"later": 1}, {"newest_event": ""}):
        change(path, **fields)
        found = {one.path: one.what for one in folder.verify() if one.is_bad}
        assert found[f"runs/{path.name}/{NAME}"] == "changed: its signature does not match"
        assert seals(folder) == {(f"runs/{path.name}", KIM.public, False)}
        (path / NAME).write_bytes(whole)
    forged = json.loads(whole)["signature"] | {"public": LEE.public}
    change(path, signature=forged)
    assert seals(folder) == {(f"runs/{path.name}", LEE.public, False)}
    (path / NAME).write_bytes(msgspec.json.encode(json.loads(whole)))
    assert folder.verify() == []  # the same in other letters


def test_a_signature_that_was_taken_off_is_missed_by_what_came_later(folder):
    path = sealed_run(folder, KIM)
    later = sealed_run(folder, KIM)
    change(path, signature=None)
    assert [(one.path, one.what) for one in folder.verify()] == [
        (f"runs/{path.name}/{NAME}", f"changed since runs/{later.name} saw it")
    ]


def test_what_is_redacted_again_is_signed_again(folder):
    path = sealed_run(folder, KIM)
    relative = f"runs/{path.name}/a.json"
    old = Withdrawn(path=relative, sha256=manifest.digest_of(path / "a.json"), reason="a token")
    (path / "a.json").write_text("2")
    manifest.seal(path, withdrawn=[old], signer=LEE)
    assert seals(folder) == {(f"runs/{path.name}", LEE.public, True)}
    assert not any(found.is_bad for found in folder.verify())


CONFIG = """
[sign]
{sign}

[[service]]
name = "backend"
kind = "http"
url = "http://127.0.0.1:9"
"""
TRUST = f'key = "env:SIGNING_KEY"\ntrusted = [{{ name = "Kim", key = "{SSH_LINE}" }}]\n'


def written(tmp_path, sign):
    path = tmp_path / "workbench.toml"
    path.write_text(CONFIG.format(sign=sign))
    return path


def test_what_is_collected_is_signed_and_verify_names_who_did(tmp_path, monkeypatch, capsys):
    path = written(tmp_path, TRUST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGNING_KEY", PKCS8)
    assert run("declare", "--title", "503s", "--severity", "SEV2") == 0
    assert run("triage") == 0
    capsys.readouterr()
    assert run("verify") == 0
    assert "signed by Kim            snapshots/" in capsys.readouterr().out

    monkeypatch.setenv("SIGNING_KEY", "11" * 32)
    assert run("triage") == 0
    written(tmp_path, TRUST.replace("env:SIGNING_KEY", ""))
    capsys.readouterr()
    assert run("verify", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert {seal["name"] for seal in document["signatures"]} == {"Kim", ""}
    assert run("verify") == 0
    assert f"signed by an unknown key, {LEE.public}:" in capsys.readouterr().out

    written(tmp_path, TRUST.replace("env:SIGNING_KEY", "") + "require = true\n")
    assert run("verify") == 1
    assert "1 of 2 seals not signed by a trusted key, which [sign] requires" in capsys.readouterr().out
    assert path.exists()


def test_a_key_that_is_not_there_stops_nothing_and_is_said(tmp_path, monkeypatch, caplog):
    settings = config.load(written(tmp_path, 'key = "env:NO_SUCH_KEY_OF_OURS"'))
    assert signer_for(settings) is None
    assert [record.message for record in caplog.records] == [
        "Not signed: the environment variable NO_SUCH_KEY_OF_OURS is not set"
    ]


def test_a_key_that_cannot_be_used_is_a_sentence_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNING_KEY", "hunter2")
    settings = config.load(written(tmp_path, 'key = "env:SIGNING_KEY"'))
    with pytest.raises(ConfigError, match=r"workbench\.toml: line 3: \[sign\] key: it holds no signing key"):
        signer_for(settings)


def test_a_private_key_in_the_configuration_itself_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="key is a secret"):
        config.load(written(tmp_path, f'key = "{SEED.hex()}"'))


def test_the_private_key_is_a_known_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNING_KEY", SEED.hex())
    settings = config.load(written(tmp_path, 'key = "env:SIGNING_KEY"'))
    assert SEED.hex() not in redactor_for(settings).text(f"we typed {SEED.hex()} somewhere")


def test_a_bundle_says_who_signed_what_is_in_it(folder, tmp_path, monkeypatch, capsys):
    sealed_run(folder, KIM)
    write_bundle(folder, plan_bundle(folder), tmp_path / "out.zip")
    written(tmp_path, TRUST)
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(folder.path)
    assert run("verify", "out.zip") == 0
    assert "signed by Kim            runs/" in capsys.readouterr().out


def test_redact_signs_again_what_it_seals_again(tmp_path, monkeypatch, capsys):
    written(tmp_path, TRUST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGNING_KEY", PKCS8)
    run("declare", "--title", "503s", "--severity", "SEV2")
    run("note", "the word is kumquat-77")
    (place,) = (tmp_path / "incidents").glob("2*")
    sealed_run(folders.IncidentFolder(place, Redactor()), KIM, text='"kumquat-77"')
    with (tmp_path / "workbench.toml").open("a") as file:
        file.write('\n[redact]\npatterns = ["kumquat-77"]\n')
    assert run("bundle", "--output", "out.zip") == 3
    proposed = capsys.readouterr().err.splitlines()[-1].split()
    assert proposed[:2] == ["incident", "redact"]
    assert run(*proposed[1:]) == 0
    assert run("bundle", "--output", "out.zip") == 0
    capsys.readouterr()
    assert run("verify") == 0
    output = capsys.readouterr().out
    assert "redacted again           runs/" in output
    assert "signed by Kim            runs/" in output
    assert "signed by Kim            redactions/" in output
    assert "not signed" not in output
