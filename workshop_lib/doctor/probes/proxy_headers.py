"""Does it tell proxies not to hold its stream back?"""

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.reference import paced_answer
from workshop_lib.doctor.ward import Ward

UNTOUCHED = ("no-cache", "no-store", "no-transform")


async def proxy_headers(ward: Ward) -> Finding:
    headers = (await paced_answer(ward)).witness.headers
    return judge_headers(headers)


def judge_headers(headers: dict[str, str]) -> Finding:
    """Judge by the two headers that proxies heed."""
    accel = headers.get("x-accel-buffering", "").strip().lower()
    cache = headers.get("cache-control", "").lower()
    seen = f"X-Accel-Buffering: {accel or 'missing'}, Cache-Control: {cache or 'missing'}"
    if accel != "no":
        return Finding(
            "sick", f"{seen}. nginx in front buffers the stream unless it is told not to."
        )
    if not any(word in cache for word in UNTOUCHED):
        return Finding(
            "unclear", f"{seen}. A cache or a compressing proxy may hold the stream back."
        )
    note = "" if "no-transform" in cache else "no-transform keeps proxies from compressing it, too."
    return Finding("healthy", f"{seen}.", note)


PROBE = Probe(
    "proxy_headers",
    "Headers that proxies need",
    "`X-Accel-Buffering: no` switches nginx's buffering off for this answer; `Cache-Control` with "
    "no-cache, no-store or no-transform keeps caches and compression away.",
    "A proxy that is configured to pass streams on needs neither: `proxy_buffering off` is enough.",
    proxy_headers,
    severity="advice",
)
