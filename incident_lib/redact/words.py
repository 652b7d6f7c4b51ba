"""The words of `words.toml`, read once."""

import tomllib
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def _tables() -> dict[str, frozenset[str]]:
    data = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    return {name: frozenset(words) for name, words in data.items()}


def words(name: str) -> frozenset[str]:
    """Return the words of a table."""
    return _tables()[name]
