"""The kernel's queues: read from its tables, and exact for a reader that does not read."""

import socket
from pathlib import Path

import pytest

from tests.mechanism import until
from workshop_lib.meter import kernel
from workshop_lib.meter.kernel import Queues, from_netstat, from_proc, kernel_queues
from workshop_lib.pipe.sockets import connecting_socket, listening_socket

# proc(5): the columns that count are tx_queue:rx_queue; addresses and sizes are hexadecimal.
PROC = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 30911 1
   1: 0100007F:1F90 0100007F:C350 01 000011F8:00000000 01:00000015 00000000     0        0 30913 2
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000A3D 00:00000000 00000000     0        0 30912 1
"""
PROC6 = """\
  sl  local_address                         remote_address  st tx_queue rx_queue
   0: 0000000000000000FFFF00000100007F:1F91 0000000000000000FFFF00000100007F:C351 1 01:02
"""

# netstat(1) of macOS: Recv-Q before Send-Q, and the port after the last full stop.
NETSTAT = """\
Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0   4600  127.0.0.1.8080         127.0.0.1.50000        ESTABLISHED
tcp4    2621      0  127.0.0.1.50000        127.0.0.1.8080         ESTABLISHED
tcp6       0      0  ::1.8081               ::1.50001              ESTABLISHED
tcp4       0      0  *.8080                 *.*                    LISTEN
tcp46      0      0  *.9090                 *.*                    LISTEN
udp4       7      7  127.0.0.1.53           127.0.0.1.54
"""


def test_linux_tables():
    assert from_proc(PROC + PROC6) == {
        (0x1F90, 0): Queues(0, 2),
        (0x1F90, 0xC350): Queues(send=0x11F8, receive=0),
        (0xC350, 0x1F90): Queues(send=0, receive=0xA3D),
        (0x1F91, 0xC351): Queues(1, 2),
    }


def test_macos_list():
    assert from_netstat(NETSTAT) == {
        (8080, 50000): Queues(send=4600, receive=0),
        (50000, 8080): Queues(send=0, receive=2621),
        (8081, 50001): Queues(0, 0),
    }


@pytest.mark.parametrize("read", [from_proc, from_netstat])
def test_nothing_open_is_nothing_waiting(read):
    assert read("") == {}


def on_linux(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for the kernel's tables in a folder."""
    monkeypatch.setattr(kernel, "_TABLE", proc / "tcp")
    monkeypatch.setattr(kernel, "_TABLE6", proc / "tcp6")
    monkeypatch.setattr(kernel.sys, "platform", "linux")


def test_a_machine_without_ipv6_still_shows_its_queues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "tcp").write_text(PROC)
    on_linux(tmp_path, monkeypatch)
    assert kernel_queues() == from_proc(PROC)


def test_the_second_table_is_read_when_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "tcp").write_text(PROC)
    (tmp_path / "tcp6").write_text(PROC6)
    on_linux(tmp_path, monkeypatch)
    assert kernel_queues() == from_proc(PROC + PROC6)
    assert kernel_queues(ipv6=False) == from_proc(PROC)


def test_a_machine_that_cannot_tell_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    on_linux(tmp_path, monkeypatch)
    monkeypatch.setattr(kernel.sys, "platform", "win32")
    assert kernel_queues() is None


@pytest.mark.skipif(kernel_queues() is None, reason="this system does not show kernel queues")
def test_bytes_sent_and_not_read_are_in_the_receive_queue():
    with listening_socket() as listener, connecting_socket() as reader:
        listener.setblocking(True)
        reader.settimeout(30)
        reader.connect(listener.getsockname())
        sender, _ = listener.accept()
        ports = reader.getsockname()[1], sender.getsockname()[1]

        def waiting() -> tuple[Queues, Queues]:
            queues = kernel_queues()
            assert queues is not None
            return queues[ports[::-1]], queues[ports]

        with sender:
            for sent, read in ((1, 0), (12_345, 0), (0, 346), (0, 12_000)):
                sender.sendall(bytes(sent))
                reader.recv(read, socket.MSG_WAITALL)
            assert waiting() == (Queues(0, 0), Queues(0, 0))
            sender.sendall(bytes(12_345))
            until(lambda: waiting() == (Queues(0, 0), Queues(0, 12_345)))
            reader.recv(345, socket.MSG_WAITALL)
            until(lambda: waiting() == (Queues(0, 0), Queues(0, 12_000)))


@pytest.mark.skipif(kernel_queues() is None, reason="this system does not show kernel queues")
def test_what_a_full_reader_leaves_waits_in_the_send_queue():
    with listening_socket(sndbuf=4096) as listener, connecting_socket(4096) as reader:
        listener.setblocking(True)
        reader.settimeout(30)
        reader.connect(listener.getsockname())
        sender, _ = listener.accept()
        sender.setblocking(False)
        ports = sender.getsockname()[1], reader.getsockname()[1]
        sent = 0
        with sender:
            try:
                while True:
                    sent += sender.send(bytes(100))
            except BlockingIOError:
                pass

            def sum_of_queues() -> bool:
                queues = kernel_queues() or {}
                sending, receiving = queues[ports].send, queues[ports[::-1]].receive
                return sending > 0 and sending + receiving == sent

            until(sum_of_queues)
