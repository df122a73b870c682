import type { Tokens } from 'marked'
import { blocksOf, inlineOf } from './parse'

/** Where a block can be cut, and what the rest must begin with to be understood alone. */
export interface Seam {
  at: number
  opening: string
}

/** Finds the last seam in a long block that still grows. */
export function cut(source: string): Seam | undefined {
  const [block, ...more] = blocksOf(source)
  if (!block || more.length) return undefined
  if (block.type === 'code') return cutCode(source, block)
  if (block.type === 'table') return cutTable(source)
  if (block.type === 'list') return cutList(block)
  if (block.type === 'paragraph') return cutParagraph(source)
  return undefined
}

function cutCode(source: string, { codeBlockStyle }: Tokens.Code): Seam | undefined {
  return afterLines(source, codeBlockStyle === 'indented' ? 0 : 1)
}

function cutTable(source: string): Seam | undefined {
  return afterLines(source, 2) // the header and the line that makes it one
}

function cutList({ items }: Tokens.List): Seam | undefined {
  const at = items.slice(0, -1).reduce((length, { raw }) => length + raw.length, 0)
  return at > 0 ? { at, opening: '' } : undefined
}

// The rest begins with what is sure to go on as a paragraph: `12` could become the item `12.` yet.
const BETWEEN_SENTENCES = /[.!?] (?=[\p{L}"“'(]|#\d)/gu
const BETWEEN_WORDS = / (?=[\p{L}"“'(]|#\d)/gu

function cutParagraph(source: string): Seam | undefined {
  const at = lastInText(source, BETWEEN_SENTENCES) || lastInText(source, BETWEEN_WORDS)
  return at > 0 ? { at, opening: '' } : undefined
}

// The end of the last match outside of emphasis, code and links.
function lastInText(source: string, pattern: RegExp): number {
  let at = 0
  let begin = 0
  for (const { type, raw } of inlineOf(source)) {
    if (type === 'text')
      for (const { 0: match, index } of raw.matchAll(pattern)) at = begin + index + match.length
    begin += raw.length
  }
  return at
}

function afterLines(source: string, openingLines: number): Seam | undefined {
  const at = source.lastIndexOf('\n') + 1
  const opening = source
    .split('\n', openingLines)
    .map((line) => `${line}\n`)
    .join('')
  return at > opening.length ? { at, opening } : undefined
}
