"""The look from inside, run here: a server that never answers, with and without time for an answer."""

import socket

import pytest

from incident_lib.connections.places.view_inside import view


@pytest.mark.parametrize(("seconds", "silent"), [(0.7, False), (6.0, True)])
def test_a_server_is_silent_only_when_it_was_given_time(seconds: float, silent: object) -> None:
    answer: dict = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        view({"host": "127.0.0.1", "port": port, "tls": True, "ca": "", "seconds": seconds}, answer)
    (told,) = answer["tls"]
    assert (told["silent"], told["late"]) == (silent, not silent)
    assert not told["verified"]
