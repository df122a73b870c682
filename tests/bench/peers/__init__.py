"""Servers of the same contract, each as a competent user of its framework would write it.

They listen on a socket that is handed to them, so that the same send buffer can be asked for all.
"""

import os
import socket


def inherited_socket() -> socket.socket:
    """Return the bound socket that `tests.bench.launch` has left open for this process."""
    return socket.socket(fileno=int(os.environ["LISTEN_FD"]))
