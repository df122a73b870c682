"""What counts as a token where the model is a real one: each event that carries data."""

from workshop_lib.pipe.crowd.body import Body, error_text
from workshop_lib.pipe.sse import SseParser


class EventBody(Body):
    """Counts server-sent events with data, but for the end mark and an error; comments are none."""

    def __init__(self, end_mark: str) -> None:
        super().__init__(end_mark)
        self.tokens = 0
        self._parser, self._mark = SseParser(), end_mark

    def feed(self, data: bytes) -> None:
        """Take the next piece of the decoded body; raises ValueError at an event without end."""
        super().feed(data)
        for event in self._parser.push(data):
            self.tokens += event.data.strip() != self._mark and not error_text(event.data.encode())

    def forget_after(self, tokens: int) -> None:
        """Take up a new connection; what has come in whole events has been counted."""
        super().forget_after(tokens)
        self._parser = SseParser()


class NumberedBody(Body):
    """Counts the fake LLM's numbered tokens, in any framing; one lost or doubled is an error."""

    @property
    def tokens(self) -> int:
        return self.order.tokens
