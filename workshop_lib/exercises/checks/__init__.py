"""One module an exercise: what is right about an attempt, or what was found and what to try."""
