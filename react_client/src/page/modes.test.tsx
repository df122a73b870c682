import { cleanup, render } from '@testing-library/react'
import { Suspense } from 'react'
import { afterEach, expect, test } from 'vitest'
import { parsed } from '../markdown/parsed'
import { BLOCKS } from '../testing/markdown'
import { MODES, type Mode } from './modes'

const SHORT = BLOCKS.map((block) => `${block}\n\n`).join('')
const LONG = SHORT.repeat(20)

afterEach(cleanup)

interface Props {
  mode: Mode
  text: string
  growing?: boolean
}

function Answer({ mode, text, growing = true }: Props) {
  const { View } = MODES[mode]
  return (
    <Suspense>
      <View text={text} growing={growing} />
    </Suspense>
  )
}

/** Shows a text, and returns what parses more of it and counts. */
async function show(mode: Mode, text: string) {
  const { container, rerender } = render(<Answer mode={mode} text={text} />)
  await expect.poll(() => container.querySelector('.markdown, .plain')).toBeTruthy()
  return (text: string, growing = true) => {
    const before = parsed.characters
    rerender(<Answer mode={mode} text={text} growing={growing} />)
    return parsed.characters - before
  }
}

test.each(['per-frame', 'per-token'] as const)(
  '%s parses all of it for each word',
  async (mode) => {
    const parsedBy = await show(mode, LONG)
    expect(parsedBy(`${LONG}word`)).toBe(LONG.length + 4)
  },
)

test('at the end it is parsed once, and not before', async () => {
  const parsedBy = await show('at-end', LONG)
  expect(parsedBy(`${LONG}word`)).toBe(0)
  expect(parsedBy(`${LONG}word`, false)).toBe(LONG.length + 4)
})

test('plain text is not parsed', async () => {
  const parsedBy = await show('plain', LONG)
  expect(parsedBy(`${LONG}word`)).toBe(0)
})

test('in blocks a word costs as much after a long text as after a short one', async () => {
  const [short, long] = [await show('blocks', SHORT), await show('blocks', LONG)]
  const ofShort = short(`${SHORT}word`)
  expect(ofShort).toBeGreaterThan(3)
  expect(long(`${LONG}word`)).toBe(ofShort)
})
