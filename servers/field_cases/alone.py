"""Serve one of a pair alone: the broken one, unless the command line says `repaired`."""

import sys

from servers.common import Handler, run


def run_one(broken: Handler, repaired: Handler) -> None:
    run(repaired if "repaired" in sys.argv[1:] else broken)
