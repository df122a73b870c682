import { act, cleanup, fireEvent, render, renderHook, screen } from '@testing-library/react'
import { useEffect, version } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answer, DONE, handMade, token } from './testing/answers'
import { ANSWER, connections, numbered, numberedToken, texts } from './testing/resumable'
import { type StreamingChat, useStreamingChat } from './useStreamingChat'

const fetch = vi.fn<typeof globalThis.fetch>()

beforeEach(() => {
  vi.stubGlobal('fetch', fetch.mockReset())
  sessionStorage.clear()
})

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

function answerByHand() {
  const made = handMade()
  const aborted = vi.fn()
  fetch.mockImplementationOnce(async (_, init) => {
    init?.signal?.addEventListener('abort', () => {
      aborted()
      made.fail(init.signal?.reason)
    })
    return made.response
  })
  return { ...made, aborted }
}

function Asking() {
  const { send, text, status }: StreamingChat = useStreamingChat({ url: '/chat' })
  useEffect(() => void send('hello'), [send])
  return <p>{`${status}: ${text}`}</p>
}

function One({ url }: { url: string }) {
  const { send, text } = useStreamingChat({ url })
  return (
    <button onClick={() => send('hello')} type="button">
      {text || url}
    </button>
  )
}

test('it is the React that this project is about', ({ task }) => {
  expect(`react ${version.split('.')[0]}`).toBe(task.file.projectName)
})

describe.each([false, true])('in StrictMode: %s', (strict) => {
  const options = { reactStrictMode: strict }

  function renderChat(url = '/chat') {
    return renderHook((url: string) => useStreamingChat({ url }), { initialProps: url, ...options })
  }

  test('an answer goes from submitted to done, with all of its text', async () => {
    const { result } = renderChat()
    expect(result.current).toMatchObject({ text: '', status: 'idle', isStreaming: false })
    const made = answerByHand()
    act(() => void result.current.send('hello'))
    expect(result.current).toMatchObject({ text: '', status: 'submitted', isStreaming: true })
    made.say(token('Hello, '))
    await vi.waitUntil(() => result.current.status === 'streaming')
    expect(result.current).toMatchObject({ text: 'Hello, ', isStreaming: true })
    made.say(token('world') + DONE)
    await vi.waitUntil(() => result.current.status === 'done')
    expect(result.current).toMatchObject({ text: 'Hello, world', isStreaming: false, error: null })
    expect(result.current.stats.tokens).toBe(2)
  })

  test('unmounting aborts', async () => {
    const { result, unmount } = renderChat()
    const { aborted } = answerByHand()
    const sent = result.current.send('hello')
    await vi.waitUntil(() => fetch.mock.calls.length)
    expect(aborted).not.toHaveBeenCalled()
    unmount()
    expect(aborted).toHaveBeenCalledOnce()
    await sent // and does not reject
  })

  test('a second send while the first streams leaves it streaming', async () => {
    const { result } = renderChat()
    const first = answerByHand()
    act(() => void result.current.send('one'))
    first.say(token('old'))
    await vi.waitUntil(() => result.current.text === 'old')
    const second = answerByHand()
    await act(() => void result.current.send('two'))
    expect(first.aborted).toHaveBeenCalledOnce()
    expect(result.current).toMatchObject({ text: '', isStreaming: true })
    second.say(token('new') + DONE)
    await vi.waitUntil(() => result.current.status === 'done')
    expect(result.current.text).toBe('new')
  })

  test('its functions stay the same, and the newest options count', async () => {
    const { result, rerender } = renderChat('/one')
    const { send, stop, reset } = result.current
    rerender('/two')
    expect(result.current).toMatchObject({ send, stop, reset })
    fetch.mockResolvedValueOnce(answer(DONE))
    await act(() => send('hello'))
    expect(fetch.mock.calls[0]?.[0]).toBe('/two')
    expect(result.current).toMatchObject({ send, stop, reset })
  })

  test('stop keeps the text, and reset forgets it', async () => {
    const { result } = renderChat()
    const { say } = answerByHand()
    act(() => void result.current.send('hello'))
    say(token('half'))
    await vi.waitUntil(() => result.current.text === 'half')
    act(() => result.current.stop())
    expect(result.current).toMatchObject({ text: 'half', status: 'stopped', isStreaming: false })
    act(() => result.current.reset())
    expect(result.current).toMatchObject({ text: '', status: 'idle' })
  })

  test('an answer of a server that resumes goes on in the next that mounts, or is loaded', async () => {
    const server = connections(fetch)
    const { result, unmount } = renderChat()
    const first = server.next()
    act(() => void result.current.send('hello'))
    first.say(numberedToken(1))
    await vi.waitUntil(() => result.current.text === texts(1, 1))
    act(() => void window.dispatchEvent(new Event('pagehide'))) // a reload unmounts nothing
    unmount()
    const second = server.next()
    if (strict) server.next() // it mounts, unmounts, and mounts again
    second.say(numberedToken(2) + numbered(3, '[DONE]'))
    const next = renderChat().result
    if (!strict) await vi.waitUntil(() => next.current.status === 'done')
    else await vi.waitUntil(() => fetch.mock.calls.length === 3)
    expect(next.current.prompt).toBe('hello')
    expect(next.current.text).toBe(texts(1, strict ? 1 : 2))
    expect(new Set(server.asked().slice(1))).toEqual(
      new Set([`GET /chat/${ANSWER} after ${ANSWER}.1`]),
    )
  })

  test('a component that asks as it mounts gets its answer', async () => {
    fetch.mockImplementation(async () => answer(token('at once'), DONE))
    render(<Asking />, options)
    expect(await screen.findByText('done: at once')).toBeTruthy()
  })
})

test('two components have two chats', async () => {
  fetch.mockImplementation(async (url) => answer(token(`from ${url}`), DONE))
  render(
    <>
      <One url="/a" />
      <One url="/b" />
    </>,
  )
  fireEvent.click(screen.getByText('/a'))
  expect(await screen.findByText('from /a')).toBeTruthy()
  expect(screen.getByText('/b')).toBeTruthy()
})
