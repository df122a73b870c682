"""The check of the machine: a line for each item, and what to do about each that is not right."""

import importlib.metadata
import socket

import pytest

from workshop_lib import checkup
from workshop_lib.meter.capacity import swallowed_bytes


def test_a_ready_machine_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    checkup.check_up()
    printed = capsys.readouterr().out
    assert "FIX" not in printed
    assert printed.endswith("Ready.\n")
    assert printed.count("\nok ") >= 4, printed


def test_a_missing_package_names_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "PACKAGES", ("aiohttp", "no-such-package"))
    checkup.check_up()
    printed = capsys.readouterr().out
    assert "FIX  packages: no-such-package is missing\n     -> `make lab`" in printed
    assert "\n1 to fix" in printed


def test_another_version_is_a_note_and_no_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0.1")
    checkup.check_up()
    printed = capsys.readouterr().out
    assert "note packages: aiohttp 0.0.1 (pinned: " in printed
    assert "Ready." in printed


def test_an_item_that_cannot_be_checked_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> socket.socket:
        raise PermissionError("no sockets here")

    monkeypatch.setattr(checkup, "listening_socket", refused)
    checkup.check_up()
    printed = capsys.readouterr().out
    assert "FIX  loopback: PermissionError: no sockets here\n     -> " in printed
    assert "Chromium" in printed


def test_an_old_python_and_hidden_queues_each_get_their_remedy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr(checkup, "kernel_queues", lambda: None)
    monkeypatch.setattr(checkup, "STILL_SMALL_BYTES", 1)
    checkup.check_up()
    printed = capsys.readouterr().out
    assert "FIX  Python" in printed
    assert "note kernel queues: not visible" in printed
    assert "note small socket buffers" in printed


def test_an_unread_connection_takes_more_than_any_demo_sends() -> None:
    assert 100_000 < swallowed_bytes() < 1_000_000_000
