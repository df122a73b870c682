"""Lesson 05: repair a batcher that loses text; find where a block of Markdown ends."""

import re

from workshop_lib.exercises.checks.batching import judge_batching
from workshop_lib.exercises.checks.blocks import judge_blocks
from workshop_lib.exercises.contract import Exercise

my_batcher = """
function makeBatcher(update) {
  let pending = ''
  let waiting = false
  function flush() {
    update((shown) => shown + pending)
    pending = ''
    waiting = false
  }
  return {
    add(token) {
      pending += token
      if (!waiting) requestAnimationFrame(flush)
      waiting = true
    },
    end() {},
  }
}
"""

lossless_batcher = """
function makeBatcher(update) {
  let pending = ''
  let frame, timer
  function flush() {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
    frame = timer = undefined
    const text = pending
    pending = ''
    if (text) update((shown) => shown + text)
  }
  return {
    add(token) {
      pending += token
      frame ??= requestAnimationFrame(flush)
      timer ??= setTimeout(flush, 250)
    },
    end: flush,
  }
}
"""


def my_blocks(text: str) -> list[str]:
    return re.split(r"(?<=\n\n)", text)


def blocks_that_stay(text: str) -> list[str]:
    blocks, in_code, after_blank = [""], False, False
    for line in text.splitlines(keepends=True):
        if after_blank and not in_code and re.match(r"[^\s\d*+-]", line):
            blocks.append("")
        blocks[-1] += line
        in_code ^= line.startswith("```")
        after_blank = line.isspace()
    return blocks


lose_no_token = Exercise(
    name="lose_no_token",
    task=(
        "Repair the batcher: every token reaches the screen, in its order, with one commit a "
        "frame at most, also in a hidden tab, which has no frames, and at the end of the answer."
    ),
    starter=my_batcher,
    answer=lossless_batcher,
    hints=(
        "update() is React's setText. It takes a function, and calls it when it renders: at once "
        "or later. What is in `pending` by then?",
        "Two lines make the text complete: copy `pending` into a constant, and let the updater "
        "use the constant.",
        "In a hidden tab no frame ever comes, but setTimeout does. Set both, and let the one that "
        "comes first cancel the other.",
        "When the answer ends, no token comes that would ask for a frame. What could end() be?",
    ),
    judge=judge_batching,
    variable="my_batcher",
)

find_where_a_block_ends = Exercise(
    name="find_where_a_block_ends",
    task=(
        "Change the function so that no block ends inside of a piece of code, a list or a table, "
        "and that all blocks but the last stay as they are, whatever text comes. One after the "
        "other they are the text, and none is much longer than it must be."
    ),
    starter=my_blocks,
    answer=blocks_that_stay,
    hints=(
        "Run my_blocks on an answer with a piece of code that has a blank line in it. Which "
        "line between two fences ends a block, and should not?",
        "Go line by line, and remember two things: whether a fence is open, and whether the last "
        "line was blank.",
        "After a blank line a list goes on if the next line is indented or begins like an item. "
        "So a new block begins with a line that does neither.",
    ),
    judge=judge_blocks,
)
