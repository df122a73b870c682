// Express: a loop that writes, and what is forgotten there.

import { once } from 'node:events'

import compression from 'compression'
import express from 'express'

import { ask, events, FAILED, FLAW, HEADERS, leaving, PORT, statusOf } from './relay.mjs'

let lastCaller // the flaw of whoever keeps what belongs to one request in a module

async function chat(req, res) {
  const signal = leaving(res)
  const waiting = FLAW === 'only_drain' || FLAW === 'never_cancels' ? {} : { signal }
  lastCaller = res
  try {
    const stream = await ask(req.body.prompt, FLAW === 'only_drain' ? undefined : signal)
    res.writeHead(200, HEADERS).flushHeaders()
    for await (const event of events(stream)) {
      if (res.destroyed && FLAW === 'only_drain') break
      if (res.destroyed) continue
      const to = FLAW === 'mixes_up' ? lastCaller : res
      if (!to.write(event) && FLAW !== 'hoards') await once(to, 'drain', waiting)
    }
    res.end()
  } catch (problem) {
    if (signal.aborted) return
    if (!res.headersSent) res.status(statusOf(problem)).json(FAILED)
  }
}

const app = express()
app.use(express.json())
if (FLAW === 'compresses') app.use(compression())
app.post('/chat', chat)
app.listen(PORT, '127.0.0.1')
