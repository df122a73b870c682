"""A page of a server in this kernel, in a frame of the notebook: its address, and its theme."""

import os
from collections.abc import Mapping
from html import escape

HEIGHT_PX = 480
STYLE = """<style>
.workshop-page {width: 100%; border: 1px solid rgba(128, 128, 128, 0.5); border-radius: 4px}
</style>"""
# The kernel does not know the theme; the page around the frame does, where it is JupyterLab's.
OPEN = (
    "const {page} = this.dataset; delete this.dataset.page; "
    "const theme = {true: 'light', false: 'dark'}[document.body.dataset.jpThemeLight]; "
    "if (page) this.src = page + (theme ? '&theme=' + theme : '')"
)


def page_address(port: int, env: Mapping[str, str] = os.environ) -> str:
    """Return where the browser finds a port of this machine.

    Straight, unless JupyterHub (Binder too), Codespaces or a dev container say by a variable that
    only Jupyter's own port can be reached: then behind that one, by workshop_lib/jupyter_proxy.py.
    WORKSHOP_PAGE_URL decides otherwise: `/proxy/{port}/` takes the way of jupyter-server-proxy.
    """
    if pattern := env.get("WORKSHOP_PAGE_URL"):
        return pattern.replace("{port}", str(port))
    if "JUPYTERHUB_SERVICE_PREFIX" in env:
        return f"{env['JUPYTERHUB_SERVICE_PREFIX'].rstrip('/')}/workshop/{port}/"
    if "CODESPACES" in env or "REMOTE_CONTAINERS" in env:
        return f"/workshop/{port}/"
    return f"http://127.0.0.1:{port}/"


def page_frame(address: str, asks: str) -> str:
    """Return the frame as HTML, and below it where the page comes from and what it asks there."""
    where = address.partition("?")[0]
    return (
        f'{STYLE}<iframe class="workshop-page" title="The React page" height="{HEIGHT_PX}" '
        f'data-page="{escape(address)}" onload="{escape(OPEN)}"></iframe>'
        f'<div style="line-height: 1.4"><small>The page comes from {escape(where)} and asks '
        f"{asks} there. If the frame stays empty, your browser cannot reach this address: set "
        "WORKSHOP_PAGE_URL to /workshop/{port}/ and start JupyterLab again.</small></div>"
    )
