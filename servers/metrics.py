"""What the journal knows, for Prometheus: GET /metrics, with METRICS=1.

It is on the port of the chat: let the proxy in front refuse /metrics to the public.
"""

from collections.abc import AsyncIterator, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from servers.journal import JOURNAL, Journal, Tally
from servers.settings import switch


async def metrics(app: web.Application) -> AsyncIterator[None]:
    """Needs the journal. Each app has its own registry: several may live in one process."""
    if switch("METRICS"):
        registry = CollectorRegistry()
        registry.register(FromJournal(app[JOURNAL]))

        async def show(_: web.Request) -> web.Response:
            head = {"Content-Type": CONTENT_TYPE_LATEST}
            return web.Response(body=generate_latest(registry), headers=head)

        app.router.add_get("/metrics", show)
    yield


class FromJournal(Collector):
    """Reads the counters that are kept anyway, when it is asked: nothing is done for each token."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def collect(self) -> Iterator[Metric]:
        """Yield every metric at this moment."""
        journal, streams = self._journal, [one for one in self._journal.open if one.is_streaming]
        waiting = [size for size in map(_write_buffer_bytes, streams) if size]
        yield GaugeMetricFamily("chat_open_streams", "Answers on their way.", len(streams))
        yield GaugeMetricFamily(
            "chat_stalled_readers", "Readers that have not taken all they were given.", len(waiting)
        )
        yield GaugeMetricFamily(
            "chat_hoarded_bytes", "Bytes in the write buffers of those readers.", sum(waiting)
        )
        for name, about in (
            ("tokens", "Chunks with text that the LLM has produced."),
            ("heartbeats", "Comments sent while it produced none."),
        ):
            total = journal.ended[name] + sum(getattr(one, name) for one in journal.open)
            yield CounterMetricFamily(f"chat_{name}", about, total)
        yield _by("outcome", "chat_answers", "Answers by how they ended.", journal.outcomes)
        yield _by("status", "chat_refusals", "Requests refused with a status.", journal.refusals)


def _by(label: str, name: str, about: str, counts: dict[str, int] | dict[int, int]) -> Metric:
    family = CounterMetricFamily(name, about, labels=[label])
    for value, total in counts.items():
        family.add_metric([str(value)], total)
    return family


def _write_buffer_bytes(tally: Tally) -> int:
    transport = tally.request.transport
    return transport.get_write_buffer_size() if transport else 0
