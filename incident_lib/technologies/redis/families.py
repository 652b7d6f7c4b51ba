"""What the name of a key says: a cache, work that waits, or what logs people out. Pure."""

import re

# What cannot be made again, or logs people out, or lets two workers do the same: never deleted by a wider
# pattern, and by their own only when `allow` names them.
CRITICAL = (
    *("session", "sess", "auth", "token", "refresh", "user", "account", "cart", "order", "payment"),
    *("lock", "mutex", "semaphore", "idempotency", "queue", "celery", "_kombu", "rq", "bull", "sidekiq"),
    *("job", "stream", "config", "flag", "ratelimit", "rate"),
)
_QUEUES = frozenset({"queue", "bull", "bullmq", "celery", "rq", "resque", "sidekiq", "_kombu", "kombu"})
_SETS = frozenset({"schedule", "retry", "dead"})  # the jobs of Sidekiq that do not run yet, under whole names
_CACHES = frozenset(
    {
        *("cache", "cached", "page", "fragment", "html", "view", "thumb", "thumbnail", "render", "rendered"),
        *("memo", "preview", "tmp", "temp"),
    }
)
_SESSIONS = frozenset({"session", "sess"})
_SEPARATOR = re.compile(r"[:./|{}-]")


def family_of(key: str) -> str:
    """Return the first word of a key's name.

    >>> family_of("{Cache}:user:7"), family_of("rq:job:1")
    ('cache', 'rq')
    """
    return _SEPARATOR.split(key.lower().lstrip("{"), maxsplit=1)[0]


def is_critical(key: str, allowed: frozenset[str] = frozenset()) -> bool:
    """Return whether a key belongs to a family that is not deleted.

    >>> is_critical("session:42"), is_critical("sessions_old"), is_critical("cache:session:42")
    (True, False, False)
    >>> is_critical("session:42", frozenset({"session"}))
    False
    """
    family = family_of(key)
    names = {family, family.removesuffix("s")}
    return bool(names & set(CRITICAL)) and not names & allowed


def is_queue(key: str) -> bool:
    """Return whether a key is work that waits, by its name.

    >>> is_queue("queue:mail"), is_queue("bull:mail:*"), is_queue("jobs_mail"), is_queue("page:*")
    (True, True, False, False)
    >>> is_queue("schedule"), is_queue("schedule:7")
    (True, False)
    """
    return key in _SETS or bool(_words(key) & _QUEUES)


def is_session(key: str) -> bool:
    """Return whether a key is the login of a user, by its name.

    >>> is_session("sess:*"), is_session("spring:session:*"), is_session(":1:django.contrib.sessions.cache*")
    (True, True, True)
    >>> is_session("page:*"), is_session("cache:session:*")
    (False, False)
    """
    return bool(_words(key) & _SESSIONS) and family_of(key) not in _CACHES


def is_cache(key: str) -> bool:
    """Return whether a key is a cache by its name, and of no critical family.

    >>> is_cache("cache:*"), is_cache("shop:page:*"), is_cache("session:*"), is_cache("user:cache:*")
    (True, True, False, False)
    """
    return bool(_words(key) & _CACHES) and not is_critical(key)


def _words(key: str) -> set[str]:
    words = {word for word in re.split(r"[:./|{}_#-]+", key.lower()) if word}
    return words | {word.removesuffix("s") for word in words}
