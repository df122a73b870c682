"""Runs of readers that leave, as picture, words and money: what the LLM produced for nobody."""

from dataclasses import replace

import pytest

from tests.show_recordings import SETUP, a_leaving_run, a_run
from tests.test_show_chart import panel, picture, pixels_of
from workshop_lib.show import Price, caption, describe
from workshop_lib.show.chart import Chart
from workshop_lib.show.screen import Screen
from workshop_lib.show.views import view_of
from workshop_lib.show.words import is_about_leaving, unseen

PRICE = Price(10, "2026-11-24")


@pytest.mark.parametrize(
    ("mix", "is_so"),
    [
        ({"leaver:10": 10, "steady": 2}, True),
        ({"leaver:0": 0.5, "leaver:10:reset": 0.5}, True),
        ({"leaver:10": 10, "stalled": 2}, False),
        ({"steady": 2}, False),
    ],
)
def test_a_run_is_about_leaving_if_nobody_else_is_slow(mix: dict[str, float], is_so: bool):
    assert is_about_leaving({"mix": mix}) == is_so


def test_the_chart_counts_what_was_produced_for_nobody():
    run = a_leaving_run()
    image = picture(Chart(run.setup).png(run))
    assert pixels_of(panel(image, "wasted"), "wasted") > 100
    for name in ("produced", "received", "healthy"):
        assert pixels_of(panel(image, "tokens"), name) > 100, name
    assert not pixels_of(panel(image, "wasted"), "kernel")


def test_the_repaired_run_lies_flat_beside_the_other():
    stops, runs_on = a_leaving_run(stops=True), a_leaving_run()
    alone = picture(Chart(stops.setup).png(stops))
    beside = picture(Chart(stops.setup, runs_on).png(stops))
    assert not pixels_of(panel(alone, "wasted"), "wasted_before")
    assert pixels_of(panel(beside, "wasted"), "wasted_before") > 100


def test_each_view_names_its_own_curves():
    stops, runs_on = a_leaving_run(stops=True), a_leaving_run()
    titles, names = view_of(stops.setup, runs_on)
    assert list(titles) == ["wasted", "tokens"]
    assert list(names) == ["wasted", "produced", "received", "healthy", "wasted_before"]
    assert names["wasted_before"] == "same, with step2_fixed"
    titles, names = view_of(SETUP, a_run())
    assert list(titles) == ["held", "tokens"]
    assert names["before"] == "held by step1_broken"
    assert not {"wasted", "wasted_before"} & set(names)
    assert "healthy" not in view_of({"mix": {"leaver:10": 1}}, None).names


def test_a_run_that_runs_on_in_one_sentence_with_its_price():
    assert describe(a_leaving_run(), PRICE) == (
        "After 6.0 s 10 of 10 readers had left; for them the LLM had produced 3,000 tokens, of "
        "which they got 100; that makes 2,900 tokens for nobody, 0.0290 USD of your money; 2 "
        "healthy readers got 600 of 600 tokens: running on. At 10 USD per million output tokens "
        "(assumed, as of 2026-11-24)."
    )


def test_a_run_that_stops_costs_next_to_nothing_and_needs_no_price():
    said = describe(a_leaving_run(stops=True))
    assert "that makes 10 tokens for nobody;" in said
    assert said.endswith(": stopped.")
    assert "USD" not in said


def test_what_became_of_the_streams_is_not_guessed_before_the_end():
    assert describe(a_leaving_run().until(3.0)).endswith("2 healthy readers got 300 of 300 tokens.")


def test_nothing_is_said_of_memory_which_is_not_drawn():
    run = a_leaving_run()
    assert "memory" not in caption(run.setup)
    run.samples[-1] = replace(run.samples[-1], rss_bytes=None)
    assert unseen(run) == ""


def test_the_counter_is_live_beside_the_chart():
    run = a_leaving_run()
    screen = Screen(run.setup, price=PRICE)
    screen.on_stop(lambda: None)
    states: list[str] = []
    for t_s in (0.4, 3.0, 6.0):
        screen.show(run.until(t_s))
        states.append(str(screen.state.value))
    assert states == [
        "0 of 6 s: 0 tokens for nobody, 0.0000 USD of your money",
        "3 of 6 s: 1,400 tokens for nobody, 0.0140 USD of your money",
        "6 of 6 s: 2,900 tokens for nobody, 0.0290 USD of your money",
    ]


@pytest.mark.parametrize(
    ("tokens", "words"), [(0, "0.0000 USD"), (5_900, "0.0590 USD"), (123_456_789, "1,234.57 USD")]
)
def test_money_as_people_read_it(tokens: int, words: str):
    assert PRICE.words(tokens) == words
    assert PRICE.usd(1_000_000) == 10


@pytest.mark.parametrize(
    ("usd", "as_of", "said"),
    [(-1, "2026-11-24", "Give the dollars"), (10, "last year", "like 2026-11-24")],
)
def test_a_price_that_cannot_be_is_refused_in_a_sentence(usd: float, as_of: str, said: str):
    with pytest.raises(ValueError, match=said):
        Price(usd, as_of)


def test_no_text_under_a_chart_can_be_taken_for_a_formula():
    assert "$" not in describe(a_leaving_run(), PRICE)
    assert "$" not in f"{PRICE} {PRICE.words(1)}"
