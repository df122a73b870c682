"""The browser's own `EventSource` as the oracle for every SSE reader of the workshop."""
