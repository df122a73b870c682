"""The workshop's mechanism: a measured pipe from a fake LLM to a crowd of readers."""
