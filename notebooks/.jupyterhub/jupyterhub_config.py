"""Several learners on one host, each with a copy of the lessons: `make hub` starts it.

HOST, PORT, PASSWORD and LEARNERS (the folder of their work) can be set. It is for people who trust
each other: all servers run in the account of whoever started the hub.
"""

import os
import secrets
import shutil
import sys
from pathlib import Path

from workshop_lib.pipe.node import install_packages, node_program
from workshop_lib.pipe.sockets import free_port

c = get_config()  # noqa: F821 (JupyterHub runs this file, and puts the function there)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LEARNERS = Path(os.environ.get("LEARNERS") or ROOT / "learners").resolve()
STATE = LEARNERS / ".hub"
HOST, PORT = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
PASSWORD = os.environ.get("PASSWORD") or secrets.token_urlsafe(9)
SHORTEST_PASSWORD = 8  # JupyterHub's own limit
FORGOTTEN_S = 2 * 60 * 60  # a kernel that has been idle for so long gives its memory back
# What a lesson and its terminals look for beside the lessons' folder.
SHARED = (".venv", "react_client", "servers", "workshop_lib")
# The guide has the answers in it.
NOT_COPIED = (".*", "FACILITATING.md", "execute.py", "taken_home", "symptom_card.md")


def prepare(spawner):
    """Give a learner what is missing in their folder; what is there is theirs, and stays."""
    home = Path(spawner.home_dir)
    home.mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        if not (home / name).is_symlink():
            (home / name).symlink_to(ROOT / name)
    lessons = home / "notebooks"
    if not lessons.exists():
        half = home / ".notebooks.half"  # an interrupt must not leave half of them
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(ROOT / "notebooks", half, ignore=shutil.ignore_patterns(*NOT_COPIED))
        half.rename(lessons)
    workspaces = home / ".workspaces"
    workspaces.mkdir(exist_ok=True)
    shutil.copy(
        ROOT / "notebooks" / ".jupyter" / "workspace.json",
        workspaces / "default-37a8.jupyterlab-workspace",
    )


if len(PASSWORD) < SHORTEST_PASSWORD:
    sys.exit(f"PASSWORD needs {SHORTEST_PASSWORD} characters or more: make hub PASSWORD=...")
if not PORT.isdecimal():
    sys.exit(f"PORT is {PORT!r}, which is no number: make hub PORT=8000")
try:
    STATE.mkdir(parents=True, exist_ok=True)
    install_packages(HERE)
except (OSError, RuntimeError) as problem:
    sys.exit(f"The hub cannot start: {problem}")
print(f"http://{HOST}:{PORT}: log in with a name of your own and the password {PASSWORD}")

c.JupyterHub.bind_url = f"http://{HOST}:{PORT}"
# free ports, so that two hubs on a host do not meet
c.JupyterHub.hub_port = free_port()
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{free_port()}"
c.ConfigurableHTTPProxy.command = [
    node_program(),
    str(HERE / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"),
]
c.ConfigurableHTTPProxy.log_level = "warn"
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{STATE / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.JupyterHub.log_level = "WARN"

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = PASSWORD
c.Authenticator.allow_all = True
c.Authenticator.username_pattern = r"[a-z0-9][a-z0-9_-]{0,30}$"  # it becomes a folder's name

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{LEARNERS}/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={FORGOTTEN_S}",
    "--MappingKernelManager.cull_connected=True",
    *(["--allow-root"] if os.geteuid() == 0 else []),
]
c.Spawner.notebook_dir = f"{LEARNERS}/{{username}}/notebooks"
c.Spawner.default_url = "/lab/tree/00_start_here.ipynb"
c.Spawner.pre_spawn_hook = prepare
c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # five at once on two cores take a minute
c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL", "PLAYWRIGHT_BROWSERS_PATH", "WORKSHOP_PACE"]
c.Spawner.environment = {
    "JUPYTER_CONFIG_PATH": str(ROOT / "notebooks" / ".jupyter"),
    "JUPYTER_PATH": f"{sys.prefix}/share/jupyter",
    "JUPYTER_PREFER_ENV_PATH": "1",
    "JUPYTERLAB_WORKSPACES_DIR": lambda spawner: f"{spawner.home_dir}/.workspaces",
    "WORKSHOP_PROGRESS": lambda spawner: f"{spawner.home_dir}/notebooks/.progress.json",
}
