"""Ports of the loopback interface.

The rule: a port that is announced before it is bound lies below the ephemeral range, so that no outgoing connection
takes it meanwhile, nor while its owner is down.
"""

import random
import socket

KEPT_ALIVE_SECONDS = 75
"""How long servers here keep an idle connection: longer than clients do, or they lose a request now and then."""
HOST = "127.0.0.1"
BELOW_EPHEMERAL = range(20000, 32768)
ATTEMPTS = 200


class PortTakenError(Exception):
    """Somebody else listens there."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port nobody listens on, chosen at random so that neighbours rarely choose the same. UDP: `SOCK_DGRAM`."""
    for port in random.sample(BELOW_EPHEMERAL, ATTEMPTS):
        if is_free(port, kind):
            return port
    raise PortTakenError(f"No free port among {ATTEMPTS} tried on {HOST}.")


def is_free(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """Could a server bind this port now?"""
    with socket.socket(type=kind) as probe:
        if kind == socket.SOCK_STREAM:
            # As servers do: connections of the last owner that linger in TIME_WAIT are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
