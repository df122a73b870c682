import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createChat } from './chat'
import { pauseMs } from './readOn'
import { answer, DONE, token } from './testing/answers'
import { ANSWER, connections, numbered, numberedToken, texts } from './testing/resumable'

const fetch = vi.fn<typeof globalThis.fetch>()
const server = connections(fetch)
const until = (chat: ReturnType<typeof createChat>, status: string) =>
  vi.waitUntil(() => chat.getSnapshot().status === status)

let chat: ReturnType<typeof createChat>
const newChat = () => createChat(() => ({ url: '/chat?x=1', update: 'chunk' }))

beforeEach(() => {
  vi.stubGlobal('fetch', fetch.mockReset())
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pause
  sessionStorage.clear()
  chat = newChat()
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const snapshot = () => chat.getSnapshot()

describe('a lost connection', () => {
  test('is made again after the last event that came whole, and nothing is posted twice', async () => {
    const seen: string[] = []
    chat.subscribe(() => seen.push(snapshot().status))
    const [first, second] = [server.next(), server.next()]
    const sent = chat.send('hello')
    first.say(`${numberedToken(1)}${numberedToken(2)}id: ${ANSWER}.3\ndata: {"tok`)
    await vi.waitUntil(() => snapshot().text === texts(1, 2))
    first.breaks()
    second.say(numberedToken(3) + numbered(4, '[DONE]'))
    await sent
    expect(snapshot()).toMatchObject({ text: texts(1, 3), status: 'done', error: null })
    expect(server.asked()).toEqual(['POST /chat?x=1', `GET /chat/${ANSWER}?x=1 after ${ANSWER}.2`])
    expect(seen).toContain('reconnecting')
  })

  test('before the first event is made again from the start', async () => {
    const [first, second] = [server.next(), server.next()]
    const sent = chat.send('hello')
    await vi.waitUntil(() => fetch.mock.calls.length)
    first.breaks()
    second.say(numberedToken(1) + numbered(2, '[DONE]'))
    await sent
    expect(snapshot()).toMatchObject({ text: texts(1, 1), status: 'done' })
    expect(server.asked()[1]).toBe(`GET /chat/${ANSWER}?x=1`)
  })

  test('that ends without [DONE] is lost as well; one that had all is over', async () => {
    const first = server.next()
    fetch.mockResolvedValueOnce(answer())
    fetch.mockResolvedValueOnce(new Response(null, { status: 204 }))
    const sent = chat.send('hello')
    first.say(numberedToken(1))
    await until(chat, 'streaming')
    first.breaks()
    await sent
    expect(snapshot()).toMatchObject({ text: texts(1, 1), status: 'done' })
  })

  test('is given up after some attempts that bring nothing, and a retry goes on', async () => {
    const first = server.next()
    for (let n = 0; n < 6; n++) server.isAway()
    const sent = chat.send('hello')
    first.say(numberedToken(1))
    await until(chat, 'streaming')
    first.breaks()
    await sent
    expect(snapshot()).toMatchObject({ text: texts(1, 1), status: 'cut' })
    expect(snapshot().error?.code).toBe('unreachable')
    const last = server.next()
    last.say(numberedToken(2) + numbered(3, '[DONE]'))
    await chat.retry()
    expect(snapshot()).toMatchObject({ text: texts(1, 2), status: 'done', error: null })
    expect(server.asked().filter((one) => one.startsWith('POST'))).toHaveLength(1)
  })

  test.each([
    [404, 'gone'],
    [410, 'missed'],
    [410, 'stopped'],
    [409, 'taken_over'],
  ])('is not made again where the server answers %i %s', async (status, code) => {
    const first = server.next()
    server.refuses(status, code)
    const sent = chat.send('hello')
    first.say(numberedToken(1))
    await until(chat, 'streaming')
    first.breaks()
    await sent
    expect(snapshot()).toMatchObject({ text: texts(1, 1), status: 'error', error: { code } })
    await chat.retry()
    expect(fetch).toHaveBeenCalledTimes(2)
  })

  test('of a server that names no answer is an error, and nothing is asked again', async () => {
    fetch.mockResolvedValueOnce(answer(token('half')))
    await chat.send('hello')
    expect(snapshot()).toMatchObject({ text: 'half', status: 'error' })
    await chat.retry()
    expect(fetch).toHaveBeenCalledOnce()
  })

  test('is paused for longer each time, up to a bound, and never for as long as the others', () => {
    vi.mocked(Math.random).mockReturnValue(1)
    expect([0, 1, 2, 10].map(pauseMs)).toEqual([500, 1000, 2000, 15_000])
    vi.mocked(Math.random).mockReturnValue(0.5)
    expect(pauseMs(1)).toBe(500)
  })
})

describe('who stops', () => {
  test.each([
    ['stop', () => chat.stop()],
    ['reset', () => chat.reset()],
    ['another send', () => void chat.send('other')],
  ])('tells the server so: %s', async (_, act) => {
    const first = server.next()
    const sent = chat.send('hello')
    first.say(numberedToken(1))
    await until(chat, 'streaming')
    fetch.mockImplementation(async () => answer(DONE))
    act()
    await sent
    await vi.waitUntil(() => server.asked().includes(`DELETE /chat/${ANSWER}?x=1`))
    expect(fetch.mock.calls[1]?.[1]?.keepalive).toBe(true)
  })

  test('does so during a pause, and it is over', async () => {
    vi.mocked(Math.random).mockReturnValue(1)
    const first = server.next()
    const sent = chat.send('hello')
    first.say(numberedToken(1))
    await until(chat, 'streaming')
    first.breaks()
    await until(chat, 'reconnecting')
    fetch.mockResolvedValueOnce(new Response(null, { status: 204 }))
    chat.stop()
    await sent
    expect(snapshot()).toMatchObject({ text: texts(1, 1), status: 'stopped' })
    expect(server.asked()).toEqual(['POST /chat?x=1', `DELETE /chat/${ANSWER}?x=1`])
  })

  test('an answer that is over has nothing to be told', async () => {
    const first = server.next()
    first.say(numbered(1, '[DONE]'))
    await chat.send('hello')
    chat.stop()
    expect(fetch).toHaveBeenCalledOnce()
  })
})

describe('a reload', () => {
  test('goes on with the text that there was', async () => {
    const first = server.next()
    void chat.send('hello')
    first.say(numberedToken(1) + numberedToken(2))
    await until(chat, 'streaming')
    chat.leave()
    chat = newChat()
    server.next().say(numberedToken(3) + numbered(4, '[DONE]'))
    await chat.resume()
    expect(snapshot()).toMatchObject({ prompt: 'hello', text: texts(1, 3), status: 'done' })
    expect(server.asked().slice(1)).toEqual([`GET /chat/${ANSWER}?x=1 after ${ANSWER}.2`])
    await chat.resume() // once only
    expect(fetch).toHaveBeenCalledTimes(2)
  })

  test.each(['done', 'stopped'])('after an answer that is %s asks nothing', async (status) => {
    const first = server.next()
    const sent = chat.send('hello')
    first.say(numberedToken(1))
    await until(chat, 'streaming')
    if (status === 'done') first.say(numbered(2, '[DONE]'))
    else chat.stop()
    await sent
    await until(chat, status)
    chat.leave()
    fetch.mockClear()
    chat = newChat()
    await chat.resume()
    expect(fetch).not.toHaveBeenCalled()
    expect(snapshot().status).toBe('idle')
  })
})
