"""Does an answer show what nobody but the server should see?"""

import re
from urllib.parse import urlsplit

from workshop_lib.doctor.llm_env import API_KEY

TRACE = re.compile(
    r"Traceback \(most recent call last\)|File \"/[^\"]+\", line \d+|"
    r"\bat [\w.<>$ ]+ \((?:file://)?/[^)]+:\d+:\d+\)|node_modules/|site-packages/"
)
KEY_ENDS = 8, 4


def leaks_in(text: str, llm_url: str, key: str = API_KEY) -> list[str]:
    """Name what of the key, of the LLM's address or of the source code stands in a text.

    A provider's own message shows both ends of a key, and a server that passes it on does too.
    """
    found: list[str] = []
    start, end = key[: KEY_ENDS[0]], key[-KEY_ENDS[1] :]
    if re.search(rf"{re.escape(start)}\S*{re.escape(end)}", text):
        found.append("the API key, or its two ends")
    if llm_url and urlsplit(llm_url).netloc in text:
        found.append("the LLM's address")
    if TRACE.search(text):
        found.append("a stack trace")
    return found
