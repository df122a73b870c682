// What may not take for ever: a reader that takes nothing, an LLM, an answer, and a shutdown.

import { once } from 'node:events'

import { askLlm, LEFT, Refusal } from './common.mjs'
import { milliseconds } from './settings.mjs'

const STALL_MS = milliseconds('STALL_S', 30)
const START_MS = milliseconds('START_S', 60)
const STREAM_MS = milliseconds('STREAM_S', 600)
const GRACE_MS = milliseconds('GRACE_S', 20)
// longer than a proxy in front keeps an idle connection, or it would ask one just closed
const KEEPALIVE_MS = milliseconds('KEEPALIVE_S', 75)
const BODY_MS = milliseconds('BODY_S', 10)

const LATE = new Refusal(504, 'llm_failed', 'The model does not answer. Try again.')
const CLOSING = new Refusal(503, 'shutting_down', 'The server is being restarted. Ask again.')
const long = `The answer took longer than ${STREAM_MS / 1000} s. Ask for a shorter one.`
const TOO_LONG = new Refusal(504, 'too_long', long)

const running = new Set()

// Returns what ends an answer early: its signal's reason is LEFT, or what the reader is told.
export function answering(res) {
  const answer = new AbortController()
  const timer = setTimeout(() => answer.abort(TOO_LONG), STREAM_MS)
  running.add(answer)
  res.once('close', () => {
    clearTimeout(timer)
    running.delete(answer)
    answer.abort(LEFT)
  })
  return answer
}

export async function askInTime(req, answer) {
  const timer = setTimeout(() => answer.abort(LATE), START_MS)
  try {
    return await askLlm(req, answer.signal)
  } finally {
    clearTimeout(timer)
  }
}

// Waits until the reader has room; one that takes nothing for STALL_S is cut off.
export async function room(res, signal) {
  const timer = setTimeout(() => cut(res), STALL_MS)
  try {
    await once(res, 'drain', { signal })
  } finally {
    clearTimeout(timer)
  }
}

// Sends the last event; whoever does not take it in time is cut off like others that stall.
export function finish(res, end) {
  const timer = setTimeout(() => cut(res), STALL_MS)
  res.once('close', () => clearTimeout(timer))
  res.end(end)
}

// Lets go of slow requests, and on SIGTERM of what runs, after a last GRACE_S.
export function closeInTime(server) {
  const settings = { keepAliveTimeout: KEEPALIVE_MS, headersTimeout: BODY_MS, requestTimeout: BODY_MS }
  Object.assign(server, settings)
  const close = () => {
    server.close(() => process.exit())
    setInterval(() => server.closeIdleConnections(), 100).unref()
    setTimeout(() => running.forEach((answer) => answer.abort(CLOSING)), GRACE_MS)
  }
  process.once('SIGTERM', close).once('SIGINT', close)
}

function cut(res) {
  res.socket?.resetAndDestroy() // end() would wait until the reader has taken the rest
}
