// Stream, and hoard for slow readers: what the socket does not take waits in Node's memory.
//
// Run it alone: node servers/express/step1_broken.mjs

import { askLlm, ending, eventOf, fail, run, startStream } from './common.mjs'

async function chat(req, res) {
  try {
    const stream = await askLlm(req)
    startStream(res)
    let last
    for await (last of stream) {
      res.write(eventOf(last)) // it answers whether there is room left, and nobody listens
    }
    res.end(ending(last))
  } catch (problem) {
    fail(res, problem)
  }
}

run(chat)
