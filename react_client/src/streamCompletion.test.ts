// @vitest-environment node
import { afterEach, describe, expect, test, vi } from 'vitest'
import { streamCompletion } from './streamCompletion'
import { answer, DONE, error, everyByte, scripted, token } from './testing/answers'
import { startServer } from './testing/server'

const INIT = { body: '{"prompt":"hello"}' }

afterEach(() => vi.unstubAllGlobals())

function answerWith(response: Response) {
  const fetch = vi.fn((..._: Parameters<typeof globalThis.fetch>) => Promise.resolve(response))
  vi.stubGlobal('fetch', fetch)
  return fetch
}

async function read(url = '/chat') {
  const tokens: string[] = []
  const problem = await (async () => {
    for await (const batch of streamCompletion(url, INIT)) tokens.push(...batch)
  })().catch((problem) => problem)
  return { tokens, problem }
}

describe('a whole answer', () => {
  test('comes token by token, however its bytes are cut', async () => {
    answerWith(answer(...everyByte(token('Grüße ') + token('aus 東京 🚀') + DONE)))
    expect(await read()).toEqual({ tokens: ['Grüße ', 'aus 東京 🚀'], problem: undefined })
  })

  test('comes as many tokens at a time as a read brings', async () => {
    answerWith(answer(token('a') + token('b'), token('c') + DONE))
    const batches = []
    for await (const tokens of streamCompletion('/chat', INIT)) batches.push(tokens)
    expect(batches).toEqual([['a', 'b'], ['c']])
  })

  test('is asked for by POST, as an event stream and nothing else', async () => {
    const fetch = answerWith(answer(DONE))
    const headers = { Authorization: 'Bearer x', Accept: '*/*' }
    for await (const _ of streamCompletion('/chat', { ...INIT, headers })) expect.unreachable()
    const [url, init] = fetch.mock.calls[0] ?? []
    expect(url).toBe('/chat')
    expect(init).toMatchObject({ method: 'POST', body: INIT.body })
    expect(Object.fromEntries(init?.headers as Headers)).toEqual({
      accept: 'text/event-stream',
      authorization: 'Bearer x',
      'content-type': 'application/json',
    })
  })

  test('may hold comments, events of other types, and JSON that is no token', async () => {
    const others = ': ping\n\nevent: usage\ndata: not JSON\n\ndata: {"usage": 7}\n\ndata: null\n\n'
    answerWith(answer(others + token('a') + others + DONE))
    expect(await read()).toEqual({ tokens: ['a'], problem: undefined })
  })

  test('ends at [DONE], whatever the server sends or forgets to close', async () => {
    const { response, cancelled } = scripted([token('a') + DONE + token('too late')])
    answerWith(response)
    expect(await read()).toEqual({ tokens: ['a'], problem: undefined })
    await cancelled
  })
})

describe('the consumer', () => {
  test('slows the reader when it is slow', async () => {
    const { response, pulled } = scripted(Array.from({ length: 50 }, (_, n) => token(`${n} `)))
    answerWith(response)
    const tokens = streamCompletion('/chat', INIT)
    expect(pulled()).toBe(0)
    for (const asked of [1, 2, 3]) {
      await tokens.next()
      await new Promise(setImmediate) // a reader that ran ahead would do so now
      expect(pulled()).toBe(asked)
    }
  })

  test('cancels the body by leaving the loop', async () => {
    const { response, cancelled } = scripted([token('a'), token('b')])
    answerWith(response)
    for await (const _ of streamCompletion('/chat', INIT)) break
    await cancelled
  })

  test('cancels the body by throwing', async () => {
    const { response, cancelled } = scripted([token('a'), token('b')])
    answerWith(response)
    const reading = async () => {
      for await (const _ of streamCompletion('/chat', INIT)) throw new Error('its own')
    }
    await expect(reading()).rejects.toThrow('its own')
    await cancelled
  })
})

describe('a failure', () => {
  test('before the start is the one in the JSON body', async () => {
    const error = { code: 'busy', message: 'The model is busy. Try again.' }
    answerWith(Response.json({ error }, { status: 429 }))
    expect((await read()).problem).toMatchObject({ name: 'ChatError', ...error })
  })

  test.each(['<h1>Bad gateway</h1>', '{"detail": "x"}', 'null', ''])(
    'before the start is its status when the body is %o',
    async (body) => {
      answerWith(new Response(body, { status: 502, statusText: 'Bad Gateway' }))
      const message = 'The server answered 502 Bad Gateway. Look at its log.'
      expect((await read()).problem).toMatchObject({ code: 'http_502', message })
    },
  )

  test('is a page where a stream was due', async () => {
    const headers = { 'Content-Type': 'text/html' }
    answerWith(new Response('<form>Log in</form>', { headers }))
    const { problem } = await read()
    expect(problem).toMatchObject({ code: 'no_stream' })
    expect(problem.message).toContain('text/html')
  })

  test('in an error event comes after the tokens before it', async () => {
    answerWith(answer(token('a') + error('llm_failed', 'It broke. Try again.') + token('b')))
    expect(await read()).toEqual({
      tokens: ['a'],
      problem: expect.objectContaining({ code: 'llm_failed', message: 'It broke. Try again.' }),
    })
  })

  test('is an end without [DONE], also within an event', async () => {
    answerWith(answer(token('a'), 'data: [DONE]'))
    expect(await read()).toEqual({
      tokens: ['a'],
      problem: expect.objectContaining({ code: 'incomplete' }),
    })
  })

  test('is data that is no JSON', async () => {
    answerWith(answer(`${token('a')}data: {"token": \n\n`))
    const { tokens, problem } = await read()
    expect(tokens).toEqual(['a'])
    expect(problem).toMatchObject({ code: 'bad_event' })
    expect(problem.message).toContain('{"token":')
  })
})

describe('over a real connection', () => {
  test('a server that is not there is told', async () => {
    const server = await startServer(() => {})
    await server.close()
    expect((await read(server.url)).problem).toMatchObject({ code: 'unreachable' })
  })

  test('a connection that breaks is told, after the tokens before it', async () => {
    await using server = await startServer((res) => {
      res.write(token('a'), () => res.destroy())
    })
    const { tokens, problem } = await read(server.url)
    expect(tokens).toEqual(['a'])
    expect(problem).toMatchObject({ code: 'broken_off' })
  })

  test('[DONE] frees the connection of a server that does not end its answer', async () => {
    await using server = await startServer((res) => res.write(token('a') + DONE))
    expect(await read(server.url)).toEqual({ tokens: ['a'], problem: undefined })
    await server.left
  })

  test('aborting reaches the server while the reader waits for a token', async () => {
    await using server = await startServer((res) => res.write(token('a')))
    const abort = new AbortController()
    const tokens = streamCompletion(server.url, { ...INIT, signal: abort.signal })
    expect((await tokens.next()).value).toEqual(['a'])
    const next = tokens.next()
    abort.abort()
    await expect(next).rejects.toMatchObject({ name: 'AbortError' })
    await server.left
  })
})
