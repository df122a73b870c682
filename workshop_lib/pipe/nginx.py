"""The real nginx as a process: a configuration in a folder of its own, which goes with it."""

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workshop_lib.pipe.child import messages, report
from workshop_lib.pipe.proxy import version_of
from workshop_lib.pipe.sockets import free_port

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 2.0
LOOK_S = 0.02
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def configuration(folder: str, port: int, config: dict[str, Any]) -> str:
    """Write what nginx reads: one process, nothing outside of the folder, one server."""
    sndbuf = f" sndbuf={config['sndbuf']}" if config["sndbuf"] else ""
    paths = "\n".join(f'  {name}_temp_path "{folder}/{name}";' for name in TEMPORARY)
    gzip = "gzip on; gzip_types text/event-stream; gzip_min_length 0;" if config["gzip"] else ""
    return f"""
daemon off;
master_process off;
pid "{folder}/pid";
error_log stderr crit;
events {{ worker_connections 512; }}
http {{
  access_log off;
{paths}
  server {{
    listen 127.0.0.1:{port}{sndbuf};
    location / {{
      proxy_pass http://127.0.0.1:{config["to_port"]};
      proxy_http_version {config["http"]};
      proxy_set_header Connection "{"close" if config["http"] == "1.0" else ""}";
      proxy_buffering {"on" if config["buffering"] else "off"};
      proxy_read_timeout {round(config["idle_s"] * 1000)}ms;
      {gzip}
    }}
  }}
}}
"""


async def main() -> None:
    inbox = messages()
    config = await anext(inbox)
    with TemporaryDirectory(prefix="nginx-") as folder:
        port = free_port()
        path = _written(folder, configuration(folder, port, config))
        nginx = await asyncio.create_subprocess_exec(
            config["program"], "-p", folder, "-e", "stderr", "-c", path, stdin=DEVNULL
        )
        try:
            await _until_it_listens(nginx, port)
            report({"port": port, "name": version_of(config["program"])})
            async for _ in inbox:
                pass
        finally:
            await _end(nginx)


def _written(folder: str, text: str) -> str:
    path = Path(folder, "nginx.conf")
    path.write_text(text)
    return str(path)


async def _until_it_listens(nginx: Process, port: int) -> None:
    async with asyncio.timeout(START_TIMEOUT_S):
        while nginx.returncode is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            await asyncio.sleep(LOOK_S)
    sys.exit("nginx has ended as it started. Repair it, or set NGINX=none to do without.")


async def _end(nginx: Process) -> None:
    if nginx.returncode is None:
        nginx.terminate()
    try:
        await asyncio.wait_for(nginx.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        nginx.kill()
        await nginx.wait()


if __name__ == "__main__":
    asyncio.run(main())
