// A wait for 'drain' alone: a reader who has left drains nothing.
//
// Run it alone: node servers/field_cases/drain_alone/broken.mjs

import { once } from 'node:events'

import { askLlm, ending, eventOf, fail, run, startStream } from '../../express/common.mjs'

async function chat(req, res) {
  const answering = new AbortController()
  try {
    const stream = await askLlm(req, answering.signal)
    startStream(res)
    let last
    for await (last of stream) {
      if (res.destroyed) return
      const hasRoom = res.write(eventOf(last))
      if (!hasRoom) await once(res, 'drain')
    }
    res.end(ending(last))
  } catch (problem) {
    fail(res, problem)
  } finally {
    answering.abort() // the LLM need not go on, whatever has ended the answer
  }
}

run(chat)
