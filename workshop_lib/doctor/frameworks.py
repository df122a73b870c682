"""Which framework answers, as far as its headers tell."""

from collections.abc import Mapping

# The first that fits: what stands nearer to the handler before what carries it.
SIGNS = (
    ("x-powered-by", "next.js", "Next.js"),
    ("x-vercel-ai-ui-message-stream", "", "AI SDK"),
    ("x-powered-by", "express", "Express"),
    ("x-powered-by", "php", "PHP"),
    ("server", "aiohttp", "aiohttp"),
    ("server", "uvicorn", "ASGI"),
    ("server", "hypercorn", "ASGI"),
    ("server", "granian", "ASGI"),
    ("server", "daphne", "ASGI"),
    ("server", "gunicorn", "WSGI"),
    ("server", "waitress", "WSGI"),
    ("server", "werkzeug", "WSGI"),
    ("server", "basehttp", "http.server"),
    ("server", "tornado", "Tornado"),
    ("server", "kestrel", "ASP.NET"),
    ("server", "nginx", "nginx"),
    ("server", "caddy", "Caddy"),
    ("keep-alive", "timeout=", "Node.js"),
)


def framework_of(headers: Mapping[str, str]) -> str:
    """Return the framework's name; an empty one where nothing tells it."""
    for header, sign, name in SIGNS:
        if header in headers and sign in headers[header].lower():
            return name
    return ""
