"""The doctor's command line: stream-doctor --run "node server.mjs"."""

import signal

from workshop_lib.doctor.command import stream_doctor


def main() -> None:
    """Run it; the exit status is 0 for healthy, 1 for sick, 2 where nothing could be examined."""
    # whatever ends it, such as a time limit of CI, must not leave the server behind
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    stream_doctor(prog_name="stream-doctor")


def _interrupt(number: int, frame: object) -> None:
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
