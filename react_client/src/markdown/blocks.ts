import type { MarkedToken } from 'marked'
import { cut } from './cut'
import { blocksOf } from './parse'

/** A block of Markdown in pieces that are parsed one by one: one piece, unless it is long. */
export type Block = readonly string[]

/** A growing text in blocks. Finished ones never change, so that they are parsed once. */
export interface Blocks {
  readonly text: string
  readonly finished: readonly Block[]
  readonly open: Block // pieces of the block that grows: they are finished too
  readonly tail: string // what may still change
  readonly parsed: number // how much of the tail is looked at; less than all only beyond UNCUT
}

export const NOTHING: Blocks = { text: '', finished: [], open: [], tail: '', parsed: 0 }

// Beyond this the tail is cut where that leaves its look as it is: between two lines of code, two
// items of a list, two rows of a table, two words of a paragraph.
const LONG = 1_000
// Some blocks have no such seam, like one item or one quotation without end. Beyond this they are
// looked at only when they are half as long again; what came since then is shown as it is written.
const UNCUT = 8_000
const LONGER = 1.5

/** Takes the text as it is now, which begins with what it was (or begins anew). */
export function grow(before: Blocks, text: string): Blocks {
  if (!text.startsWith(before.text)) return grow(NOTHING, text)
  const fresh = text.slice(before.text.length).replaceAll('\r', '')
  const grown = { ...before, text, tail: before.tail + fresh }
  if (grown.tail.length > UNCUT && grown.tail.length < before.parsed * LONGER) return grown
  const lineBegan = `${before.tail.slice(-1)}${fresh}`.includes('\n')
  const settled = lineBegan ? finish(grown) : grown
  const shorter = settled.tail.length > LONG ? shorten(settled) : settled
  return { ...shorter, parsed: shorter.tail.length }
}

// A block is finished when no line that comes can belong to it. Only whole lines tell.
function finish(blocks: Blocks): Blocks {
  const lines = blocks.tail.slice(0, blocks.tail.lastIndexOf('\n') + 1)
  const tokens = blocksOf(lines)
  const last = tokens.findLastIndex(({ type }) => type !== 'space')
  const blankFollows = /\n[ \t]*\n$/.test(lines)
  const next = blocks.tail.slice(lines.length)
  const isOpen = last >= 0 && canGrow(tokens[last] as MarkedToken, blankFollows, next)
  const closed = tokens.slice(0, isOpen ? last : tokens.length)
  const sources = closed.filter(({ type }) => type !== 'space').map(({ raw }) => raw)
  if (!sources.length) return blocks
  const finished = [[...blocks.open, sources[0] as string], ...sources.slice(1).map((raw) => [raw])]
  return {
    ...blocks,
    finished: [...blocks.finished, ...finished],
    open: [],
    tail: blocks.tail.slice(closed.reduce((length, { raw }) => length + raw.length, 0)),
  }
}

// `next` is what there is of the line after it, when a blank line follows.
function canGrow(token: MarkedToken, blankFollows: boolean, next: string): boolean {
  if (token.type === 'heading' || token.type === 'hr') return false
  if (token.type === 'list') return !blankFollows || !/^[^\s\d*+-]/.test(next)
  if (token.type === 'code') return !isClosedFence(token.raw)
  return !blankFollows
}

function isClosedFence(raw: string): boolean {
  const [, fence = '```'] = /^ {0,3}(`{3,}|~{3,})/.exec(raw) ?? []
  return new RegExp(`\n {0,3}${fence}${fence[0]}*[ \t]*\n?$`).test(raw)
}

function shorten(blocks: Blocks): Blocks {
  const seam = cut(blocks.tail)
  if (!seam) return blocks
  const tail = seam.opening + blocks.tail.slice(seam.at)
  return { ...blocks, open: [...blocks.open, blocks.tail.slice(0, seam.at)], tail }
}
