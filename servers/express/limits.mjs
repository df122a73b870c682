// What a request may be: the rest is refused, before the LLM is asked, with a status of its own.
//
// JSON by its name only (415): a page of another site can send every other type without asking
// first (a CORS preflight), and would spend its visitor's budget.

import express from 'express'

import { Refusal } from './common.mjs'
import { count } from './settings.mjs'

const MAX_PROMPT_CHARS = count('MAX_PROMPT_CHARS', 20_000)
const MAX_BODY_BYTES = count('MAX_BODY_BYTES', 131_072)

// Middleware to put before a handler, in place of reading whatever comes.
export const withinLimits = [
  onlyJson,
  express.json({ strict: false, limit: MAX_BODY_BYTES }),
  tooLarge,
  checkPrompt
]

function onlyJson(req, _res, next) {
  if (req.is('application/json')) return next()
  next(new Refusal(415, 'not_json', 'Send the prompt with Content-Type: application/json.'))
}

function tooLarge(problem, _req, _res, next) {
  if (problem.type !== 'entity.too.large') return next(problem)
  const most = MAX_BODY_BYTES.toLocaleString('en')
  const message = `The request is larger than ${most} bytes. Send a shorter prompt.`
  next(new Refusal(413, 'too_large', message))
}

function checkPrompt(req, _res, next) {
  const prompt = req.body?.prompt
  if (typeof prompt !== 'string') return next()
  if (!prompt.trim()) {
    return next(new Refusal(422, 'empty_prompt', 'The prompt is empty. Ask something.'))
  }
  if (prompt.length <= MAX_PROMPT_CHARS) return next()
  const most = MAX_PROMPT_CHARS.toLocaleString('en')
  const message = `The prompt is longer than ${most} characters. Shorten it.`
  next(new Refusal(422, 'long_prompt', message))
}
