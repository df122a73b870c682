// Stream, wait for the socket, and stop the LLM when the reader leaves, at whatever moment.
//
// Run it alone: node servers/express/step3_cancelling.mjs

import { once } from 'node:events'

import { askLlm, ending, eventOf, fail, run, startStream } from './common.mjs'

async function chat(req, res) {
  const leaving = new AbortController()
  const { signal } = leaving
  res.once('close', () => leaving.abort()) // the connection has ended, or the answer is out
  try {
    const stream = await askLlm(req, signal)
    startStream(res)
    let last
    for await (last of stream) { // the next chunk is asked for only when this one is gone
      const hasRoom = res.write(eventOf(last))
      if (!hasRoom) await once(res, 'drain', { signal }) // a reader that has left drains nothing
    }
    res.end(ending(last))
  } catch (problem) {
    if (signal.aborted) return // nobody is there to be told; the SDK's error has a name of its own
    fail(res, problem)
  }
}

run(chat)
