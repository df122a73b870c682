"""Where every token is, and how much memory that takes, seen from outside the server."""
