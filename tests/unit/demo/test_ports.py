import socket

import pytest

from incident_lib.demo.ports import ATTEMPTS, PortTakenError, free_port, on_free_port


def test_a_free_port_can_be_listened_on_and_is_not_one_that_clients_are_given():
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert port < 32768


def test_a_port_that_was_taken_meanwhile_is_tried_elsewhere():
    tried = []

    def start(port: int) -> None:
        tried.append(port)
        if len(tried) < 3:
            raise PortTakenError("taken")

    assert on_free_port(start) == tried[-1]
    assert len(tried) == 3


def test_it_gives_up_after_a_few_ports():
    tried = []

    def start(port: int) -> None:
        tried.append(port)
        raise PortTakenError("taken")

    with pytest.raises(PortTakenError):
        on_free_port(start)
    assert len(tried) == ATTEMPTS
