// Tells a reader, and every proxy on the way, that a silent answer is alive.

import { setTimeout as sleep } from 'node:timers/promises'

import { eventOf } from './common.mjs'
import { milliseconds } from './settings.mjs'

// A comment line, which no parser of events shows to anybody. It stands alone: the openai SDK for
// Python takes a comment in one block with other fields for an event, and fails on it.
export const HEARTBEAT = ': the model is thinking\n\n'
// Shorter than the shortest idle limit on the way: 60 s at most load balancers.
const EVERY_MS = milliseconds('HEARTBEAT_S', 15)

// Yields an answer's chunks, and null each time that no text came for HEARTBEAT_S.
//
// Whoever writes takes the next only when the reader has room, so no heartbeat ever queues up
// behind a reader that has stalled.
export async function* withHeartbeats(stream) {
  const chunks = stream[Symbol.asyncIterator]()
  let due = Date.now() + EVERY_MS
  try {
    for (let coming = chunks.next(); ; ) {
      const came = await within(due - Date.now(), coming)
      if (came?.done) return
      // a model that thinks sends chunks without text for minutes
      if (!came || eventOf(came.value)) due = Date.now() + EVERY_MS
      yield came ? came.value : null
      if (came) coming = chunks.next()
    }
  } finally {
    stream.controller.abort() // an iterator that is being read cannot be told to return
  }
}

// Returns what comes within so many milliseconds, or null.
async function within(ms, coming) {
  const waiting = new AbortController()
  const { signal } = waiting
  const late = sleep(Math.max(0, ms), null, { signal }).catch(() => null)
  try {
    return await Promise.race([coming, late])
  } finally {
    waiting.abort()
  }
}
