"""Kinds of secrets that builds, clients, manifests, languages and sentences show."""

import json
import random
import string
from pathlib import Path

import pytest

from incident_lib.redact import Redactor
from incident_lib.redact.marks import Marks
from incident_lib.redact.names import Strength, strength
from incident_lib.redact.values import looks_random

DATA = Path(__file__).resolve().parents[2] / "data" / "redaction"
REDACTOR = Redactor(marks=Marks(b"k" * 32))
EXECUTED = """\
LOG:  statement: EXECUTE renew('marta', 'Kw4nTz8Xq2')
DETAIL:  prepare: PREPARE renew (text, text) AS UPDATE users SET password = $2 WHERE name = $1"""
HIDDEN = [  # text, secrets, what stays
    ("token\tWRfZmqXvKbTgHsd", ["WRfZmqXvKbTgHsd"], ["token"]),
    ("session_token=vTqXmRbKzPwNcLd next=1", ["vTqXmRbKzPwNcLd"], ["next=1"]),
    ("::add-mask::Kw4nTz8Xq2", ["Kw4nTz8Xq2"], []),
    ("::set-output name=registry_token::Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["registry_token"]),
    ("##vso[task.setvariable variable=key;issecret=true]Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["variable=key"]),
    ("Evaluating: secrets.DEPLOY\n##[debug]=> 'Kw4nTz8Xq2'", ["Kw4nTz8Xq2"], ["secrets.DEPLOY"]),
    ("+ echo Kw4nTz8Xq2\n+ podman login -u ci --password-stdin r.example", ["Kw4nTz8Xq2"], ["r.example"]),
    ("+ helm login r.example --password-stdin\n+ echo Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["r.example"]),
    ('read -r SVC_PASS <<< "Kw4nTz8Xq2"', ["Kw4nTz8Xq2"], ["SVC_PASS"]),
    ('BORG_PASSCOMMAND=x RESTIC_PASSWORD_COMMAND="echo Kw4nTz8Xq2"', ["Kw4nTz8Xq2"], []),
    ("ldappasswd -x -s Kw4nTz8Xq2 uid=svc", ["Kw4nTz8Xq2"], ["uid=svc"]),
    ("net use S: \\\\files\\team Kw4nTz8Xq2 /user:CORP\\svc", ["Kw4nTz8Xq2"], ["CORP"]),
    ("doctl auth init -t 4f9a01c2b7d85e36af91c2d3", ["4f9a01c2b7d85e36af91c2d3"], ["doctl auth init"]),
    ("plink -ssh svc@web-2 -pw Kw4nTz8Xq2 uptime", ["Kw4nTz8Xq2"], ["uptime"]),
    ('BIND dn="cn=svc" method=128 pw=Kw4nTz8Xq2', ["Kw4nTz8Xq2"], ["method=128"]),
    ('mysqli_connect("db", "svc", "Kw4nTz8Xq2", "shop")', ["Kw4nTz8Xq2"], ["shop"]),
    ('{"saslStart": 1, "payload": "AHN2YwBLdzRuVHo4WHEy"}', ["AHN2YwBLdzRuVHo4WHEy"], ["saslStart"]),
    ("backup codes: 4k2m-x8qz w3rt-9vbn\nabcd-efgh", ["4k2m-x8qz", "w3rt-9vbn"], ["backup codes"]),
    ("OTP for marta: 482913", ["482913"], ["marta"]),
    ("Ihre TAN lautet 482913", ["482913"], ["lautet"]),
    ('...cret": "Kw4nTz8Xq2", "a": 1}', ["Kw4nTz8Xq2"], ['"a": 1}']),
    ("  - --cookie-secret\n  - Kw4nTz8Xq2\n  - --port=80", ["Kw4nTz8Xq2"], ["--port=80"]),
    ('configuration.ClientSecret: "" => "Kw4nTz8Xq2"', ["Kw4nTz8Xq2"], ["configuration"]),
    ("meta map[authorization:[Bearer Kw4nTz8Xq2] agent:[go/1.2]]", ["Kw4nTz8Xq2"], ["agent:[go/1.2]"]),
    ("smtp_password\n  Value error [type=v, input_value='Kw4nTz8Xq2']", ["Kw4nTz8Xq2"], ["type=v"]),
    ('[{"ParameterKey": "DbPassword", "ParameterValue": "Kw4nTz8Xq2"}]', ["Kw4nTz8Xq2"], ["DbPassword"]),
    ("SAMLResponse=PHNhbWxwOlJlc3BvbnNlIElEPSJf&RelayState=x", ["PHNhbWxwOlJlc3BvbnNlIElEPSJf"], []),
    ("export VAULT_UNSEAL=Kw4nTz8Xq2Kw4nTz8Xq2", ["Kw4nTz8Xq2Kw4nTz8Xq2"], []),
    (
        EXECUTED,
        ["Kw4nTz8Xq2"],
        ["'marta'", "UPDATE users"],
    ),
    ("mot_de_passe=Kw4nTz8Xq2 port=5", ["Kw4nTz8Xq2"], ["port=5"]),
    ("密码\uff1aKw4nTz8Xq2\uff0c主机\uff1adb-1", ["Kw4nTz8Xq2"], ["主机\uff1adb-1"]),
    ("비밀번호: Kw4nTz8Xq2", ["Kw4nTz8Xq2"], []),
    ("рабочий пароль: Kw4nTz8Xq2 хост: db-1", ["Kw4nTz8Xq2"], ["db-1"]),
    ("jelszó=Kw4nTz8Xq2", ["Kw4nTz8Xq2"], []),
    ("Kennwort für svc lautet: Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["svc"]),
    ("password: “Kw4nTz8Xq2” was set", ["Kw4nTz8Xq2"], ["was set"]),
    ("Passwort: „Kw4nTz8Xq2“ gilt", ["Kw4nTz8Xq2"], ["gilt"]),
    ("mot de passe : « Kw4nTz8Xq2 » reçu", ["Kw4nTz8Xq2"], ["reçu"]),
    ('wrong password ("Kw4nTz8Xq2") for svc', ["Kw4nTz8Xq2"], ["svc"]),
    ("signature mismatch: secret used was Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["mismatch"]),
    ('set password "Kw4nTz8Xq2" for svc', ["Kw4nTz8Xq2"], ["for svc"]),
    ('password = """Kw4nTz8Xq2"""', ["Kw4nTz8Xq2"], []),
    ("account%5Bpassword%5D=Kw4nTz8Xq2&a=1", ["Kw4nTz8Xq2"], ["a=1"]),
    ('ENV["SMTP_PASSWORD"] ||= "Kw4nTz8Xq2"', ["Kw4nTz8Xq2"], ["SMTP_PASSWORD"]),
    ('UPDATE u SET "password"=$1 WHERE "id" = $2; "Kw4nTz8Xq2", 7', ["Kw4nTz8Xq2"], ["UPDATE u"]),
    ("EXEC sp_addlogin 'svc', 'Kw4nTz8Xq2'", ["Kw4nTz8Xq2"], ["sp_addlogin"]),
    ("signtool sign /f a.pfx /p Kw4nTz8Xq2 a.exe", ["Kw4nTz8Xq2"], ["a.exe"]),
    ("schtasks /create /ru svc /rp Kw4nTz8Xq2 /tr a.exe", ["Kw4nTz8Xq2"], ["/ru svc"]),
    ('prompt "Password: " response "Kw4nTz8Xq2"', ["Kw4nTz8Xq2"], ["response"]),
    (". LOGIN marta Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["LOGIN marta"]),
    ("TOTP seed K5N4TZ2XQ7WRB3MD enrolled", ["K5N4TZ2XQ7WRB3MD"], ["enrolled"]),
    ("Votre code de confirmation est 482913", ["482913"], ["Votre"]),
    ("Ihr Sicherheitscode lautet 482913", ["482913"], ["Ihr"]),
    ("clave: Kw4nTz8Xq2 puerto: 5", ["Kw4nTz8Xq2"], ["puerto: 5"]),
    ("секрет=Kw4nTz8Xq2", ["Kw4nTz8Xq2"], []),
    ("токен: Kw4nTz8Xq2", ["Kw4nTz8Xq2"], []),
    ("ключ_доступа: Kw4nTz8Xq2Lm5pRv9bD3", ["Kw4nTz8Xq2Lm5pRv9bD3"], []),
    ("令牌=Kw4nTz8Xq2", ["Kw4nTz8Xq2"], []),
    ("nsupdate -y hmac-sha256:rndc:S3c4Kw4nTz8Xq2Lm5p== z", ["S3c4Kw4nTz8Xq2Lm5p=="], ["rndc"]),
    ("'SET PASSWORD FOR `a`@`%` = PASSWORD(\\'Kw4nTz8Xq2\\')'", ["Kw4nTz8Xq2"], ["SET PASSWORD FOR"]),
    ("kubeseal --raw --from-file=/dev/stdin <<< 'Kw4nTz8Xq2'", ["Kw4nTz8Xq2"], ["kubeseal"]),
    ('chpasswd <<< "svc:Kw4nTz8Xq2"', ["Kw4nTz8Xq2"], ["svc"]),
    ("wg set wg0 peer x preshared-key <(echo Kw4nTz8Xq2)", ["Kw4nTz8Xq2"], ["peer x"]),
    ("password for marta changed from 'Kw4nTz8Xq2' to 'Lm5pRv9bD3'", ["Kw4nTz8Xq2", "Lm5pRv9bD3"], ["marta"]),
    ("got token=<Kw4nTz8Xq2Lm5p> want <none>", ["Kw4nTz8Xq2Lm5p"], ["want <none>"]),
    ("expected secret 'Kw4nTz8Xq2' but got 'Lm5pRv9bD3'", ["Kw4nTz8Xq2", "Lm5pRv9bD3"], ["but got"]),
    ("Le mot de passe de marta est Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["marta est"]),
    ("La contraseña de marta es Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["marta es"]),
    ("Пароль пользователя marta: Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["marta"]),
    ("パスワードはKw4nTz8Xq2です", ["Kw4nTz8Xq2"], ["パスワードは"]),
    ("用户marta的密码是Kw4nTz8Xq2", ["Kw4nTz8Xq2"], ["用户marta的密码是"]),
    ("bearer token sent by client: Kw4nTz8Xq2Lm5p", ["Kw4nTz8Xq2Lm5p"], ["client"]),
]
ORDINARY = [
    'variable "password_length" {\n  type    = number\n  default = 20\n}',
    'variable "db_password" {\n  sensitive = true\n}\nvariable "region" {\n  default = "eu-west-1"\n}',
    "password:\n  label: Passwort\n  value: Passwort\ntoken_ttl:\n  value: 3600",
    'apiToken:\n  default: ""\n  description: of the deployment',
    "- name: LOG_LEVEL\n  value: Debug2File\n- name: DB_PASSWORD\n  valueFrom: vault",
    "proxy_pass http://backend:8000/;",
    "api_key: your-api-key-here",
    "mot de passe oublié",
    "pin: attempts left 2",
    "status code to 503",
    "recovery code required",
    "session SecureWebSocketTransport opened",
    "token XMLHttpRequestUpload started",
    "the password for app: see the vault",
    "+ echo starting\n+ docker compose up",
    "net use S: \\\\files\\team /user:CORP\\svc",
    "execute plan(7)",
    "kind: SecretStore\ndata:\n  name: shop",
    "secret used was rotated",
    "пароль неверный",
    "密码是必填项",
    "パスワードが違います",
    "imagePullSecrets: [regcred]",
    "Cache restored from key: node-modules-9f86d081884c7d659a2feaa0c55ad015",
    "expected token 'ident1' but got 'number2'",
    "password for marta changed from the console",
    "mot de passe de marta refusé",
    "ключ: order:17",
    "User [Username=marta, Password=[PROTECTED], Enabled=true]",
    " * [new branch]      rotate-secrets -> origin/rotate-secrets",
    'volume "token-4" secret "default-token-x7k2q" not found',
    "code de retour est 17",
    "schtasks /query /tn nightly",
]


@pytest.mark.parametrize(("text", "secrets", "stays"), HIDDEN)
def test_it_is_hidden_as_a_line_in_json_and_among_evidence(text, secrets, stays):
    line = REDACTOR.text(text)
    document = json.loads(REDACTOR.text(json.dumps({"message": text, "n": 1}, ensure_ascii=False)))["message"]
    evidence = REDACTOR.value({"rows": [{"message": text}]})["rows"][0]["message"]
    for out in (line, document, evidence):
        assert [secret for secret in secrets if secret in out] == []
        assert [word for word in stays if word not in out] == []
    assert REDACTOR.text(line) == line


@pytest.mark.parametrize("text", ORDINARY)
def test_what_only_resembles_it_stays(text):
    assert REDACTOR.text(text) == text


MANIFEST = """\
apiVersion: v1
data:
  app.conf: Zm9vPWJhcjtiYXo9cXV4
  empty: ""
kind: Secret
metadata:
  name: shop
  annotations:
    note: Zm9vPWJhcjtiYXo9cXV5
stringData:
  mail: |-
    user: svc
      relay: Kw4nTz8Xq2
type: Opaque
---
kind: ConfigMap
data:
  app.conf: Zm9vPWJhcjtiYXo9cXV6
"""


def test_all_values_of_a_secrets_manifest_are_hidden_and_no_others():
    out = REDACTOR.text(MANIFEST)
    assert [word for word in ("Zm9vPWJhcjtiYXo9cXV4", "svc", "Kw4nTz8Xq2") if word in out] == []
    for word in (
        "app.conf: [secret",
        "name: shop",
        "Zm9vPWJhcjtiYXo9cXV5",
        "Zm9vPWJhcjtiYXo9cXV6",
        "type: Opaque",
    ):
        assert word in out
    assert 'empty: ""' in out


@pytest.mark.parametrize("size", [5, 40, 700])
def test_a_manifest_in_pieces_is_read_as_the_whole(size):
    text = (
        "INFO applied\nkind: Secret\ndata:\n  app.conf: Zm9vPWJhcjtiYXo9cXV4\ntype: Opaque\n"
        + "INFO ok\n" * 90
    )
    data = text.encode()
    pieces = (data[place : place + size] for place in range(0, len(data), size))
    out = b"".join(REDACTOR.lines(pieces)).decode()
    assert out == REDACTOR.text(text)
    assert "Zm9vPWJhcjtiYXo9cXV4" not in out
    assert out.endswith("INFO ok\n" * 90)


def test_a_list_of_manifests_and_their_json_are_read_too():
    listed = "items:\n- apiVersion: v1\n  data:\n    a.b: Zm9vPWJhcjtiYXo9cXV4\n  kind: Secret\n- kind: Pod\n"
    assert "Zm9vPWJhcjtiYXo9cXV4" not in REDACTOR.text(listed)
    assert "- kind: Pod" in REDACTOR.text(listed)
    many = "".join(f"- data:\n    app.conf: Zm9vPWJh{n:04d}\n  kind: Secret\n" for n in range(400))
    assert REDACTOR.text(f"items:\n{many}").count("[secret") == 400
    document = {"kind": "Secret", "data": {"app.conf": "Zm9vPWJhcjtiYXo9cXV4"}, "metadata": {"name": "shop"}}
    for text in (
        json.dumps(document),
        json.dumps(document, indent=2),
        json.dumps({"log": json.dumps(document)}),
    ):
        out = REDACTOR.text(text)
        assert "Zm9vPWJhcjtiYXo9cXV4" not in out
        assert "shop" in out
        json.loads(out)


def test_letters_alone_that_were_drawn_are_told_from_names():
    chance = random.Random(7)
    drawn = ["".join(chance.choices(string.ascii_letters, k=15)) for _ in range(1000)]
    assert sum(map(looks_random, drawn)) > 850
    names = (DATA / "identifiers.txt").read_text().split()
    assert [name for name in names if looks_random(name)] == []


def test_names_of_other_languages_and_of_nginx():
    strong = [
        "mot_de_passe",
        "motDePasse",
        "hasło",
        "密碼",
        "비밀번호",
        "рабочий_пароль",
        "mật khẩu",
    ]
    assert [name for name in strong if strength(name) is not Strength.STRONG] == []
    assert [strength(name) for name in ("proxy_pass", "fastcgi_pass")] == [Strength.NONE] * 2
