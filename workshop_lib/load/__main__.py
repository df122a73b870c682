"""The crowd under Locust: python -m workshop_lib.load --host http://127.0.0.1:8000."""

import importlib.util
import sys
from pathlib import Path

LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def main() -> None:
    """Run Locust with the crowd's readers; every option of Locust's own can be given."""
    if importlib.util.find_spec("locust") is None:
        sys.exit("Locust is not installed. Run `python3 .ci/install.py load`, then this again.")
    from locust.main import main as run_locust  # it patches the standard library when imported

    # Locust prints --help before it loads its file
    import workshop_lib.load.options  # noqa: F401  # pyright: ignore[reportUnusedImport]

    sys.argv[1:1] = ["--locustfile", str(LOCUSTFILE)]
    run_locust()


if __name__ == "__main__":
    main()
