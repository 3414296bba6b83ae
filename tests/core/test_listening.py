"""The port of a server."""

import socket

import pytest

from relay.core.listening import listen


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_who_connects_before_the_shop_serves_waits(host: str) -> None:
    """The port is ours from this moment on."""
    with listen(host, 0) as listener, socket.create_connection(listener.getsockname(), timeout=5) as customer:
        assert customer.getpeername() == listener.getsockname()


def test_a_port_is_taken_once() -> None:
    """The second server is refused, not given every other connection."""
    with listen("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1])
