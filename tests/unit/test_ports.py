import os
import socket
import sys

import pytest

from lake.ports import holder, is_taken


def test_a_listening_port_is_taken_and_its_holder_named() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert is_taken(port)
        if not sys.platform.startswith("linux"):
            pytest.skip("only Linux tells who holds a port")
        found = holder(port)
        assert found is not None and found.startswith(f"{os.getpid()} ")
    assert not is_taken(port)
    assert holder(port) is None
