"""An object store with S3's protocol on a port of this machine: moto's server."""

import logging
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests import services

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "tester",  # the server takes any
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=tester/20260101/us-east-1/s3/aws4_request"


class Store:
    """The store: buckets and objects are written through plain HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def put(self, bucket: str, objects: dict[str, bytes]) -> None:
        """Make a bucket with the objects."""
        self._put(bucket, b"")
        for key, data in objects.items():
            self._put(f"{bucket}/{key}", data)

    def _put(self, path: str, data: bytes) -> None:
        headers = {"Authorization": _AUTHORIZATION, "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(f"{self.url}/{path}", data=data, method="PUT", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200, answer.read()


@contextmanager
def store() -> Iterator[Store]:
    """Yield a store, with the environment in which clients of this process and its children find it."""
    try:
        import s3fs  # noqa: F401
        from moto.server import ThreadedMotoServer
    except ImportError:
        services.missing("moto and s3fs are not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {**_ENVIRONMENT, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield Store(settings["AWS_ENDPOINT_URL"])
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        server.stop()
