import { expect, test } from 'vitest'
import { cut } from './cut'
import { parse } from './parse'

const WORDS = 'and so on with many words '.repeat(20)

function parts(source: string) {
  const seam = cut(source)
  return seam && [source.slice(0, seam.at), seam.opening + source.slice(seam.at)]
}

test('code is cut between its lines, and the rest is opened like the whole', () => {
  expect(parts('```py\na = 1\nb = 2\nc')).toEqual(['```py\na = 1\nb = 2\n', '```py\nc'])
  expect(parts('    a = 1\n    b')).toEqual(['    a = 1\n', '    b'])
})

test('a table is cut between its rows, and the rest has its header', () => {
  const head = '| a | b |\n|---|---|\n'
  expect(parts(`${head}| 1 | 2 |\n| 3 |`)).toEqual([`${head}| 1 | 2 |\n`, `${head}| 3 |`])
})

test('a list is cut between its own items, not within one', () => {
  expect(parts('- one\n- two\n  - nested\n  - nested')).toEqual([
    '- one\n',
    '- two\n  - nested\n  - nested',
  ])
})

test('a paragraph is cut between sentences, else between words', () => {
  expect(parts('One. Two. Three more')).toEqual(['One. Two. ', 'Three more'])
  expect(parts('one two three')).toEqual(['one two ', 'three'])
  expect(parts('#1 #2 #3')).toEqual(['#1 #2 ', '#3'])
})

test.each(['**bold words**', '`code words`', '[link words](https://a.example)'])(
  'a paragraph is not cut within %j',
  (end) => {
    expect(parts(WORDS + end)?.[0]?.length).toBeLessThan(WORDS.length)
  },
)

test.each(['1. no item', '- no item', '# no title', '12', '> no quotation', '+'])(
  'what follows the seam of a paragraph stays one: %j',
  (end) => {
    const [, rest = ''] = parts(WORDS + end) ?? []
    expect(parse(`${rest}. And more`).map(({ type }) => type)).toEqual(['paragraph'])
  },
)

test.each([
  '- one item',
  '> a quotation\n> of lines',
  '# a title',
  '```py',
  '| a |\n|---|\n',
  'word',
])('%j has no seam', (source) => {
  expect(cut(source)).toBe(undefined)
})
