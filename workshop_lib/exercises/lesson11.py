"""Exercises of lesson 11: recognise a case in a ticket, and keep characters whole."""

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator

from workshop_lib.exercises.checks.matching import judge_matches
from workshop_lib.exercises.checks.texts import judge_texts
from workshop_lib.exercises.contract import Exercise
from workshop_lib.field_cases.tickets import TICKETS


def my_texts(reads: Iterable[bytes]) -> Iterator[str]:
    for read in reads:
        yield read.decode("utf-8", "replace")


def texts(reads: Iterable[bytes]) -> Iterator[str]:
    decoder = getincrementaldecoder("utf-8")("replace")
    for read in reads:
        yield decoder.decode(read)


match_the_tickets = Exercise(
    name="match_the_tickets",
    task="Name for each of the 5 tickets the case that it is most like, by the case's name.",
    starter="\n" + "".join(f"{number}:\n" for number in TICKETS),
    answer="\n" + "".join(f"{number}: {one.case}\n" for number, one in TICKETS.items()),
    hints=(
        "Ask of each ticket who is in it: readers who stall, who leave, who do both, or who only "
        "read. A case's measurement has readers, too.",
        "Tickets 1 and 3 are both about answers that go on. In which of the two were readers slow "
        "before they left?",
        "What was changed before it began? An archive, a release that made pages smaller: look "
        "for a case in which somebody has added the same.",
    ),
    judge=judge_matches,
    variable="my_matches",
)

keep_characters_whole = Exercise(
    name="keep_characters_whole",
    task=(
        "Repair the function so that the text is the same wherever the reads are cut, and each "
        "character comes with the read that completes it."
    ),
    starter=my_texts,
    answer=texts,
    hints=(
        "In UTF-8 a character takes up to 4 bytes, and a read ends wherever the network likes.",
        "Something has to be kept from one read to the next: the bytes of a character that is not "
        "complete yet.",
        "`codecs.getincrementaldecoder('utf-8')` makes a decoder that keeps them. Make it once, in "
        "front of the loop.",
    ),
    judge=judge_texts,
)
