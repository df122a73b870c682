"""One corpus for every SSE reader of the workshop, and `EventSource` as its oracle."""
