"""The workshop's servers side by side with their peers: `make bench`."""
