"""What proxies and load balancers cut off by default: one source for each, and when it was read."""

from dataclasses import dataclass

from workshop_lib.show.bundle import show
from workshop_lib.show.tables import as_html, as_text

READ = "2026-11-25"


@dataclass(frozen=True)
class Limit:
    """A limit of `default_s` seconds; `heartbeat` says whether one keeps the answer alive."""

    where: str
    what: str
    default_s: int
    heartbeat: str
    source: str
    read: str = READ


LIMITS = (
    Limit(
        "nginx",
        "silence of the server (proxy_read_timeout)",
        60,
        "yes",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout",
    ),
    Limit(
        "AWS Application Load Balancer",
        "silence on either side",
        60,
        "yes; HTTP/2 pings do not count",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/"
        "edit-load-balancer-attributes.html",
    ),
    Limit(
        "Google Cloud, external Application Load Balancer",
        "the whole answer",
        30,
        "no: raise the backend service's timeout",
        "https://cloud.google.com/load-balancing/docs/https#timeout-bes",
    ),
    Limit(
        "Heroku",
        "the first byte",
        30,
        "yes, if the head goes out at once",
        "https://devcenter.heroku.com/articles/request-timeout",
    ),
    Limit(
        "Heroku",
        "silence after that",
        55,
        "yes",
        "https://devcenter.heroku.com/articles/request-timeout",
    ),
    Limit(
        "Cloudflare",
        "silence of the server (Proxy Read Timeout)",
        120,
        "yes",
        "https://developers.cloudflare.com/fundamentals/reference/connection-limits/",
    ),
)


def show_limits() -> None:
    """Show the table, each row with its source."""
    head = ("where", "what is limited", "by default", "does a heartbeat help?", "source", "read")
    rows = [
        (one.where, one.what, f"{one.default_s} s", one.heartbeat, one.source, one.read)
        for one in LIMITS
    ]
    show(as_html(head, rows), as_text(head, rows))
