"""The doctor's command line: stream-doctor --run "node server.mjs"."""

from workshop_lib.doctor.command import stream_doctor


def main() -> None:
    """Run it; the exit status is 0 for healthy, 1 for sick, 2 where nothing could be examined."""
    stream_doctor(prog_name="stream-doctor")


if __name__ == "__main__":
    main()
