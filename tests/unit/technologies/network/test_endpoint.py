"""Addresses -> places."""

import pytest

from incident_lib.technologies.network.probes.endpoint import Endpoint, parse_endpoint


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("https://pay.example.com/health", Endpoint(host="pay.example.com", port=443, uses_tls=True)),
        ("http://127.0.0.1:8000", Endpoint(host="127.0.0.1", port=8000)),
        ("https://[2001:db8::1]:8443", Endpoint(host="2001:db8::1", port=8443, uses_tls=True)),
        ("tls://mail.example.com:465", Endpoint(host="mail.example.com", port=465, uses_tls=True)),
        ("tcp://mq.example.com:5672", Endpoint(host="mq.example.com", port=5672)),
        ("dns://pay.example.com", Endpoint(host="pay.example.com")),
        ("postgresql://app:s3cret@db/shop", Endpoint(host="db", port=5432)),
        ("host=db port=6432 dbname=shop password='x y'", Endpoint(host="db", port=6432)),
        ("redis://:s3cret@cache/0", Endpoint(host="cache", port=6379)),
        ("rediss://cache:6380", Endpoint(host="cache", port=6380, uses_tls=True)),
    ],
)
def test_endpoints(address: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(address) == endpoint


@pytest.mark.parametrize(
    "address",
    [
        "",
        "dbname=shop",
        "host=/run/postgresql",
        "postgresql:///shop",
        "postgresql://%2Frun%2Fpostgresql/shop",
        "postgresql://a,b/shop",
        "unix:///run/redis.sock",
        "tcp://mq.example.com",
        "http://a:99999",
        "http://[::1",
    ],
)
def test_what_is_no_networks_address(address: str) -> None:
    assert parse_endpoint(address) is None
