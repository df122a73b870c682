// Answers employees: Express, POST /chat with {"prompt": "..."}, server-sent events back.
//
// PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL come from outside.

import { once } from 'node:events'
import { createGzip } from 'node:zlib'

import express from 'express'
import OpenAI from 'openai'

const RULES = 'You are the help desk of a company. Name the form that is needed.'
const FAILED = { code: 'llm_failed', message: 'The help desk was interrupted. Ask again.' }
const client = new OpenAI()
const model = process.env.MODEL ?? 'gpt-4o-mini'

const event = (data) => `data: ${JSON.stringify(data)}\n\n`

// Makes pages smaller, for whoever accepts it: `res.body` is where to write to.
function compress(req, res, next) {
  res.body = res
  if (req.acceptsEncodings('gzip')) {
    res.setHeader('Content-Encoding', 'gzip')
    res.setHeader('Vary', 'Accept-Encoding')
    res.body = createGzip()
    res.body.pipe(res)
  }
  next()
}

function ask(prompt, signal) {
  const messages = [
    { role: 'system', content: RULES },
    { role: 'user', content: prompt }
  ]
  return client.chat.completions.create({ model, messages, stream: true }, { signal })
}

async function relay(stream, res, signal) {
  let finished = false
  for await (const chunk of stream) {
    const choice = chunk.choices[0]
    finished ||= Boolean(choice?.finish_reason)
    if (!choice?.delta.content) continue
    const hasRoom = res.body.write(event({ token: choice.delta.content }))
    if (!hasRoom) await once(res.body, 'drain', { signal })
  }
  res.body.end(finished ? 'data: [DONE]\n\n' : event({ error: FAILED }))
}

async function chat(req, res) {
  const leaving = new AbortController()
  const { signal } = leaving
  res.once('close', () => leaving.abort())
  try {
    const stream = await ask(String(req.body?.prompt ?? ''), signal)
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
    await relay(stream, res, signal)
  } catch (problem) {
    if (signal.aborted) return
    console.error(problem.message)
    if (!res.headersSent) res.status(502)
    res.body.end(event({ error: FAILED }))
  }
}

const app = express()
app.use(express.json())
app.use(compress)
app.post('/chat', chat)
app.get('/', (_req, res) => {
  res.type('html')
  res.body.end('<h1>Help desk</h1>')
})
app.listen(Number(process.env.PORT ?? 8000), '127.0.0.1')
