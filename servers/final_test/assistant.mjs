// Answers travellers: Express, POST /chat with {"prompt": "..."}, server-sent events back.
//
// PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL come from outside.

import { once } from 'node:events'

import express from 'express'
import OpenAI from 'openai'

const RULES = 'You help travellers with tickets and connections.'
const FAILED = { code: 'llm_failed', message: 'The assistant was interrupted. Ask again.' }
const client = new OpenAI()
const model = process.env.MODEL ?? 'gpt-4o-mini'

let underWay = 0 // shown to the people at work

const event = (data) => `data: ${JSON.stringify(data)}\n\n`

function ask(prompt, signal) {
  const messages = [
    { role: 'system', content: RULES },
    { role: 'user', content: prompt }
  ]
  return client.chat.completions.create({ model, messages, stream: true }, { signal })
}

// Writes one event, and waits until there is room for the next.
async function send(res, text) {
  if (!res.write(text)) await once(res, 'drain')
}

async function relay(stream, res) {
  let finished = false
  for await (const chunk of stream) {
    if (res.destroyed) return
    const choice = chunk.choices[0]
    finished ||= Boolean(choice?.finish_reason)
    if (choice?.delta.content) await send(res, event({ token: choice.delta.content }))
  }
  await send(res, finished ? 'data: [DONE]\n\n' : event({ error: FAILED }))
}

async function chat(req, res) {
  if (typeof req.body?.prompt !== 'string') {
    return res.status(400).json({ error: { code: 'bad_request', message: 'Send a prompt.' } })
  }
  const answering = new AbortController()
  underWay += 1
  try {
    const stream = await ask(req.body.prompt, answering.signal)
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
    res.flushHeaders()
    await relay(stream, res)
    res.end()
  } catch (problem) {
    console.error(problem.message)
    if (res.headersSent) res.end(event({ error: FAILED }))
    else res.status(502).json({ error: FAILED })
  } finally {
    underWay -= 1
    answering.abort() // whatever has ended the answer, the LLM need not go on
  }
}

const app = express()
app.use(express.json())
app.post('/chat', chat)
app.get('/under-way', (_req, res) => res.json({ underWay }))
app.listen(Number(process.env.PORT ?? 8000), '127.0.0.1')
