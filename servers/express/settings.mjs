// Settings from the environment: read at the start, and a bad one is told in a sentence.

import { giveUp } from './common.mjs'

// Reads a time in seconds, above 0, and returns it in milliseconds.
export function milliseconds(name, usual) {
  const text = process.env[name] || String(usual)
  const value = Number(text)
  if (value > 0 && value < 2 ** 31 / 1000) return value * 1000
  giveUp(`${name} is '${text}'. Set it to seconds, such as ${usual}.`)
}

// Reads a whole number, 1 or more.
export function count(name, usual) {
  const text = process.env[name] || String(usual)
  if (/^\d+$/.test(text) && Number(text) > 0) return Number(text)
  giveUp(`${name} is '${text}'. Set it to a whole number above 0, such as ${usual}.`)
}
