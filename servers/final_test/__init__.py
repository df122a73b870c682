"""Five servers for lesson 12, each with something wrong: a ticket says what people saw."""
