// Node's own http, and a pipeline from a generator to the response.

import { createServer } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

import { ask, events, FAILED, FLAW, HEADERS, leaving, PORT, statusOf } from './relay.mjs'

async function chat(req, res) {
  const signal = leaving(res)
  const { prompt } = await json(req)
  let stream
  try {
    stream = await ask(prompt, signal)
  } catch (problem) {
    if (FLAW === 'dies') throw problem // and nobody awaits this function
    res.writeHead(statusOf(problem), { 'Content-Type': 'application/json' })
    return res.end(JSON.stringify(FAILED))
  }
  res.writeHead(200, HEADERS).flushHeaders()
  try {
    await pipeline(stages(stream), res, { signal })
  } catch (problem) {
    if (!signal.aborted) throw problem
  }
}

function stages(stream) {
  const pieces = Readable.from(events(stream))
  return FLAW === 'hoards_8mb' ? pieces.pipe(new PassThrough({ highWaterMark: 8_000_000 })) : pieces
}

createServer(chat).listen(PORT, '127.0.0.1')
