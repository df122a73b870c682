"""Ten cases for lesson 08: what is broken, what the instruments say, and what excludes a cause."""
