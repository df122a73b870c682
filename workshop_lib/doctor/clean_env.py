"""The variables that a server under examination sees: nothing secret of whoever runs the doctor."""

import os
import re
from collections.abc import Mapping

SECRET = re.compile(
    r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|COOKIE|SESSION|PRIVATE|DSN|_URL|_URI|PROXY",
    re.IGNORECASE,
)
LOOPBACK = "127.0.0.1,localhost"


def clean_env(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables whose names promise no secret; a proxy must not get between, either."""
    kept = {name: value for name, value in environ.items() if not SECRET.search(name)}
    return kept | {"NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK}
