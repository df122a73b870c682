// Stream, and ask for the next token when the socket has taken the last.
//
// Run it alone: node servers/express/step2_fixed.mjs

import { once } from 'node:events'

import { askLlm, ending, eventOf, fail, run, startStream } from './common.mjs'

async function chat(req, res) {
  try {
    const stream = await askLlm(req)
    startStream(res)
    let last
    for await (last of stream) { // the next chunk is asked for only when this one is gone
      const hasRoom = res.write(eventOf(last))
      if (!hasRoom) await once(res, 'drain')
    }
    res.end(ending(last))
  } catch (problem) {
    fail(res, problem)
  }
}

run(chat)
