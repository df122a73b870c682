"""Tempting wrong answers to the exercises; each gets a message of its own."""
