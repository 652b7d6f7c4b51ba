"""What the environment configures."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AppSettings:
    """Addresses and versions. Secrets are in the addresses, so this has no useful `repr` on purpose."""

    database_url: str
    reporting_url: str
    redis_url: str
    payments_url: str
    payments_ca: str
    host: str
    port: int
    version: str
    features: Path
    workers: int = 1

    def __repr__(self) -> str:
        return f"AppSettings(port={self.port}, version={self.version!r})"

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers that can be compared.

        >>> read_settings({"DATABASE_URL": "", "REDIS_URL": "", "PAYMENTS_URL": ""}).release
        (1, 4, 2)
        """
        return tuple(int(part) for part in self.version.split("."))


def read_settings(environment: Mapping[str, str] = os.environ) -> AppSettings:
    """Return the settings. Errors: KeyError names a variable that is missing."""
    return AppSettings(
        database_url=environment["DATABASE_URL"],
        reporting_url=environment.get("REPORTING_URL", environment["DATABASE_URL"]),
        redis_url=environment["REDIS_URL"],
        payments_url=environment["PAYMENTS_URL"],
        payments_ca=environment.get("PAYMENTS_CA", ""),
        host=environment.get("HOST", "127.0.0.1"),
        port=int(environment.get("PORT", "8000")),
        version=environment.get("APP_VERSION", "1.4.2"),
        features=Path(environment.get("FEATURES", "features.json")),
        workers=int(environment.get("WORKERS", "1")),
    )
