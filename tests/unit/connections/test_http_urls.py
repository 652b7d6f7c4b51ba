"""Addresses shown, joined and followed."""

import pytest

from incident_lib.connections.urls import following, join, safe_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.example.com/pay", "https://api.example.com/pay"),
        ("https://app:hun@ter2@api.example.com/", "https://api.example.com/"),
        ("http://a/?token=abc#part", "http://a/?[query]"),
        ("http://[::1", "[no address]"),
    ],
)
def test_nothing_secret_is_shown(url: str, shown: str) -> None:
    assert safe_url(url) == shown


@pytest.mark.parametrize("base", ["http://a", "http://a/"])
@pytest.mark.parametrize("path", ["/health", "health"])
def test_join(base: str, path: str) -> None:
    assert join(base, path) == "http://a/health"


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("/login", "http://u:p@a.example/login"),
        ("https://a.example/", "https://a.example/"),
        ("http://A.EXAMPLE:8080/x", "http://u:p@A.EXAMPLE:8080/x"),
        ("//b.example/", None),
        ("ftp://a.example/", None),
        ("http://[::1", None),
    ],
)
def test_redirects_keep_to_the_host(location: str, there: str | None) -> None:
    assert following("http://u:p@a.example/", location) == there
