"""What the learner sees: the live chart, code from the files that run, predictions, controls."""

from workshop_lib.show.claims import show_claims
from workshop_lib.show.code import show_code, show_diff
from workshop_lib.show.ledger import unaccounted_bytes, watch_ledger
from workshop_lib.show.live import replay, watch
from workshop_lib.show.money import Price
from workshop_lib.show.playground import playground
from workshop_lib.show.predictions import compare_prediction, predict
from workshop_lib.show.words import caption, describe

__all__ = [
    "Price",
    "caption",
    "compare_prediction",
    "describe",
    "playground",
    "predict",
    "replay",
    "show_claims",
    "show_code",
    "show_diff",
    "unaccounted_bytes",
    "watch",
    "watch_ledger",
]
