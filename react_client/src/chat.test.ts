import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type ChatOptions, createChat } from './chat'
import type { ChatSnapshot } from './snapshot'
import { answer, DONE, error, handMade, token } from './testing/answers'

let options: ChatOptions
let chat: ReturnType<typeof createChat>
let seen: ChatSnapshot[]
const fetch = vi.fn<typeof globalThis.fetch>()

beforeEach(() => {
  vi.stubGlobal('fetch', fetch.mockReset())
  options = { url: '/chat' }
  chat = createChat(() => options)
  seen = []
  chat.subscribe(() => seen.push(chat.getSnapshot()))
})

afterEach(() => vi.unstubAllGlobals())

function answerWith(...responses: Response[]) {
  for (const response of responses) fetch.mockResolvedValueOnce(response)
}

// Answers as fetch does: the body breaks when the signal is aborted.
function answerByHand() {
  const made = handMade()
  fetch.mockImplementationOnce(async (_, init) => {
    init?.signal?.throwIfAborted()
    init?.signal?.addEventListener('abort', () => made.fail(init.signal?.reason))
    return made.response
  })
  return made
}

const statuses = () => seen.map(({ status }) => status).filter((one, n, all) => one !== all[n - 1])
// what has been said reaches the chat, for nothing on the way takes longer than a turn
const turn = () => new Promise(setImmediate)
const until = (status: string) => vi.waitUntil(() => chat.getSnapshot().status === status)

describe('a whole answer', () => {
  const TOKENS = Array.from({ length: 400 }, (_, n) => `#${n} `)

  test.each(['frame', 'chunk'] as const)(
    'is shown to the last character, by %s',
    async (update) => {
      options = { url: '/chat', update }
      answerWith(answer(...TOKENS.map(token), DONE))
      await chat.send('hello')
      expect(chat.getSnapshot()).toMatchObject({
        text: TOKENS.join(''),
        status: 'done',
        error: null,
      })
      expect(statuses().slice(0, 1)).toEqual(['submitted'])
      expect(chat.getSnapshot().stats).toMatchObject({ tokens: 400, chunks: 400 })
    },
  )

  test('is one update a chunk only if that is wanted', async () => {
    options = { url: '/chat', update: 'chunk' }
    answerWith(answer(...TOKENS.map(token), DONE))
    await chat.send('hello')
    expect(chat.getSnapshot().stats.flushes).toBe(400)
    options = { url: '/chat' }
    answerWith(answer(...TOKENS.map(token), DONE))
    await chat.send('hello')
    expect(chat.getSnapshot().stats.flushes).toBeLessThan(40)
  })

  test('goes from submitted to streaming with its first text, and to done with its last', async () => {
    const made = answerByHand()
    const sent = chat.send('hello')
    made.say(token('a'))
    await until('streaming')
    expect(chat.getSnapshot().text).toBe('a')
    made.say(token('b') + DONE)
    await sent
    expect(statuses()).toEqual(['submitted', 'streaming', 'done'])
    // 'b' and the end came in one read, so they are shown in one update
    expect(seen.filter(({ status }) => status === 'done').map(({ text }) => text)).toEqual(['ab'])
    expect(seen.find(({ text }) => text === 'ab')?.status).toBe('done')
  })

  test('has its times', async () => {
    answerWith(answer(token('a'), DONE))
    await chat.send('hello')
    const { startedMs, firstTokenMs, endedMs } = chat.getSnapshot().stats
    expect(startedMs).toBeGreaterThan(0)
    expect(firstTokenMs).toBeGreaterThanOrEqual(0)
    expect(endedMs).toBeGreaterThanOrEqual((startedMs ?? 0) + (firstTokenMs ?? 0))
  })

  test('leaves the snapshots that were there before as they were', async () => {
    answerWith(answer(token('a'), DONE))
    const before = chat.getSnapshot()
    await chat.send('hello')
    expect(before).toEqual({
      prompt: '',
      text: '',
      status: 'idle',
      error: null,
      stats: { tokens: 0, chunks: 0, flushes: 0 },
    })
    expect(seen[0]?.stats.tokens).toBe(0)
    options = { url: '/chat', update: 'chunk' }
    answerWith(answer(token('a'), token('b'), DONE))
    seen = []
    await chat.send('hello')
    expect(seen.map(({ stats }) => stats.tokens)).toEqual([0, 1, 2, 2])
  })
})

describe('the request', () => {
  const asked = () => fetch.mock.calls.at(-1)?.[1]

  test('holds the prompt, and what the options say at the moment of sending', async () => {
    answerWith(answer(DONE), answer(DONE))
    await chat.send('hello')
    expect(asked()?.body).toBe('{"prompt":"hello"}')
    options = {
      url: '/other',
      headers: async () => ({ Authorization: 'Bearer fresh' }),
      body: (prompt) => ({ messages: [prompt] }),
    }
    await chat.send('again')
    expect(fetch.mock.calls.at(-1)?.[0]).toBe('/other')
    expect(asked()?.body).toBe('{"messages":["again"]}')
    expect(new Headers(asked()?.headers).get('Authorization')).toBe('Bearer fresh')
  })

  test('that cannot be made is an error of the answer', async () => {
    options = { url: '/chat', headers: () => Promise.reject(new Error('no token')) }
    await chat.send('hello')
    const { status, error } = chat.getSnapshot()
    expect(status).toBe('error')
    expect(error?.message).toBe('The answer failed: no token. Send it again.')
  })
})

describe('a failure', () => {
  test('keeps the text that came before it, and its message', async () => {
    answerWith(answer(token('half '), error('llm_failed', 'It broke. Try again.')))
    await chat.send('hello')
    expect(chat.getSnapshot()).toMatchObject({
      text: 'half ',
      status: 'error',
      error: { code: 'llm_failed', message: 'It broke. Try again.' },
    })
  })

  test('is gone with the next answer', async () => {
    answerWith(answer(token('a')), answer(token('b'), DONE))
    await chat.send('hello')
    expect(chat.getSnapshot().error?.code).toBe('incomplete')
    await chat.send('hello')
    expect(chat.getSnapshot()).toMatchObject({ text: 'b', status: 'done', error: null })
  })
})

describe('stop', () => {
  test('keeps what came, shown or not', async () => {
    const made = answerByHand()
    const sent = chat.send('hello')
    made.say(token('a'))
    await until('streaming')
    vi.stubGlobal('requestAnimationFrame', () => 1)
    made.say(token('b'))
    await turn()
    expect(chat.getSnapshot().text).toBe('a')
    chat.stop()
    expect(chat.getSnapshot()).toMatchObject({ text: 'ab', status: 'stopped', error: null })
    await sent
    expect(statuses().at(-1)).toBe('stopped')
  })

  test('before the first token ends it too', async () => {
    answerByHand()
    const sent = chat.send('hello')
    chat.stop()
    await sent
    expect(chat.getSnapshot()).toMatchObject({ text: '', status: 'stopped', error: null })
  })

  test('without an answer under way changes nothing', async () => {
    chat.stop()
    expect(chat.getSnapshot().status).toBe('idle')
    answerWith(answer(token('a'), DONE))
    await chat.send('hello')
    chat.stop()
    expect(chat.getSnapshot()).toMatchObject({ text: 'a', status: 'done' })
  })
})

describe('a second send', () => {
  test('replaces the first: its text, its end and its failure are nobody’s business', async () => {
    const first = answerByHand()
    const sent = chat.send('one')
    first.say(token('old '))
    await until('streaming')
    first.say(token('never shown '))
    const second = answerByHand()
    const again = chat.send('two')
    await sent
    expect(chat.getSnapshot()).toMatchObject({ text: '', status: 'submitted' })
    second.say(token('new'))
    await until('streaming')
    second.say(DONE)
    await again
    expect(chat.getSnapshot()).toMatchObject({ text: 'new', status: 'done', error: null })
    expect(chat.getSnapshot().stats.tokens).toBe(1)
    expect(seen.filter(({ text }) => text.includes('never'))).toEqual([])
  })

  test.each([
    ['has nothing but its end', answer(DONE)],
    ['fails', answer(error('llm_failed', 'It broke. Try again.'))],
    ['is whole', answer(token('old'), DONE)],
  ])('wins also when the first one’s answer comes late and %s', async (_, late) => {
    let release = () => {}
    const headers = () => new Promise<HeadersInit>((ready) => (release = () => ready({})))
    options = { url: '/chat', headers }
    const sent = chat.send('one')
    options = { url: '/chat' }
    const second = answerByHand()
    const again = chat.send('two')
    second.say(token('new'))
    await until('streaming')
    fetch.mockResolvedValueOnce(late) // even if it does not mind that it was aborted
    release()
    await sent
    expect(chat.getSnapshot()).toMatchObject({ text: 'new', status: 'streaming', error: null })
    second.say(DONE)
    await again
    expect(chat.getSnapshot()).toMatchObject({ text: 'new', status: 'done' })
  })
})

describe('reset', () => {
  test('forgets everything and ends what is under way', async () => {
    const made = answerByHand()
    const sent = chat.send('hello')
    made.say(token('a'))
    await until('streaming')
    chat.reset()
    await sent
    expect(chat.getSnapshot()).toMatchObject({ text: '', status: 'idle', stats: { tokens: 0 } })
  })
})

test('a listener that has gone hears nothing', async () => {
  const listener = vi.fn()
  chat.subscribe(listener)()
  answerWith(answer(token('a'), DONE))
  await chat.send('hello')
  expect(listener).not.toHaveBeenCalled()
})
