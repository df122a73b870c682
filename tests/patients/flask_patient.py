"""Flask, on waitress: a blocking generator in a Response."""

import waitress
from flask import Flask, Response, jsonify, request

from tests.patients.blocking import answer
from tests.patients.relay import HEADERS, PORT, Refused

app = Flask(__name__)


@app.post("/chat")
def chat() -> Response:
    pieces = answer(request.get_json()["prompt"])
    return Response(pieces, mimetype="text/event-stream", headers=HEADERS)


@app.errorhandler(Refused)
def refuse(refused: Refused):
    return jsonify(refused.body), refused.status


if __name__ == "__main__":
    waitress.serve(app, host="127.0.0.1", port=PORT)
