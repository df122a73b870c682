"""Five tickets of lessons 11 and 12: what support was told, and nothing of the cause."""

from typing import NamedTuple


class Ticket(NamedTuple):
    """What somebody has written to support; `case` is the incident that it is like."""

    words: str
    case: str


TICKETS = {
    1: Ticket(
        "Since we offer a Stop button people use it all the time. Finance asks why the invoice of "
        "our provider has not gone down by a cent.",
        "outlives-its-reader",
    ),
    2: Ticket(
        "We archive every answer now. On days with many phones in the field the process is killed "
        "for its memory. With the same number of office users it never is.",
        "tee-hoards",
    ),
    3: Ticket(
        "After a weekend there are some hundred answers under way, and nobody at work. Each began "
        "on a train, they say, and the app was closed in a tunnel.",
        "drain-alone",
    ),
    4: Ticket(
        "Our Greek customers send screenshots with black diamonds in the words. It is never the "
        "same word, and in English nobody has seen one.",
        "cut-characters",
    ),
    5: Ticket(
        "Version 4.2 made the pages half as large, which all praise. Since then the assistant says "
        "nothing for a while, and then whole paragraphs. The test with curl is fine.",
        "compressed",
    ),
}
