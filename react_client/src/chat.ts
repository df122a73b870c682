import { asChatError, type ChatError } from './chatError'
import { FrameBatcher } from './frames'
import { streamCompletion } from './streamCompletion'

/**
 * 'reconnecting' has its place and nothing sets it yet: it takes a server that numbers its events,
 * for an answer that has no number must not be posted again blindly.
 */
export type ChatStatus =
  | 'idle'
  | 'submitted'
  | 'streaming'
  | 'reconnecting'
  | 'done'
  | 'stopped'
  | 'error'

export interface ChatStats {
  tokens: number
  chunks: number
  flushes: number
  startedMs?: number // on the clock of performance.now()
  firstTokenMs?: number // after the start
  endedMs?: number
}

export interface ChatSnapshot {
  text: string
  status: ChatStatus
  error: ChatError | null
  stats: ChatStats
}

export interface ChatOptions {
  url: string | URL
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>)
  body?: (prompt: string) => unknown // what is sent as JSON; { prompt } unless told otherwise
  update?: 'frame' | 'chunk' // how often the text is shown; 'chunk' is there to be compared with
}

export interface Chat {
  subscribe(listener: () => void): () => void
  getSnapshot(): ChatSnapshot
  send(prompt: string): Promise<void>
  stop(): void
  reset(): void
}

interface Run {
  abort: AbortController
  batch: FrameBatcher
  stats: ChatStats
}

const IDLE: ChatSnapshot = {
  text: '',
  status: 'idle',
  error: null,
  stats: { tokens: 0, chunks: 0, flushes: 0 },
}

/**
 * The chat without React: one answer at a time, in a snapshot that is replaced and never changed.
 * `options` is asked at each send, so the newest count. Only the live run may write.
 */
export function createChat(options: () => ChatOptions): Chat {
  const listeners = new Set<() => void>()
  let snapshot = IDLE
  let live: Run | undefined

  function publish(change: Partial<ChatSnapshot>): void {
    snapshot = { ...snapshot, ...change }
    for (const listener of listeners) listener()
  }

  function begin(): Run {
    abandon()
    const show = (text: string) => {
      run.stats.flushes += 1
      const stats = { ...run.stats }
      publish({ text: snapshot.text + text, status: 'streaming', stats })
    }
    const stats = { ...IDLE.stats, startedMs: performance.now() }
    const run = { abort: new AbortController(), batch: new FrameBatcher(show), stats }
    live = run
    publish({ ...IDLE, status: 'submitted', stats: { ...stats } })
    return run
  }

  // The rest of the text and the status that ends it come in one update.
  function settle(status: ChatStatus, error: ChatError | null = null): void {
    if (!live) return
    const stats = { ...live.stats, endedMs: performance.now() }
    publish({ text: snapshot.text + abandon(), status, error, stats })
  }

  function abandon(): string {
    const run = live
    live = undefined
    run?.abort.abort()
    return run?.batch.take() ?? ''
  }

  async function send(prompt: string): Promise<void> {
    const run = begin()
    try {
      const { url, update, ...rest } = options()
      const init = await request(prompt, rest, run.abort.signal)
      for await (const tokens of streamCompletion(url, init)) {
        if (run !== live) return
        count(run.stats, tokens)
        run.batch.add(tokens.join(''))
        if (update === 'chunk') run.batch.flush()
      }
      if (run === live) settle('done')
    } catch (problem) {
      if (run === live) settle('error', asChatError(problem))
    }
  }

  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    getSnapshot: () => snapshot,
    send,
    stop: () => settle('stopped'),
    reset() {
      abandon()
      publish(IDLE)
    },
  }
}

type RequestOptions = Pick<ChatOptions, 'headers' | 'body'>

async function request(prompt: string, { headers, body }: RequestOptions, signal: AbortSignal) {
  return {
    headers: typeof headers === 'function' ? await headers() : headers,
    body: JSON.stringify(body ? body(prompt) : { prompt }),
    signal,
  }
}

function count(stats: ChatStats, tokens: string[]): void {
  stats.firstTokenMs ??= performance.now() - (stats.startedMs ?? 0)
  stats.tokens += tokens.length
  stats.chunks += 1
}
