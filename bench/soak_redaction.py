"""Random mixtures of names, signs, secrets and noise: nothing raises, everything is stable, secrets are gone.

Also lines of ten megabytes, whose time has to grow with their length and no faster.
"""

import argparse
import random
import string
import time

from incident_lib.redact import Redactor
from incident_lib.redact.marks import Marks

_NAMES = [
    *("password", "DB_PASS", "clientSecret", "api_key", "X-Auth-Token", "token", "SIGNING_KEY", "passphrase"),
    *("Authorization: Bearer", "PGPASSWORD", "requirepass", "spring.datasource.password", "AccountKey"),
]
_JOINS = ["=", ": ", " = ", '": "', "='", "=>", ' => "', '\\": \\"', "%3D", ":", "\t"]
_NOISE = [
    '"',
    "'",
    "{",
    "}",
    "[",
    "]",
    "(",
    "<",
    "&",
    "@",
    "://",
    "\\",
    "\n",
    " ",
    ",",
    ";",
    "\x1b[31m",
    "é",
    "\x00",
    "%22",
]
_UNITS = [
    "x",
    "a@",
    "a:b@",
    "password=",
    "key ",
    "token: '{\"",
    "://",
    "eyJ",
    "ghp_",
    "-----BEGIN PRIVATE KEY-----\n",
    "?a=b&",
]
_LETTERS = string.ascii_letters + string.digits


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of this part."""
    parser.add_argument("--inputs", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=int, default=10, help="length of the long lines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Return whether all inputs were taken, stable, and without their secrets."""
    return _mixtures(arguments) & _long_lines(arguments)


def _mixtures(arguments: argparse.Namespace) -> bool:
    chance, redactor = random.Random(arguments.seed), Redactor(marks=Marks(b"k" * 32))
    raised = unstable = left = 0
    for number in range(arguments.inputs):
        secret = "".join(chance.choices(_LETTERS, k=14)) + "7"
        around = [chance.choice(_NOISE + _NAMES) for _ in range(chance.randrange(8))]
        planted = chance.choice(_NAMES) + chance.choice(_JOINS) + secret
        text = "".join(around) + "\n" + planted + "\n" + "".join(reversed(around))
        try:
            once = redactor.text(text)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            raised += 1
            print(f"raised {error}: {text!r}")
            continue
        unstable += redactor.text(once) != once
        if secret in once:
            left += 1
            if left <= 20:
                print(f"left: {planted!r}")
        if not number % 50_000 and number:
            print(f"{number} inputs", flush=True)
    print(f"{arguments.inputs} inputs: {raised} raised, {unstable} unstable, {left} with the secret left")
    return not raised + unstable + left


def _long_lines(arguments: argparse.Namespace) -> bool:
    well = True
    for unit in _UNITS:
        seconds = []
        for megabytes in (arguments.megabytes / 4, arguments.megabytes):
            text = unit * int(megabytes * 1_000_000 / len(unit))
            began = time.process_time()
            Redactor().text(text)
            seconds.append(time.process_time() - began)
        ratio = seconds[1] / max(seconds[0], 0.01)
        print(
            f"{unit!r:32} {seconds[1] / arguments.megabytes:.2f} s/MB; four times as long: {ratio:.1f} times"
        )
        well = well and ratio < 8
    return well
