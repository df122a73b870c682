// Hono on Node: its streamSSE, and the AI SDK's own response.

import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { serve } from '@hono/node-server'
import { convertToModelMessages, streamText } from 'ai'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

import { ask, events, FAILED, FLAW, HEADERS, MODEL, PORT, statusOf } from './relay.mjs'

async function chat(c) {
  const leaving = new AbortController()
  let stream
  try {
    stream = await ask((await c.req.json()).prompt, leaving.signal)
  } catch (problem) {
    return c.json(FAILED, statusOf(problem))
  }
  const response = streamSSE(c, async (out) => {
    if (FLAW !== 'no_signal') out.onAbort(() => leaving.abort())
    for await (const event of events(stream)) {
      const writing = out.write(event)
      if (FLAW !== 'hoards') await writing
    }
  })
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value)
  return response
}

const { OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey } = process.env
const provider = createOpenAICompatible({ name: 'llm', baseURL, apiKey })

// As the AI SDK's documentation has it, with the signal that it recommends.
async function uiMessages(c) {
  const { messages } = await c.req.json()
  const answer = streamText({
    model: provider(MODEL),
    messages: await convertToModelMessages(messages),
    abortSignal: FLAW === 'no_signal' ? undefined : c.req.raw.signal,
    maxRetries: 0
  })
  return answer.toUIMessageStreamResponse()
}

const app = new Hono()
app.post('/chat', chat)
app.post('/api/chat', uiMessages)
serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' })
