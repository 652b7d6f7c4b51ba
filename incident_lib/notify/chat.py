"""Chat and mail through Apprise: one message to one address, with a clear outcome."""

import contextlib
import logging
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from incident_lib.errors import ConfigError, UsageError
from incident_lib.notify.outcome import Outcome, answered, failed, sent, unclear, within
from incident_lib.units import format_duration

_CONNECT_SECONDS = 4.0
# What drivers report when something is wrong, and how it is worded here. The first that matches counts.
_REASONS = (
    (r"connect timeout|ConnectTimeout", "it cannot be reached in time"),
    (r"Connection refused", "the connection is refused; is the address right?"),
    (r"NameResolution|Name or service not known|getaddrinfo|nodename nor", "its name does not resolve"),
    (r"certificate|SSL|TLS", "no TLS connection: its certificate or its TLS settings are wrong"),
    (r"No route|Network is unreachable", "it cannot be reached from here"),
    (r"\b535\b|AuthenticationError|Authentication", "it refuses the login"),
    (r"RecipientsRefused|\b55[0-4]\b", "it refuses the recipient or the sender"),
    (r"\b4[2-5]\d\b.{0,40}(?:try|later|temporar|busy)", "the service has a problem; try again in a minute"),
)
_UNCLEAR = r"timed out|ReadTimeout|Connection aborted|RemoteDisconnected|reset by peer|unexpectedly closed"


class ChatText(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it goes out: a line for the subject, and the rest."""

    title: str
    body: str

    @property
    def text(self) -> str:
        """Both, as a chat shows them."""
        return f"{self.title}\n{self.body}" if self.title else self.body


def chat_text(markdown: str) -> ChatText:
    r"""Return a draft as words that read well in every chat and in mail, none of which agree on Markdown.

    >>> chat_text("# SEV2: no checkout\n\n- **Status:** Investigating\n")
    ChatText(title='SEV2: no checkout', body='- Status: Investigating')
    >>> chat_text(r"**Known:** \[a\] &lt; \*\*b\*\*").body
    'Known: [a] < **b**'
    """
    text = re.sub(r"(?<!\\)\*\*(.+?)(?<!\\)\*\*", r"\1", markdown.strip())
    heading = re.match(r"#+[ \t]+(.+)\n?", text)
    title = heading[1].strip() if heading else ""
    body = text[heading.end() :] if heading else text
    body = re.sub(r"(?m)^#+[ \t]+", "", body).strip()
    return ChatText(title=_words(title), body=_words(body))


def _words(text: str) -> str:
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class Address:
    """One Apprise address. Neither it nor what Apprise logs about it is ever shown: it is the secret.

    Errors: UsageError when Apprise is not installed, ConfigError for an address it does not know.
    """

    def __init__(self, url: str, reference: str) -> None:
        with _captured_log():
            self._apprise = _apprise().Apprise()
            known = self._apprise.add(url) and len(self._apprise) == 1
        if not known:
            raise ConfigError(
                f"{reference} does not hold one Apprise address; expected one such as slack://..., "
                f"mailtos://..."
                " or https://hooks.slack.com/services/..."
            )
        self._server: Any = self._apprise[0]
        self._server.notify_format = _apprise().NotifyFormat.TEXT  # what was shown is what arrives

    @property
    def service(self) -> str:
        """What kind of service it is: Slack, E-Mail, JSON."""
        return str(self._server.service_name)

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who gets it, where it is mail."""
        targets = getattr(self._server, "targets", ()) if self.service == "E-Mail" else ()
        return tuple(str(target[1]) for target in targets if isinstance(target, tuple))

    def send(self, text: ChatText, *, seconds: float) -> Outcome:
        """Return the outcome of sending `text` within `seconds`. Cost: one message, never tried again."""
        self._server.socket_connect_timeout = min(seconds, _CONNECT_SECONDS)
        self._server.socket_read_timeout = seconds
        content = {"title": text.title, "body": text.body, "body_format": _apprise().NotifyFormat.TEXT}
        with _captured_log() as logged:
            arrived = within(seconds, lambda: bool(self._apprise.notify(**content)))
        if arrived is None:
            return unclear(f"no answer within {format_duration(seconds)}; it may have arrived anyway")
        return sent() if arrived else _explain("\n".join(logged))


def _explain(logged: str) -> Outcome:
    if status := re.search(r"error=(\d{3})", logged):
        return answered(int(status[1]))
    for pattern, reason in _REASONS:
        if re.search(pattern, logged):
            return failed(reason)
    if re.search(_UNCLEAR, logged):
        return unclear("the connection ended without an answer; it may have arrived anyway")
    return failed("it was not accepted; no reason was given")


def _apprise() -> Any:
    try:
        import apprise
    except ImportError as error:
        raise UsageError(
            "sending to chat and mail needs Apprise: pip install 'incident-workbench[notify]'"
        ) from error
    return apprise


@contextlib.contextmanager
def _captured_log() -> Iterator[list[str]]:
    """Yield what Apprise logs meanwhile, its only way to give a reason. Nothing of it is passed on."""
    logger, log = logging.getLogger("apprise"), _MessageList()
    level, propagate = logger.level, logger.propagate
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield log.messages
    finally:
        logger.removeHandler(log)
        logger.setLevel(level)
        logger.propagate = propagate


class _MessageList(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what the library reports of its failure."""
        self.messages.append(record.getMessage())
