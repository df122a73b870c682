import { ChatError } from './chatError'
import type { Place } from './place'
import { streamCompletion } from './streamCompletion'

const MOST_ATTEMPTS = 6 // in a row that bring nothing
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 15_000

// What says that the connection is at fault, and not the answer.
const LOST = ['unreachable', 'broken_off', 'incomplete', 'away', 'http_502', 'http_503', 'http_504']

export function isLost(problem: unknown): boolean {
  return problem instanceof ChatError && LOST.includes(problem.code)
}

/**
 * Yields the tokens of an answer over as many connections as it takes, if the server has named the
 * answer: it is posted once, and then read on from `place`. `lost` is called before each pause, and
 * `request` asked before each connection.
 */
export async function* readOn(
  url: string | URL,
  request: () => Promise<RequestInit>,
  place: Place,
  lost: () => void,
): AsyncGenerator<string[], void, void> {
  let attempts = 0
  while (true) {
    const init = await request()
    try {
      for await (const tokens of streamCompletion(url, init, place)) {
        attempts = 0
        yield tokens
      }
      return
    } catch (problem) {
      if (!place.answer || !isLost(problem) || attempts === MOST_ATTEMPTS) throw problem
      lost()
      await pause(pauseMs(attempts++), init.signal)
    }
  }
}

// Full jitter: those who have lost one server together must not come back together.
export function pauseMs(attempt: number): number {
  return Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)
}

function pause(ms: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}
