"""What the learner sees: the live chart, code from the files that run, predictions, controls."""

from workshop_lib.show.chat_page import chat_page
from workshop_lib.show.chunks import cut_by_chance, cut_inside, show_chunks
from workshop_lib.show.claims import show_claims
from workshop_lib.show.code import show_code, show_diff, show_twins
from workshop_lib.show.diagnosis import (
    choose,
    confirm,
    diagnose,
    examine,
    show_card,
    show_causes,
)
from workshop_lib.show.endings import compare_chats
from workshop_lib.show.first_tokens import first_token_s, show_first_tokens, show_wait
from workshop_lib.show.ledger import unaccounted_bytes, watch_ledger
from workshop_lib.show.limits import show_limits
from workshop_lib.show.live import replay, watch
from workshop_lib.show.money import Price
from workshop_lib.show.passages import show_passages
from workshop_lib.show.playground import playground
from workshop_lib.show.predictions import compare_prediction, predict
from workshop_lib.show.returns import show_returns
from workshop_lib.show.shares import show_shares
from workshop_lib.show.splitters import right_cases, show_losses
from workshop_lib.show.storm import render_storm
from workshop_lib.show.timeline import open_eight
from workshop_lib.show.words import caption, describe

__all__ = [
    "Price",
    "caption",
    "chat_page",
    "choose",
    "compare_chats",
    "compare_prediction",
    "confirm",
    "cut_by_chance",
    "cut_inside",
    "describe",
    "diagnose",
    "examine",
    "first_token_s",
    "open_eight",
    "playground",
    "predict",
    "render_storm",
    "replay",
    "right_cases",
    "show_card",
    "show_causes",
    "show_chunks",
    "show_claims",
    "show_code",
    "show_diff",
    "show_first_tokens",
    "show_limits",
    "show_losses",
    "show_passages",
    "show_returns",
    "show_shares",
    "show_twins",
    "show_wait",
    "unaccounted_bytes",
    "watch",
    "watch_ledger",
]
