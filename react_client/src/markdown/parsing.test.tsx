import { cleanup } from '@testing-library/react'
import { Lexer } from 'marked'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { growing } from '../testing/growing'
import { chance, type Endless, linesOf, tokensOf } from '../testing/markdown'

// Characters given to marked, by whomever; what is in a block counts once more for its words.
let parsed = 0

type Method = (this: Lexer, source: string, ...rest: unknown[]) => never

beforeEach(() => {
  parsed = 0
  for (const name of ['blockTokens', 'inlineTokens'] as const) {
    const original = Lexer.prototype[name] as Method
    const counting: Method = function (source, ...rest) {
      parsed += source.length
      return original.call(this, source, ...rest)
    }
    vi.spyOn(Lexer.prototype, name).mockImplementation(counting)
  }
})

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

function stream(kind: Endless, tokenCount: number) {
  const tokens = tokensOf(linesOf(kind, tokenCount), chance(1)).slice(0, tokenCount)
  const { add } = growing()
  const perCommit = tokens.map((token) => {
    const before = parsed
    add(token)
    return parsed - before
  })
  return { length: tokens.join('').length, perCommit }
}

describe('the work of a commit does not grow', () => {
  test('an answer of 20,000 tokens costs 50 characters parsed for each of its own', () => {
    const { length, perCommit } = stream('mixed answer', 20_000)
    expect(length).toBeGreaterThan(80_000)
    expect(parsed).toBeLessThan(50 * length) // the whole of it at each token: 10,000
    expect(Math.max(...perCommit)).toBeLessThan(3_000)
  }, 60_000)

  test.each(['code', 'indented code', 'paragraph', 'list', 'ordered list', 'table'] as const)(
    'a long %s costs 500, and no commit more than 10,000 at once',
    (kind) => {
      const { length, perCommit } = stream(kind, 1_500)
      expect(parsed).toBeLessThan(500 * length)
      expect(Math.max(...perCommit)).toBeLessThan(10_000)
    },
    60_000,
  )

  test.each(['quotation', 'heading'] as const)(
    'of a long %s, which has no seam, it is looked at ever more rarely',
    (kind) => {
      const { perCommit } = stream(kind, 3_000)
      const looks = perCommit.slice(2_000).filter((characters) => characters > 0)
      expect(looks.length).toBeGreaterThan(0)
      expect(looks.length).toBeLessThanOrEqual(2)
    },
    60_000,
  )
})
