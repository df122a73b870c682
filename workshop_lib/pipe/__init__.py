"""The stations a token passes: fake LLM, server under test, sockets, crowd of readers."""
