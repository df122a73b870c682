"""The claims of the tutorial that this workshop grew from: what is behind each of them?

`CLAIMS` are those of lesson 06's table, and `ALL_CLAIMS` the finished one of lesson 09, in the
order of the lessons.
"""

from workshop_lib.show.tutorial.limits import LIMITS_OF_IT
from workshop_lib.show.tutorial.page import PAGE
from workshop_lib.show.tutorial.servers import SERVERS
from workshop_lib.show.tutorial.way import WAY

CLAIMS = SERVERS
ALL_CLAIMS = sorted([*SERVERS, *PAGE, *WAY, *LIMITS_OF_IT], key=lambda claim: claim.lesson)
