import type { MarkedToken } from 'marked'
import { memo, type ReactNode, useMemo, useState } from 'react'
import { type Block, grow, NOTHING } from './blocks'
import { container, contents, elements } from './elements'
import { parse } from './parse'
import { completed } from './unfinished'

/**
 * Shows Markdown while it grows. A commit parses the block at the end and nothing before it, and
 * never more than a bounded part of that one: see blocks.ts.
 *
 * `growing` completes markers that are still open. Known limits: links by reference stay text, and
 * items of one long list may stand closer than their neighbours.
 */
export function Markdown({ text, growing = false }: { text: string; growing?: boolean }) {
  const [blocks, setBlocks] = useState(NOTHING)
  // state that follows a prop: React renders anew at once, before it renders what is within
  if (blocks.text !== text) setBlocks(grow(blocks, text))
  const { finished, open, tail, parsed } = blocks
  const source = tail.slice(0, parsed)
  const last = [...open, growing ? completed(source) : tail]
  return (
    <div className="markdown">
      {sectionsOf([...finished, last]).map((section, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a section is known by its place for good
        <Section key={place} blocks={section} />
      ))}
      {growing && parsed < tail.length && <p className="as-written">{tail.slice(parsed)}</p>}
    </div>
  )
}

// React compares every child it is given: hundreds of blocks in sections are a few dozen.
const BLOCKS_IN_SECTION = 32

function sectionsOf(blocks: readonly Block[]): Block[][] {
  const sections: Block[][] = []
  for (let at = 0; at < blocks.length; at += BLOCKS_IN_SECTION)
    sections.push(blocks.slice(at, at + BLOCKS_IN_SECTION))
  return sections
}

const Section = memo(
  ({ blocks }: { blocks: readonly Block[] }): ReactNode =>
    // biome-ignore lint/suspicious/noArrayIndexKey: a block is known by its place for good
    blocks.map((block, place) => <BlockView key={place} block={block} />),
  // blocks come at the end and change nowhere else, unless the whole text is another one
  ({ blocks: before }, { blocks: now }) =>
    before.length === now.length && before[0] === now[0] && before.at(-1) === now.at(-1),
)

const BlockView = memo(({ block }: { block: Block }): ReactNode => {
  if (block.length === 1) return <Whole source={block[0] as string} />
  return <InPieces pieces={block} />
})

const Whole = memo(({ source }: { source: string }): ReactNode => elements(parse(source)))

// The last piece may be followed by the beginning of the next block.
function InPieces({ pieces }: { pieces: Block }): ReactNode {
  const [first = '', last = ''] = [pieces[0], pieces.at(-1)]
  const [opening] = useMemo(() => parse(first), [first])
  const [rest, ...after] = useMemo(() => parse(last), [last])
  const children = (
    <>
      {pieces.slice(0, -1).map((source, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a piece is known by its place for good
        <Piece key={place} source={source} />
      ))}
      {rest && contents(rest)}
    </>
  )
  return (
    <>
      {container(opening as MarkedToken, children)}
      {elements(after)}
    </>
  )
}

const Piece = memo(({ source }: { source: string }): ReactNode => {
  const [token] = parse(source)
  return token && contents(token)
})
