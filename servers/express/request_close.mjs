// A trap: stop the LLM when the request is closed, which is as soon as its body has been read.
//
// Run it alone: node servers/express/request_close.mjs

import { once } from 'node:events'

import { askLlm, ending, eventOf, fail, run, startStream } from './common.mjs'

async function chat(req, res) {
  const leaving = new AbortController()
  const { signal } = leaving
  req.once('close', () => leaving.abort()) // meant: the reader has left
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
    if (problem.name === 'AbortError') return // meant: an abort is no failure
    fail(res, problem)
  }
}

run(chat)
