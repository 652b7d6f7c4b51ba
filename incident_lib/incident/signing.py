"""Who sealed it: Ed25519 signatures of manifests, and the keys in the forms that engineers have them in."""

import base64
import binascii
import re
from typing import TYPE_CHECKING

import msgspec

from incident_lib.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PURPOSE = b"incident workbench manifest 1\n"  # a signature of this means nothing elsewhere
_BYTES = 32
_PUBLIC = re.compile(r"(?:ed25519:)?([A-Za-z0-9+/]{43}=)")
_SSH = re.compile(r"ssh-ed25519 ([A-Za-z0-9+/]{68})(?: .*)?")
_SSH_HEAD = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"
_PRIVATE = "an Ed25519 key: `openssl genpkey -algorithm ed25519`, or an SSH key without a passphrase"


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature and the public half of the key that made it."""

    public: str  # ed25519: and base64
    value: str  # base64


class Signer:
    """Signs with one private key, which is never shown.

    Errors: ConfigError where `text` is no key that can be used.
    """

    def __init__(self, text: str) -> None:
        self._key = _private(text.strip())
        self.public = _named(self._key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        """Return whose it is, never the key."""
        return f"Signer({self.public})"

    def sign(self, data: bytes) -> Signature:
        """Return the signature of `data`."""
        value = base64.b64encode(self._key.sign(_PURPOSE + data)).decode()
        return Signature(public=self.public, value=value)


def fits(signature: Signature, data: bytes) -> bool:
    """Return whether the key whose public half is named signed exactly `data`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = base64.b64decode(parse_public(signature.public).removeprefix("ed25519:"))
        value = base64.b64decode(signature.value, validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(value, _PURPOSE + data)
    except (ConfigError, InvalidSignature, ValueError):  # binascii.Error is one
        return False
    return True


def parse_public(text: str) -> str:
    """Return a public key in the form in which manifests name it. Errors: ConfigError.

    >>> line = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    >>> parse_public(f"ssh-ed25519 {line} kim@laptop")
    'ed25519:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='
    """
    text = text.strip()
    if match := _PUBLIC.fullmatch(text):
        return f"ed25519:{match[1]}"
    if match := _SSH.fullmatch(text):
        data = base64.b64decode(match[1])
        if data.startswith(_SSH_HEAD) and len(data) == len(_SSH_HEAD) + _BYTES:
            return _named(data[len(_SSH_HEAD) :])
    if text.startswith("-----BEGIN PUBLIC KEY-----"):
        return _named(_public_pem(text))
    raise ConfigError(
        "not a public Ed25519 key; write the line of an .pub file (ssh-ed25519 AAAA...), ed25519:... as"
        " `verify` prints it, or a PEM block"
    )


def _public_pem(text: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("not a public Ed25519 key: the PEM block cannot be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("not a public Ed25519 key: the PEM block holds one of another kind")
    return key.public_bytes_raw()


def _private(text: str) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    if not text.startswith("-----BEGIN "):
        try:
            data = bytes.fromhex(text) if len(text) == 2 * _BYTES else base64.b64decode(text, validate=True)
            return Ed25519PrivateKey.from_private_bytes(data)
        except (ValueError, binascii.Error) as error:
            raise ConfigError(f"it holds no signing key; expected {_PRIVATE}") from error
    load = load_ssh_private_key if "OPENSSH" in text.partition("\n")[0] else load_pem_private_key
    try:
        key = load(text.encode() + b"\n", password=None)
    except TypeError as error:  # what cryptography raises for a passphrase
        raise ConfigError(f"the key has a passphrase; expected {_PRIVATE}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        what = "has a passphrase" if "password" in str(error).lower() else "cannot be read"
        raise ConfigError(f"the key {what}; expected {_PRIVATE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"the key is of a different kind; expected {_PRIVATE}")
    return key


def _named(public: bytes) -> str:
    return f"ed25519:{base64.b64encode(public).decode()}"
