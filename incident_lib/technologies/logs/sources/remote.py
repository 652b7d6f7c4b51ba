"""Logs in object stores and behind other protocols, through fsspec, which is an optional extra."""

from collections.abc import Iterator
from typing import Any

from incident_lib.errors import ProblemKind, TargetError

_PIP = "pip install 'incident-workbench[remote]'"
_CACHE_OFF = "none"  # blocks are read once, in order


def file_system(address: str) -> tuple[Any, str]:
    """Return the file system of an address and the path in it.

    Needs: the optional extra `remote`, and of other stores than S3 the package that fsspec names.
    Errors: TargetError UNSUPPORTED where a package is missing, with the command that installs it.
    """
    scheme = address.partition("://")[0]
    try:
        import fsspec
    except ImportError as error:
        raise TargetError(
            ProblemKind.UNSUPPORTED, f"{scheme}:// needs the package fsspec, which is not installed", _PIP
        ) from error
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise TargetError(ProblemKind.UNSUPPORTED, f"{scheme}:// needs a package: {error}", _PIP) from error
    except ValueError as error:
        raise TargetError(ProblemKind.UNSUPPORTED, f"{address}: {error}") from error
    except Exception as error:
        raise problem_of(address, error) from error
    return system, str(path)


def list_remote(address: str) -> list[tuple[str, int | None]]:
    """Return the addresses of the objects that the address, or the pattern, names, each with its size.

    Errors: TargetError; none for a pattern that nothing fits.
    """
    system, path = file_system(address)
    scheme = address.partition("://")[0]
    try:
        if any(mark in path for mark in "*?["):
            found = system.glob(path, detail=True)
            infos = [info for _, info in sorted(found.items())]
        else:
            infos = [system.info(path)]
            if infos[0].get("type") == "directory":
                raise TargetError(
                    ProblemKind.UNSUPPORTED,
                    f"{address} is a folder",
                    f"name what is in it: {address.rstrip('/')}/*",
                )
    except TargetError:
        raise
    except Exception as error:
        raise problem_of(address, error) from error
    is_pattern = len(infos) != 1 or any(mark in path for mark in "*?[")
    return [
        (
            f"{scheme}://{str(info['name']).removeprefix(f'{scheme}://')}" if is_pattern else address,
            info.get("size"),
        )
        for info in infos
        if info.get("type") != "directory"
    ]


def remote_chunks(address: str, start: int, end: int | None, chunk_bytes: int) -> Iterator[bytes]:
    """Yield the bytes of an object from `start` to `end`. Errors: TargetError, also later."""
    system, path = file_system(address)
    try:
        with system.open(path, "rb", cache_type=_CACHE_OFF) as opened:
            if start:
                opened.seek(start)
            left = end - start if end is not None else None
            while left is None or left > 0:
                chunk = opened.read(chunk_bytes if left is None else min(chunk_bytes, left))
                if not chunk:
                    return
                if left is not None:
                    left -= len(chunk)
                yield chunk
    except TargetError:
        raise
    except Exception as error:
        raise problem_of(address, error) from error


def problem_of(address: str, error: Exception) -> TargetError:
    """Return why an object could not be read: the packages behind fsspec raise whatever they like."""
    if isinstance(error, FileNotFoundError):
        return TargetError(ProblemKind.NOT_FOUND, f"{address}: there is no such object")
    if isinstance(error, PermissionError):
        return TargetError(
            ProblemKind.PRIVILEGE, f"{address}: access is denied", "check the credentials and their rights"
        )
    text = str(error) or type(error).__name__
    if "credential" in text.lower():
        return TargetError(
            ProblemKind.DENIED, f"{address}: {text}", "set the credentials as the store's own tools take them"
        )
    return TargetError(ProblemKind.UNREACHABLE, f"{address}: {text}")
