"""Exit with 0 if http://127.0.0.1:PORT/PATH answers 200 within a second, else with 1.

    python -ISs healthy.py PORT /PATH

Every container runs this every second or two, so the script imports only two modules.
"""

from __future__ import annotations

import socket
import sys


def is_healthy(port: int, path: str) -> bool:
    """Return whether the address answers 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(int(sys.argv[1]), sys.argv[2]) else 1)
