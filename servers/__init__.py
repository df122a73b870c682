"""One streaming chat server, repaired step by step; each module runs alone."""

import logging

# what nobody has asked to see is not printed: these servers run in a notebook's background too
logging.getLogger(__name__).addHandler(logging.NullHandler())
