"""Twelve incidents from public trackers, for lesson 11: each runs broken and repaired."""
