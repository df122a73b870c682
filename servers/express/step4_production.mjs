// Serve the public: honest before the start, alive while silent, done with whoever takes nothing.
//
// Run it alone: node servers/express/step4_production.mjs

import { ending, eventOf, fail, LEFT, run, startStream } from './common.mjs'
import { answering, askInTime, closeInTime, finish, room } from './deadlines.mjs'
import { HEARTBEAT, withHeartbeats } from './heartbeats.mjs'
import { withinLimits } from './limits.mjs'

const HEADERS = {
  // no-transform: what compresses would gather tokens until a block is full (RFC 9111)
  'Cache-Control': 'no-cache, no-transform',
  // nginx, and what is built on it, hands each event on at once; see its proxy_buffering
  'X-Accel-Buffering': 'no'
}

async function chat(req, res) {
  const answer = answering(res)
  const { signal } = answer
  try {
    const stream = await askInTime(req, answer)
    startStream(res, HEADERS) // until here whatever fails is a status
    let last
    for await (const chunk of withHeartbeats(stream)) { // asked for only when the last is gone
      const hasRoom = res.write(chunk ? eventOf(chunk) : HEARTBEAT)
      if (!hasRoom) await room(res, signal)
      last = chunk ?? last
    }
    signal.throwIfAborted() // the SDK ends its stream in silence when it is told to stop
    finish(res, ending(last))
  } catch (problem) {
    if (signal.reason !== LEFT) fail(res, signal.reason ?? problem, finish)
  }
}

closeInTime(run(chat, withinLimits))
