"""The message for an operator whose port is taken."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from infra.local.ports import GRPC_OFFSET, PortNeed, PortTakenError, check_ports, free_ports, is_port_free


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", free_ports(1)[0])) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_the_setting_that_moves_it(taken_port: int) -> None:
    with pytest.raises(PortTakenError) as refused:
        check_ports([PortNeed(taken_port, "the endpoint", "PRESSLINE_API_PORT")])

    text = str(refused.value)
    assert f"port {taken_port} for the endpoint is taken" in text
    assert "set PRESSLINE_API_PORT=" in text


def test_the_port_that_is_proposed_instead_is_free(taken_port: int) -> None:
    with pytest.raises(PortTakenError) as refused:
        check_ports([PortNeed(taken_port, "the endpoint", "PRESSLINE_API_PORT")])

    proposed = int(str(refused.value).rsplit("=", 1)[1])
    assert proposed != taken_port
    assert is_port_free(proposed)


def test_a_taken_grpc_port_points_to_the_port_that_it_follows(taken_port: int) -> None:
    need = PortNeed(taken_port - GRPC_OFFSET, "S3", "PRESSLINE_S3_PORT", GRPC_OFFSET)

    with pytest.raises(PortTakenError, match=rf"gRPC, always 10000 above {need.port}.*PRESSLINE_S3_PORT="):
        check_ports([need])


def test_two_purposes_for_one_port_are_refused() -> None:
    port = free_ports(1)[0]

    with pytest.raises(PortTakenError, match="set for both the endpoint and the local edge"):
        check_ports(
            [
                PortNeed(port, "the endpoint", "PRESSLINE_API_PORT"),
                PortNeed(port, "the local edge", "PRESSLINE_EDGE_PORT"),
            ]
        )


def test_free_ports_are_all_accepted() -> None:
    check_ports([PortNeed(port, "something", "PRESSLINE_X") for port in free_ports(5)])
