"""A server that is started by its first reader passes on what its readers do."""

import sys
from typing import Any

from servers import step3_cancelling
from tests.mechanism import children
from workshop_lib.experiment import Experiment
from workshop_lib.leaving import judge_leaving
from workshop_lib.passage import side_by_side

COLD = [sys.executable, "-m", "servers.on_demand"]
PACE: dict[str, Any] = {"tokens_per_s": 50, "time_lapse": 4}


async def test_the_first_reader_waits_for_the_start_and_leaving_reaches_the_llm():
    leaving, warm = await side_by_side(
        Experiment(COLD, 3, {"leaver:20": 2, "steady": 1}, seconds=5, **PACE),
        Experiment(step3_cancelling, 1, {"steady": 1}, seconds=2, **PACE),
    )
    assert judge_leaving(leaving).outcome == "stopped", judge_leaving(leaving)
    waited = [stream.first_token_s or 0 for stream in leaving.streams]
    assert min(waited) > (warm.streams[0].first_token_s or 0)
    # whoever came meanwhile waited for the same process
    assert max(waited) - min(waited) < min(waited)
    assert leaving.complaints == []
    assert not children()
