"""A name -> how sure it is that its value is a secret."""

from enum import IntEnum
from functools import lru_cache

from incident_lib.expressions import expression
from incident_lib.redact.words import words

# Passwords in other languages: as a word that may have others around it, and as several.
_SPOKEN_ELSEWHERE = (
    *(
        "kennwort",
        "contrase",
        "senha",
        "wachtwoord",
        "haslo",
        "hasło",
        "lösenord",
        "heslo",
        "parola",
        "şifre",
    ),
    *("jelszó", "salasana", "adgangskode", "lozinka", "κωδικός", "пароль", "пароля", "парола", "סיסמה"),
    *(
        "geslo",
        "parool",
        "slaptažod",
        "лозинка",
        "lykilorð",
        "fjalëkalim",
        "parolă",
        "گذرواژه",
        "პაროლი",
        "পাসওয়ার্ড",
    ),
    *("密码", "密碼", "口令", "パスワード", "暗証番号", "비밀번호"),
)
_SECRETS_ELSEWHERE = ("geheimnis", "segreto", "segredo", "секрет", "秘密", "비밀키")
_TOKENS_ELSEWHERE = ("clave", "jeton", "токен", "トークン", "令牌", "토큰")
_KEYS_ELSEWHERE = (
    "chave",
    "clé",
    "schlüssel",
    "nøkkel",
    "nyckel",
    "sleutel",
    "klucz",
    "ключ",
    "密钥",
    "密鑰",
    "秘密鍵",
)
_IN_WORDS = (
    *("parola d'accesso", "mot de passe", "mật khẩu", "รหัสผ่าน", "पासवर्ड", "كلمة المرور", "كلمة السر"),
    *("κωδικός πρόσβασης", "κωδικος προσβασης", "رمز عبور", "kata sandi", "kata laluan"),
)
# What a name must hold to be looked at. They are looked for in lower-case text.
STEMS = (
    *("pass", "pw", "secret", "token", "credential", "creds", "auth", "cookie", "session", "csrf", "xsrf"),
    *(
        "jwt",
        "otp",
        "key",
        "sig",
        "verifier",
        "assertion",
        "saml",
        "salt",
        "psk",
        "cvv",
        "cvc",
        "card",
        "pin",
        "bearer",
        "ssn",
        "sid",
    ),
    *("unseal", "device_code", "devicecode"),
    *_SECRETS_ELSEWHERE,
    *_TOKENS_ELSEWHERE,
    *_KEYS_ELSEWHERE,
    *_IN_WORDS,
    *_SPOKEN_ELSEWHERE,
)
_PARTS = expression(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


class Strength(IntEnum):
    """How sure it is."""

    NONE = 0
    FAINT = 1  # a value is hidden where it is long and was drawn
    WEAK = 2  # hidden where it looks like a secret
    STRONG = 3  # hidden unless it is evident that it is none
    HEADER = 4  # of HTTP: its value goes to the end of the line
    COOKIE = 5  # the same, without a scheme in front


_PASSWORDS = (
    "passwd|passwds|password|passwords|passphrase|passphrases|passcode|pwd|secret|secrets|apikey|apikeys|accesskey"
    "|secretkey|privatekey|signingkey|masterkey|encryptionkey|accountkey|sharedkey|requirepass|masterauth"
    "|credential|credentials|creds|pass(?:wort|ord)|contraseña|contrasena|contrasenya|motdepasse|authtoken"
    "|accesstoken|refreshtoken|apitoken|sessiontoken|bearertoken|identitytoken"
    "|csrftoken|authkey|authtok|sshpass|" + "|".join(_SPOKEN_ELSEWHERE)
)
# A word that holds these is looked at as a whole: "newpassword", "passwordconfirmation", "pgpassword2".
_GLUED = expression(rf"\w*?(?:{_PASSWORDS})(?:confirmation|confirm|repeat|again|hash|plain|new|old|\d+)*")
_NO_PASSWORD = frozenset({"nopasswd", "passwordless"})
_PASS = expression(
    r"(?!compass|bypass|trespass|surpass|encompass|under|over|[a-z]*class)[a-z0-9]*pass|(?:db|user|my|root|bind|admin|smtp|ftp)?pw|psk"
)
_PASSED_ON = frozenset({"proxy", "fastcgi", "uwsgi", "scgi", "grpc", "memcached"})  # of nginx: an address
# What may stand behind the secret word and changes nothing.
_NEUTRAL = words("neutral")
_KEYS = words("keys")
_OPEN_KEYS = words("open_keys")
_TOKENS = words("tokens")
_WEAK = words("weak")
_CODES = frozenset({"cvv", "cvc", "cvv2", "cvc2"})  # of a few digits
_PLURAL = frozenset(
    {"tokens", "secrets", "passwords", "credentials", "keys", "creds", "cookies", "passphrases"}
)
_HEADERS = frozenset({"authorization", "proxy-authorization", "x-authorization", "http_authorization"})
_COOKIES = frozenset({"cookie", "set-cookie", "cookies", "http_cookie", "cookie2", "set_cookie"})
_COUNTED = words("counted")
_LONGEST = 100


@lru_cache(maxsize=16384)
def strength(name: str) -> Strength:
    """Return how sure it is that what stands under this name is a secret.

    >>> [strength(name).name for name in ("smtpPassword", "X_API_KEY", "token", "token_count", "primary_key")]
    ['STRONG', 'STRONG', 'WEAK', 'NONE', 'NONE']
    """
    folded = name.lower().strip(".-")
    if folded in _HEADERS:
        return Strength.HEADER
    if folded in _COOKIES:
        return Strength.COOKIE
    if folded in _IN_WORDS:
        return Strength.STRONG
    if not folded.isascii() and (sure := _elsewhere(folded)):
        return sure
    parts = [word.lower() for word in _PARTS.findall(name[-_LONGEST:])]
    while parts and (parts[-1].isdigit() or (len(parts) > 1 and parts[-1] in _NEUTRAL)):
        parts.pop()
    return _by_last(parts[-1], parts[-2] if len(parts) > 1 else "") if parts else Strength.NONE


def _elsewhere(folded: str) -> Strength:
    """Return what a name says that has a word of another language for a secret, a token or a key."""
    parts = _PARTS.findall(folded)
    if any(part.startswith(_SECRETS_ELSEWHERE) for part in parts):
        return Strength.STRONG
    if any(part.startswith(_TOKENS_ELSEWHERE) for part in parts):
        return Strength.WEAK
    return Strength.FAINT if any(part.startswith(_KEYS_ELSEWHERE) for part in parts) else Strength.NONE


def _by_last(last: str, before: str) -> Strength:
    """Return what the last word of a name says, and the word before it."""
    if last == "pass" and before in _PASSED_ON:
        return Strength.NONE
    if last == "passe" and before in {"de", "palavra"}:
        return Strength.STRONG
    if last in _CODES or (last not in _NO_PASSWORD and (_GLUED.fullmatch(last) or _PASS.fullmatch(last))):
        return Strength.STRONG
    if last in {"key", "keys"}:
        return (
            Strength.STRONG if before in _KEYS else Strength.NONE if before in _OPEN_KEYS else Strength.FAINT
        )
    if last in {"token", "tokens"}:
        is_strong = before in _TOKENS and last == "token"
        return Strength.NONE if before in _COUNTED else Strength.STRONG if is_strong else Strength.WEAK
    return _by_rest(last, before)


def _by_rest(last: str, before: str) -> Strength:
    if (last == "id" and before == "session") or (last == "cookie" and before == "erlang"):
        return Strength.STRONG
    is_number = last == "number" and before in {"card", "cc", "pan", "account"}
    is_glued = last.endswith(("token", "cookie")) and len(last) > len("cookie")
    if last in _SECRETS_ELSEWHERE:
        return Strength.STRONG
    if last in _TOKENS_ELSEWHERE:
        return Strength.WEAK
    if last in _KEYS_ELSEWHERE:
        return Strength.FAINT
    is_of_saml = before == "saml" and last in {"response", "request", "assertion"}
    is_code = last == "code" and before in {"device", "authorization", "auth"}
    if (
        last in _WEAK
        or is_of_saml
        or is_code
        or is_number
        or is_glued
        or (last == "id" and before == "secret")
    ):
        return Strength.WEAK
    return Strength.FAINT if last in {"salt", "nonce"} or last.endswith("key") else Strength.NONE


@lru_cache(maxsize=16384)
def is_plural(name: str) -> bool:
    """Return whether the name is that of several secrets, so that a number under it counts them."""
    parts = _PARTS.findall(name)
    return bool(parts) and parts[-1].lower() in _PLURAL
