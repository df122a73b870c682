// Fastify: a reply is sent a stream.

import { PassThrough, Readable } from 'node:stream'

import Fastify from 'fastify'

import { ask, events, FAILED, FLAW, HEADERS, leaving, PORT, statusOf } from './relay.mjs'

async function chat(request, reply) {
  let stream
  try {
    stream = await ask(request.body.prompt, leaving(reply.raw))
  } catch (problem) {
    return reply.code(statusOf(problem)).send(FAILED)
  }
  return reply.headers(HEADERS).send(FLAW === 'hoards' ? hoarded(stream) : Readable.from(events(stream)))
}

// The flaw: a stream that is written to without looking at what write() answers.
function hoarded(stream) {
  const pieces = new PassThrough()
  const write = async () => {
    for await (const event of events(stream)) pieces.write(event)
    pieces.end()
  }
  write().catch(() => pieces.destroy())
  return pieces
}

const app = Fastify()
app.post('/chat', chat)
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
