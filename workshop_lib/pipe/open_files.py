"""How many files this process and those it starts may have open: every connection is one."""

import sys

OTHER_FILES = 64  # what a process has open besides its connections


def allow_open_files(connections: int) -> None:
    """Raise the limit, which new processes inherit, for so many connections.

    Raises RuntimeError, with what to do, where this user may not have as many.
    """
    if sys.platform == "win32":  # it has no such limit
        return
    import resource

    wanted = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):  # macOS calls its hard limit unlimited, and is not
        allowed = f"{soft:,}" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        raise RuntimeError(
            f"{wanted:,} files must be open at once, for {connections:,} connections, and this "
            f"machine allows {allowed} to a process. Take fewer readers; or end this program, say "
            f"`ulimit -n {wanted}` in its terminal (as root, if that is refused), and start it "
            "from there."
        ) from None
