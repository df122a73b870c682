"""Which LLM answers a person: the fake one, unless an address is given, and a key for it."""

import pytest

from workshop_lib.pipe.chosen_llm import ChosenLLM, chosen_llm

URL = "https://llm.example/v1"


@pytest.mark.parametrize("env", [{}, {"OPENAI_API_KEY": "sk"}, {"OPENAI_BASE_URL": ""}])
def test_without_an_address_it_is_the_fake_one(env: dict[str, str]):
    assert chosen_llm(env) is None


def test_two_variables_choose_another_and_a_third_names_its_model():
    env = {"OPENAI_BASE_URL": URL, "OPENAI_API_KEY": "sk-secret"}
    chosen = chosen_llm(env)
    assert chosen == ChosenLLM(URL, "gpt-4o-mini")
    assert "sk-secret" not in repr(chosen)
    assert chosen_llm(env | {"MODEL": "small"}) == ChosenLLM(URL, "small")


def test_an_address_without_a_key_is_said():
    with pytest.raises(RuntimeError, match=r"OPENAI_API_KEY is missing.*start JupyterLab again\."):
        chosen_llm({"OPENAI_BASE_URL": URL})
