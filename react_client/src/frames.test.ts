import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FrameBatcher } from './frames'

const FRAME_MS = 16

let shown: string[]
let batch: FrameBatcher

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'requestAnimationFrame', 'cancelAnimationFrame'],
  })
  shown = []
  batch = new FrameBatcher((text) => shown.push(text))
})

afterEach(() => vi.useRealTimers())

function add(...texts: string[]) {
  for (const text of texts) batch.add(text)
}

test('what comes within a frame is handed on together', () => {
  add('a', 'b', 'c')
  expect(shown).toEqual([])
  vi.advanceTimersByTime(FRAME_MS)
  expect(shown).toEqual(['abc'])
})

test('nothing is lost or repeated over many frames', () => {
  const tokens = Array.from({ length: 400 }, (_, n) => `${n} `)
  for (const [n, token] of tokens.entries()) {
    batch.add(token)
    if (n % 7 === 0) vi.advanceTimersByTime(FRAME_MS)
  }
  vi.advanceTimersByTime(FRAME_MS)
  expect(shown.join('')).toBe(tokens.join(''))
  expect(shown.length).toBeLessThan(60)
})

test('without anything new no frame is asked for', () => {
  add('a')
  vi.advanceTimersByTime(FRAME_MS)
  expect(vi.getTimerCount()).toBe(0)
})

test('a hidden tab, which has no frames, moves by a timer', () => {
  vi.stubGlobal('requestAnimationFrame', () => 1)
  add('a')
  vi.advanceTimersByTime(249)
  expect(shown).toEqual([])
  add('b')
  vi.advanceTimersByTime(1)
  expect(shown).toEqual(['ab'])
  add('c')
  vi.advanceTimersByTime(250)
  expect(shown).toEqual(['ab', 'c'])
  vi.unstubAllGlobals()
})

test('flush hands on at once, and only once', () => {
  add('a', 'b')
  batch.flush()
  vi.runAllTimers()
  expect(shown).toEqual(['ab'])
})

test('take empties it: nothing is handed on later', () => {
  add('a', 'b')
  expect(batch.take()).toBe('ab')
  expect(batch.take()).toBe('')
  expect(vi.getTimerCount()).toBe(0)
  add('c')
  vi.advanceTimersByTime(FRAME_MS)
  expect(shown).toEqual(['c'])
})
