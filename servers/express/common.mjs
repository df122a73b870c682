// What is the same in every step: asking the LLM, the format of an event, and serving a handler.

import { fileURLToPath } from 'node:url'

import express from 'express'
import OpenAI, { OpenAIError, RateLimitError } from 'openai'

// What is told to a reader that asks for something that cannot be.
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message)
    Object.assign(this, { status, code })
  }
}

const BROKE_OFF = {
  code: 'llm_failed',
  message: 'The model broke off in the middle of its answer. Try again.'
}

// Why an answer is not gone on with when its reader has left: nobody is there to be told.
export const LEFT = new Error('The reader has left.')

const PAGE = fileURLToPath(new URL('../../react_client/dist', import.meta.url))
const ANY_JSON = express.json({ type: () => true, strict: false, limit: '1mb' })

// Starts an answer to the request's prompt; aborting the signal closes it on the LLM's side too.
export function askLlm(req, signal) {
  const { client, model } = req.app.locals
  const prompt = req.body?.prompt
  if (typeof prompt !== 'string') throw badRequest()
  const messages = [{ role: 'user', content: prompt }]
  return client.chat.completions.create({ model, messages, stream: true }, { signal })
}

export function startStream(res, headers = {}) {
  const usual = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }
  res.writeHead(200, { ...usual, ...headers }).flushHeaders()
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
export function fail(res, problem, finish = (res, end) => res.end(end)) {
  if (problem instanceof OpenAIError) console.error(`${problem.name}: ${problem.message}`)
  else if (!(problem instanceof Refusal)) console.error(problem)
  if (res.headersSent) return finish(res, failure(problem))
  const { status, code, message } = refusal(problem)
  res.status(status).json({ error: { code, message } })
}

// Serves a handler at POST /chat, after what reads its body, and the page that asks it at GET /.
// HOST, PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL come from outside.
export function run(chat, readBody = ANY_JSON) {
  const { HOST = '127.0.0.1', PORT = '0', MODEL = 'gpt-4o-mini' } = process.env
  if (!/^\d+$/.test(PORT) || PORT > 65535) {
    giveUp(`PORT is '${PORT}'. Set it to a number up to 65535, or to 0 for a free port.`)
  }
  const app = express()
  app.locals = { client: makeClient(), model: MODEL }
  app.post('/chat', readBody, chat)
  app.use(express.static(PAGE))
  app.use((problem, _req, res, _next) => fail(res, problem.expose ? badRequest() : problem))
  const server = app.listen(PORT, HOST, (problem) => {
    if (problem) giveUp(`Cannot listen: ${problem.message}. Set another HOST or PORT.`)
    console.log(`Serving on http://${HOST}:${server.address().port}`)
  })
  // a reader that closed its half only would keep the socket until it has read the rest
  server.on('connection', (socket) => socket.once('end', () => socket.destroy()))
  return server
}

function event(data) {
  return `data: ${JSON.stringify(data)}\n\n`
}

function failure(problem) {
  const { code, message } = problem instanceof Refusal ? problem : BROKE_OFF
  return event({ error: { code, message } })
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

export function giveUp(sentence) {
  console.error(sentence)
  process.exit(1)
}
