"""Finds the parts that are no Python packages, or brings them: Chromium, Redis and nginx.

Run by `make test`: prints where each part is. Looks at the machine first; what it has to bring
itself goes into .venv, except what apt-get installs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from workshop_lib.pipe.chromium import BROWSERS, NPM_CHROMIUM, STARTER, find_chromium
from workshop_lib.pipe.proxy import find_nginx

VENV = Path(__file__).resolve().parent.parent / ".venv"
PATIENCE_S = 900

# Told that it runs on AWS Lambda, the package unpacks the libraries that a bare Linux lacks.
NPM_PACKAGE = "@sparticuz/chromium@153.0.0"
UNPACK_JS = "import c from '@sparticuz/chromium'; console.log(await c.executablePath())"
UNPACK_ENV = {"TMPDIR": str(NPM_CHROMIUM), "AWS_LAMBDA_JS_RUNTIME": "nodejs24.x"}


def in_ci() -> bool:
    """Tells whether nothing may be skipped."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def try_to(*command: str | Path, **env: str) -> bool:
    """Runs a command, drops what it says, and tells whether it ended well."""
    return bool(output_of(*command, env=env))


def output_of(
    *command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None
) -> str:
    """Returns what a command prints ("ok" for nothing), or "" when it fails."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
            env=os.environ | (env or {}),
            cwd=cwd,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() or "ok"


def by_apt(package: str = "chromium") -> None:
    """Installs Debian's package, as root only."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        try_to("apt-get", "update", **env)
        try_to("apt-get", "install", "-y", "--no-install-recommends", package, **env)


def by_playwright() -> None:
    """Downloads the browser that Playwright is built for."""
    env = {"PLAYWRIGHT_BROWSERS_PATH": str(BROWSERS)}
    try_to(VENV / "bin" / "python", "-m", "playwright", "install", "chromium", **env)


def by_npm() -> None:
    """Unpacks the headless Chromium that comes as an npm package (Linux)."""
    NPM_CHROMIUM.mkdir(parents=True, exist_ok=True)
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    npm = [VENV / "bin" / "npm", "install", "--prefix", NPM_CHROMIUM, "--no-save"]
    try_to(*npm, NPM_PACKAGE, PATH=path)
    node = [VENV / "bin" / "node", "--input-type=module", "--eval", UNPACK_JS]
    if unpacked := output_of(*node, env=UNPACK_ENV, cwd=NPM_CHROMIUM):
        write_starter(unpacked)


def write_starter(unpacked: str) -> None:
    """Writes the script that starts the npm package's Chromium with its libraries and fonts."""
    fonts = NPM_CHROMIUM / "fonts.conf"
    folders = [NPM_CHROMIUM / "fonts", "/usr/share/fonts"]
    listed = "".join(f"<dir>{folder}</dir>" for folder in folders)
    cache = f"<cachedir>{NPM_CHROMIUM / 'font-cache'}</cachedir>"
    fonts.write_text(f"<fontconfig>{listed}{cache}</fontconfig>\n")
    variables = f'LD_LIBRARY_PATH="{NPM_CHROMIUM}/al2023/lib" FONTCONFIG_FILE="{fonts}"'
    STARTER.write_text(f'#!/bin/sh\n{variables} exec "{unpacked}" "$@"\n')
    STARTER.chmod(0o755)


def provide_chromium() -> str | None:
    """Returns the path of a Chromium that starts, bringing one by the first way that works."""
    for bring in (None, by_apt, by_playwright, by_npm):
        if bring:
            print(f"no Chromium yet; trying {bring.__name__.replace('_', ' ')}", flush=True)
            bring()
        if path := find_chromium():
            return path
    return None


def find_redis() -> str | None:
    """Returns the path of redis-server, or None; installs nothing."""
    return shutil.which("redis-server")


def provide_redis() -> str | None:
    """Returns the path of redis-server, which apt-get brings if it can."""
    if not find_redis():
        print("no Redis yet; trying by apt", flush=True)
        by_apt("redis-server")
    return find_redis()


def provide_nginx() -> str | None:
    """Returns the path of an nginx that starts, which apt-get brings if it can."""
    if not find_nginx():
        print("no nginx yet; trying by apt", flush=True)
        by_apt("nginx")
    return find_nginx()


def main() -> None:
    """Prints where each part is; with CI=true a missing one is an error."""
    found = {"Chromium": provide_chromium(), "Redis": provide_redis(), "nginx": provide_nginx()}
    for part, path in found.items():
        print(f"{part}: {path or 'not found: the tests that need it will be skipped'}")
    if in_ci() and not all(found.values()):
        sys.exit(
            "CI=true allows no skipping. Install what is not found, such as nginx, or name "
            "it: CHROMIUM=/path make test"
        )


if __name__ == "__main__":
    main()
