"""An answer that comes over a WebSocket (RFC 6455), from exactly the bytes that a reader took."""

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from workshop_lib.pipe.crowd.answer import NoAnswer
from workshop_lib.pipe.crowd.body import Body
from workshop_lib.pipe.crowd.call import Call

STOP = '{"stop": true}'


class Dialogue:
    """Follows what an `Answer` follows, message by message; `opening` goes out after the head."""

    end_request = b""  # what is to be said, is said on this connection

    def __init__(self, call: Call, prompt: str, end_mark: str) -> None:
        self._ws = WSConnection(ConnectionType.CLIENT)
        headers = [(name.encode(), text.encode()) for name, text in call.headers.items()]
        host = f"{call.host}:{call.port}"
        self.request = self._ws.send(Request(host, call.path, extra_headers=headers))
        self._asking = call.asking(prompt)
        self.status: int | None = None
        self.body = Body(end_mark)
        self.ended = False

    @property
    def opening(self) -> bytes:
        """The first message, for a connection that has been accepted."""
        return self._ws.send(TextMessage(self._asking)) if self.status == 101 else b""

    @property
    def stopping(self) -> bytes:
        """The message that ends the answer, and not the connection."""
        return self._ws.send(TextMessage(STOP))

    @property
    def error(self) -> str | None:
        """The error the server told, by its status or in a message."""
        refused = (self.status or 0) >= 400
        return f"HTTP {self.status}" if refused else self.body.error

    def feed(self, data: bytes) -> None:
        """Take the next bytes from the wire, b"" at their end; raises NoAnswer."""
        if not data:
            raise NoAnswer("the server closed the connection in the middle of its answer")
        try:
            self._ws.receive_data(data)
            for event in self._ws.events():
                self._take(event)
        except ProtocolError as problem:
            raise NoAnswer(f"the server speaks no WebSocket ({problem})") from None

    def _take(self, event: object) -> None:
        if isinstance(event, AcceptConnection):
            self.status = 101
        elif isinstance(event, RejectConnection):
            self.status, self.ended = event.status_code, True
        elif isinstance(event, CloseConnection):
            self.ended = True
        elif isinstance(event, TextMessage):
            self.body.feed(event.data.encode())
            if event.message_finished:
                self.body.end()  # a message is a line of its own
                self.ended = self.body.complete or self.body.error is not None
