// What is the same in every step: asking the LLM, the format of an event, and serving a handler.

import express from 'express'
import OpenAI, { OpenAIError, RateLimitError } from 'openai'

// What is told to a reader that asks for something that cannot be.
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message)
    Object.assign(this, { status, code })
  }
}

// Starts an answer to the request's prompt; aborting the signal closes it on the LLM's side too.
export function askLlm(req, signal) {
  const { client, model } = req.app.locals
  const prompt = req.body?.prompt
  if (typeof prompt !== 'string') throw badRequest()
  const messages = [{ role: 'user', content: prompt }]
  return client.chat.completions.create({ model, messages, stream: true }, { signal })
}

export function startStream(res) {
  const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }
  res.writeHead(200, headers).flushHeaders()
}

// Makes the event of a chunk; nothing for one without text, such as the first and the last.
export function eventOf(chunk) {
  const token = chunk.choices[0]?.delta.content
  return token ? event({ token }) : ''
}

// Makes the last event: an answer is complete only if its last chunk says why it finished.
export function ending(last) {
  return last?.choices[0]?.finish_reason ? 'data: [DONE]\n\n' : failure()
}

// Ends an answer that failed: with a status if nothing was sent yet, else with an error event.
// What the LLM said stays in the server's log, for it may name keys and accounts.
export function fail(res, problem) {
  if (problem instanceof OpenAIError) console.error(`${problem.name}: ${problem.message}`)
  else if (!(problem instanceof Refusal)) console.error(problem)
  if (res.headersSent) return res.end(failure())
  const { status, code, message } = refusal(problem)
  res.status(status).json({ error: { code, message } })
}

// Serves a handler at POST /chat: HOST, PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL come from
// outside.
export function run(chat) {
  const { HOST = '127.0.0.1', PORT = '0', MODEL = 'gpt-4o-mini' } = process.env
  if (!/^\d+$/.test(PORT) || PORT > 65535) {
    giveUp(`PORT is '${PORT}'. Set it to a number up to 65535, or to 0 for a free port.`)
  }
  const app = express()
  app.locals = { client: makeClient(), model: MODEL }
  app.use(express.json({ type: () => true, strict: false, limit: '1mb' }))
  app.post('/chat', chat)
  app.use((problem, _req, res, _next) => fail(res, problem.expose ? badRequest() : problem))
  const server = app.listen(PORT, HOST, (problem) => {
    if (problem) giveUp(`Cannot listen: ${problem.message}. Set another HOST or PORT.`)
    console.log(`Serving on http://${HOST}:${server.address().port}`)
  })
  // a reader that closed its half only would keep the socket until it has read the rest
  server.on('connection', (socket) => socket.once('end', () => socket.destroy()))
}

function event(data) {
  return `data: ${JSON.stringify(data)}\n\n`
}

function failure() {
  const message = 'The model broke off in the middle of its answer. Try again.'
  return event({ error: { code: 'llm_failed', message } })
}

function badRequest() {
  return new Refusal(400, 'bad_request', 'Send JSON like {"prompt": "Hello"}.')
}

function refusal(problem) {
  if (problem instanceof Refusal) return problem
  if (problem instanceof RateLimitError) {
    return new Refusal(429, 'busy', 'The model is busy. Try again.')
  }
  if (problem instanceof OpenAIError) {
    return new Refusal(502, 'llm_failed', 'The model failed. Try again.')
  }
  return new Refusal(500, 'server_failed', 'The server failed. Try again.')
}

function makeClient() {
  try {
    return new OpenAI()
  } catch (problem) {
    giveUp(`The OpenAI client cannot start: ${problem.message}`)
  }
}

function giveUp(sentence) {
  console.error(sentence)
  process.exit(1)
}
