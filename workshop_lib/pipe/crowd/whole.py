"""What of an answer has come in whole events: from there a reader that was cut goes on."""

from workshop_lib.pipe.sse import SseParser
from workshop_lib.pipe.tokens import TokenScanner


class WholeEvents:
    """Counts the tokens of events that came to their blank line; what follows it does not count."""

    def __init__(self) -> None:
        self.tokens = 0
        self._parser = SseParser()
        self._scanner = TokenScanner()

    @property
    def last_event_id(self) -> str:
        """What to send as Last-Event-ID; nothing if the server gives none."""
        return self._parser.last_event_id

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body."""
        for event in self._parser.push(data):
            self.tokens += len(self._scanner.feed(event.data.encode()))
