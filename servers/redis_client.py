"""Redis as the servers use it: they would rather be told at once than wait."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Gone

from servers.settings import BadSetting


def connect(url: str, patience_s: float, connections: int | None = None) -> Redis:
    """Make a client of what REDIS_URL says; it connects when it is first used."""
    # a connection that a restart of Redis broke is made anew once; nothing else is tried again
    again = Retry(NoBackoff(), 1, supported_errors=(Gone,))
    try:
        return Redis.from_url(
            url,
            retry=again,
            socket_timeout=patience_s,
            socket_connect_timeout=patience_s,
            max_connections=connections,
        )
    except ValueError as problem:
        raise BadSetting(
            f"REDIS_URL cannot be used: {problem}. Set it like redis://127.0.0.1:6379/0."
        ) from None
