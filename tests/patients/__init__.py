"""Servers of known truth, healthy and sick, to examine whoever examines servers."""
