"""The variables that point a server to the doctor's LLM, by the names that SDKs know."""

from workshop_lib.pipe.fake_llm import FakeLLM

# No secret, and always the same: a server that was started before must not need another one.
API_KEY = "sk-doctor-5d1f0c9b7e3a2468"


def llm_env(llm: FakeLLM) -> dict[str, str]:
    """Return OPENAI_BASE_URL and the like."""
    env = llm.env | {"OPENAI_API_KEY": API_KEY}
    return env | {"OPENAI_API_BASE": llm.base_url, "OPENAI_MODEL": env["MODEL"]}
