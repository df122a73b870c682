import { cleanup, render } from '@testing-library/react'
import { afterEach, describe, expect, test } from 'vitest'
import { atOnce, growing, grown } from '../testing/growing'
import { answerOf, BLOCKS, chance, linesOf, tokensOf } from '../testing/markdown'
import { Markdown } from './Markdown'

afterEach(cleanup)

// space at the end of a line comes and goes
const bare = (text: string | null) => text?.replace(/\s+/g, '') ?? ''

describe('what has grown is what it would be at once', () => {
  test.each(BLOCKS)('%j, character by character, before and after a paragraph', (block) => {
    const text = `Before.\n\n${block}\n\nAfter.`
    expect(grown([...text]).innerHTML).toBe(atOnce(text).innerHTML)
  })

  test('for 40 random answers', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = chance(seed)
      const text = answerOf(random, 12)
      const container = grown(tokensOf(text, random))
      expect(container.innerHTML, `seed ${seed}`).toBe(atOnce(text).innerHTML)
      cleanup()
    }
  })

  test('for an answer of more blocks than a section holds', () => {
    const text = BLOCKS.concat(BLOCKS, BLOCKS, BLOCKS).join('\n\n')
    expect(grown(tokensOf(text, chance(1))).innerHTML).toBe(atOnce(text).innerHTML)
  })

  test('when its lines end with CR LF', () => {
    const text = linesOf('mixed answer', 60).replaceAll('\n', '\r\n')
    expect(grown(tokensOf(text, chance(4))).innerHTML).toBe(atOnce(text).innerHTML)
  })

  test('when another text takes its place', () => {
    const { container, rerender } = render(<Markdown text={'One.\n\n- two\n- three'} />)
    rerender(<Markdown text="# Four" />)
    expect(container.innerHTML).toBe(atOnce('# Four').innerHTML)
  })
})

const OPENING = { code: '```py', heading: '#', paragraph: '' }

describe('a long block, which is cut, looks like one', () => {
  test.each([
    ['code', 'pre', 1],
    ['indented code', 'pre', 1],
    ['list', 'ul', 1],
    ['list', 'li', 150],
    ['ordered list', 'ol', 1],
    ['ordered list', 'ol > li', 150],
    ['table', 'table', 1],
    ['table', 'tbody tr', 150],
    ['paragraph', 'p', 3],
    ['one item', 'li', 1],
    ['quotation', 'blockquote', 1],
    ['heading', 'h1', 1],
  ] as const)('%s: %s', (kind, selector, count) => {
    const text = `Before.\n\n${linesOf(kind, 150)}\n\nAfter **it**.`
    const container = grown(tokensOf(text, chance(2)))
    expect(container.querySelectorAll(selector)).toHaveLength(count)
    expect(container.textContent).toBe(atOnce(text).textContent)
  })

  test.each([
    ['paragraph', 400],
    ['code', 300],
    ['heading', 1_200], // beyond the length up to which it is parsed at each commit
  ] as const)('all of a %s is seen at any moment', (kind, lines) => {
    const text = linesOf(kind, lines).replaceAll('*', 'x')
    const { container, add } = growing()
    let due = ''
    for (const token of tokensOf(text, chance(3))) {
      add(token)
      due += bare(token)
      const seen = OPENING[kind] + bare(container.textContent)
      expect(due.startsWith(seen) || seen.startsWith(due)).toBe(true)
      expect(due.length - seen.length).toBeLessThan(20) // an open end waits
    }
  })
})

describe('what follows a long block', () => {
  test.each([
    ['```py\n', 'x = 1\n'.repeat(300), '```\n', '# Title', 'pre'],
    ['- one\n', '- item\n'.repeat(300), '', '# Title', 'ul'],
    ['| a |\n|---|\n', '| 1 |\n'.repeat(300), '', '# Title', 'table'],
  ])('%j is seen at once, and is no part of it', (opening, lines, ending, next, selector) => {
    const { container, add } = growing()
    for (const token of [opening, lines, lines + ending, next]) add(token)
    expect(container.querySelectorAll(selector)).toHaveLength(1)
    expect(container.querySelector('h1')?.textContent).toBe('Title')
    expect(container.querySelector(selector)?.textContent).not.toContain('Title')
  })
})

describe('an unfinished text does not flicker', () => {
  const MORE = [
    '**a** b **c** e `f` ~~g~~ *h*',
    '1. **Bold**: text\n2. `x`',
    '- *a*\n- **b**',
    'See [the **bold** text](https://a.example) and ![pic](https://b.example/x.png), end!',
    'x < y and a <b>c</b> & d',
    '$5 and $6 * 2, __init__, snake_case_name, I * J, AT&T',
    '> **q**\n> x',
    '```py\na = "**"\n---\n| x\n```',
    '| a | b |\n|---|---|\n| `1` | **2** |',
  ]
  // a reference, which stays text, begins like a link
  const texts = [...BLOCKS, ...MORE].filter((text) => !text.startsWith('[1]'))

  test.each(texts)('%j: nothing is seen that goes away again', (text) => {
    const final = bare(atOnce(text).textContent)
    const { container, add } = growing()
    for (const character of text) {
      add(character)
      const seen = bare(container.textContent)
      expect(final.slice(0, seen.length)).toBe(seen)
    }
  })

  test.each([
    ['some **bo', '<p>some <strong>bo</strong></p>'],
    ['some `co', '<p>some <code>co</code></p>'],
    ['a [link](https://a.exam', '<p>a link</p>'],
    ['```py', '<pre data-language="py"><code><span class="piece"></span></code></pre>'],
    ['| a | b |', ''],
    ['Shopping:\n-', '<p>Shopping:</p>'],
  ])('%j is shown as %j', (text, html) => {
    const { container } = render(<Markdown text={text} growing />)
    expect(container.querySelector('.markdown')?.innerHTML).toBe(html)
  })

  test('what waited is shown as it is when nothing more comes', () => {
    const { container } = render(<Markdown text="one **" />)
    expect(container.textContent).toBe('one **')
  })
})
