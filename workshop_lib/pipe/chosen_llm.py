"""Which LLM answers a person who types into a page: the fake one, or the one the environment names.

What is measured always asks the fake LLM: verdicts rest on its numbered tokens and its ledger.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ChosenLLM:
    """An LLM that the environment names; its key is left where it is."""

    base_url: str
    model: str


def chosen_llm(env: Mapping[str, str] = os.environ) -> ChosenLLM | None:
    """Return the LLM that OPENAI_BASE_URL names, or None for the fake one.

    A key alone chooses nothing: it lies in many an environment, and nobody shall pay for a lesson
    unasked. MODEL is optional, as it is for the servers. Raises RuntimeError without a key.
    """
    base_url = env.get("OPENAI_BASE_URL")
    if not base_url:
        return None
    if not env.get("OPENAI_API_KEY"):
        raise RuntimeError(
            f"OPENAI_BASE_URL is {base_url}, and OPENAI_API_KEY is missing. Set it to your key, or "
            "to any text where none is needed; or unset OPENAI_BASE_URL to ask the fake LLM. Then "
            "start JupyterLab again."
        )
    return ChosenLLM(base_url, env.get("MODEL", "gpt-4o-mini"))
