"""Must a reader wait for others whose LLM is silent? Where handlers block, or are few, it must."""

from contextlib import ExitStack

from workshop_lib.doctor.visit import until
from workshop_lib.doctor.ward import Ward

SILENT_S = 3600.0
SETTLE_S = 2.0
TOKENS = 10


async def held_up(ward: Ward) -> str | None:
    """Return what holds a reader up who comes while all others wait for their first token.

    It is a question of order, not of seconds: whoever is not held up is through before them.
    """
    many = ward.doses.readers
    with ExitStack() as leaving:
        silent = [
            await ward.visit("its LLM was silent for many readers", first_token_s=SILENT_S)
            for _ in range(many)
        ]
        for visit in silent:
            leaving.callback(visit.witness.leave)
        await until(lambda: len(silent[0].all_rows()) >= many, SETTLE_S)
        waiting = len(silent[0].all_rows())
        last = await ward.visit("one more reader came", answer_tokens=TOKENS, tokens_per_s=0)
        leaving.callback(last.witness.leave)
        await last.witness.read(lambda: bool(last.witness.body.bytes), ward.doses.late_s)
        refused = (last.witness.status or 0) >= 400
        if last.witness.body.bytes or refused:
            return None
    return (
        f"while {waiting} of {many} readers wait for a silent LLM, one more gets nothing: "
        "they hold it up."
    )
