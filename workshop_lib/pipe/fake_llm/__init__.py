"""The LLM at the head of the pipe: OpenAI's format, tokens that carry their number, a ledger."""

from workshop_lib.pipe.fake_llm.answering import COMPLETE
from workshop_lib.pipe.fake_llm.knobs import Answer, KnobError
from workshop_lib.pipe.fake_llm.process import FakeLLM
from workshop_lib.pipe.fake_llm.rows import Ledger, StreamRow, Totals

__all__ = ["COMPLETE", "Answer", "FakeLLM", "KnobError", "Ledger", "StreamRow", "Totals"]
