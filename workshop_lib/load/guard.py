"""Bad input is answered where it was given: on the command line, and on Locust's web page."""

from collections.abc import Collection

from flask import Response, jsonify, request
from locust.env import Environment
from locust.web import WebUI

from workshop_lib.doctor.hosts import NotAllowed
from workshop_lib.load.plan import Plan


def guard(web_ui: WebUI, environment: Environment, allowed: Collection[str]) -> None:
    """Let the page start no test that cannot be, and none of a host that nobody has allowed.

    Whoever reaches the page can start a test; whom it may load, the command line alone says.
    """

    def refuse() -> Response | None:
        if request.method != "POST" or not request.path.endswith("/swarm"):
            return None
        asked = vars(environment.parsed_options) | request.form.to_dict()
        try:
            Plan.of(asked["host"] or "", asked, allowed)
        except (NotAllowed, ValueError) as problem:
            said = {"success": False, "message": str(problem), "host": environment.host}
            return jsonify(said)
        return None

    assert web_ui.app  # only its class has none
    web_ui.app.before_request(refuse)
