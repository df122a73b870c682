"""One streaming chat server, repaired step by step; each module runs alone."""
