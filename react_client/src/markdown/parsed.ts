/**
 * How many characters have been looked through as Markdown since the page was opened, by whichever
 * view. What this grows by in a commit is its work, counted and not timed.
 */
export const parsed = { characters: 0 }
