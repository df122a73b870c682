// What the patients on Node share: asking the LLM, and an answer as events, with the flaw of FLAW.

import OpenAI from 'openai'

export const { FLAW = 'healthy', PORT = '0', MODEL = 'gpt-4o-mini' } = process.env
export const FAILED = { error: { code: 'llm_failed', message: 'The model failed. Try again.' } }
export const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': FLAW === 'compresses' ? 'no-cache' : 'no-cache, no-transform',
  'X-Accel-Buffering': 'no'
}

const client = new OpenAI()

// Rejects with what fails before the start; `signal` stops the LLM at whatever moment.
export function ask(prompt, signal) {
  const messages = [{ role: 'user', content: prompt }]
  return client.chat.completions.create({ model: MODEL, messages, stream: true }, { signal })
}

// An answer's events; leaving the loop over them closes the LLM's stream.
export async function* events(stream) {
  let finish
  try {
    for await (const chunk of stream) {
      const token = chunk.choices[0]?.delta.content
      finish = chunk.choices[0]?.finish_reason
      if (token) yield event({ token })
    }
  } catch (problem) {
    if (FLAW === 'dies') throw problem
    if (FLAW !== 'hides_errors') return yield event(FAILED)
  }
  yield finish || FLAW === 'hides_errors' ? 'data: [DONE]\n\n' : event(FAILED)
}

// A signal that is aborted when the response's connection ends, unless the flaw is to have none.
export function leaving(res) {
  const controller = new AbortController()
  if (FLAW !== 'no_signal' && FLAW !== 'never_cancels') {
    res.once('close', () => controller.abort())
  }
  return controller.signal
}

export function statusOf(problem) {
  return problem.status === 429 ? 429 : 502
}

function event(data) {
  return `data: ${JSON.stringify(data)}\n\n`
}
