"""The chart as pixels: its size, its colours, and that it moves."""

import io
import itertools

import pytest
from PIL import Image, ImageChops, ImageColor

from tests.show_recordings import SETUP, a_run
from workshop_lib.meter.recording import Recording
from workshop_lib.show.chart import Chart
from workshop_lib.show.curves import CURVES, Curves
from workshop_lib.show.frame import BOTTOM_PX, HEIGHT_PX, PANELS_PX, SCALE, TOP_PX, WIDTH_PX


def picture(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def panel(image: Image.Image, name: str) -> Image.Image:
    left, right = PANELS_PX["right" if name == "tokens" else "left"]
    return image.crop((left * SCALE, TOP_PX * SCALE, right * SCALE, BOTTOM_PX * SCALE))


def pixels_of(image: Image.Image, curve: str) -> int:
    colors = image.getcolors(1_000_000) or []
    wanted = ImageColor.getrgb(CURVES[curve].color)
    return sum(number for number, color in colors if color == wanted)


def test_a_frame_is_a_small_png_of_its_size():
    png = Chart(SETUP).png(a_run())
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    assert image.size == (WIDTH_PX * SCALE, HEIGHT_PX * SCALE)
    assert image.mode == "P"
    assert len(png) < 40_000


def test_every_curve_is_drawn_in_its_own_colour():
    image = picture(Chart(SETUP).png(a_run()))
    for name in ("hoarded", "kernel"):
        assert pixels_of(panel(image, "held"), name) > 100, name
    for name in ("produced", "received", "healthy"):
        assert pixels_of(panel(image, "tokens"), name) > 100, name


def test_the_chart_moves_from_frame_to_frame():
    chart, run = Chart(SETUP), a_run()
    frames = [picture(chart.png(run.until(t_s))) for t_s in (2.0, 5.0, 9.0, 15.0)]
    for before, after in itertools.pairwise(frames):
        assert ImageChops.difference(panel(before, "held"), panel(after, "held")).getbbox()
        assert ImageChops.difference(panel(before, "tokens"), panel(after, "tokens")).getbbox()


def test_a_frame_does_not_depend_on_those_before_it():
    run, stepwise = a_run(), Chart(SETUP)
    for t_s in range(15):
        stepwise.png(run.until(t_s))
    whole = Chart(SETUP)
    assert pixels_of(picture(whole.png(run)), "hoarded") == pytest.approx(
        pixels_of(picture(stepwise.png(run)), "hoarded"), rel=0.2
    )


def test_a_run_that_lasts_longer_than_planned_stays_in_the_picture():
    tokens = panel(picture(Chart(SETUP).png(a_run(seconds=40.0))), "tokens")
    right = tokens.crop((tokens.width * 9 // 10, 0, tokens.width, tokens.height))
    assert pixels_of(tokens, "healthy") > 100
    assert not pixels_of(right, "healthy")


def test_an_earlier_run_lies_beside_on_the_same_axis():
    waits = a_run(hoards=False)
    alone = picture(Chart(waits.setup).png(waits))
    beside = picture(Chart(waits.setup, a_run()).png(waits))
    assert not pixels_of(panel(alone, "held"), "before")
    assert pixels_of(panel(beside, "held"), "before") > 100
    assert (
        pixels_of(panel(beside, "held"), "kernel") < pixels_of(panel(alone, "held"), "kernel") * 2
    )


def test_a_run_seldom_needs_a_new_scale(monkeypatch: pytest.MonkeyPatch):
    drawn: list[Chart] = []
    draw_all = Chart._draw_all
    monkeypatch.setattr(Chart, "_draw_all", lambda chart: (drawn.append(chart), draw_all(chart)))
    chart, run = Chart(SETUP), a_run()
    for beat in range(1, 76):
        chart.png(run.until(beat / 5))
    assert 1 < len(drawn) <= 6


def test_curves_without_readings_are_left_out():
    image = picture(Chart(SETUP).png(a_run(unseen=True)))
    assert not pixels_of(panel(image, "held"), "hoarded")
    assert not pixels_of(panel(image, "held"), "kernel")
    assert pixels_of(panel(image, "tokens"), "produced")


def test_before_the_first_sample_there_is_an_empty_chart():
    image = picture(Chart({**SETUP, "mix": {"steady": 1.0}}).png(Recording(SETUP)))
    assert not pixels_of(panel(image, "tokens"), "produced")


def test_curves_take_over_only_what_is_new():
    curves, run = Curves(), a_run()
    for t_s in (1.0, 1.0, 4.0, 15.0):
        curves.extend(run.until(t_s))
    assert curves.points["t_s"] == [sample.t_s for sample in run.samples]
    assert curves.last("hoarded") == run.samples[-1].group(["stalled"]).hoarded_bytes
    assert curves.last("produced") == 600
    assert curves.last("received") == 10
