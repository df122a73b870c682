import { asChatError, type ChatError } from './chatError'
import { FrameBatcher } from './frames'
import { type Place, savePlace, takePlace } from './place'
import { isLost, readOn } from './readOn'
import { type ChatSnapshot, type ChatStats, type ChatStatus, count, IDLE } from './snapshot'
import { type ChatHeaders, endAnswer } from './streamCompletion'

export interface ChatOptions {
  url: string | URL
  headers?: ChatHeaders
  body?: (prompt: string) => unknown // what is sent as JSON; { prompt } unless told otherwise
  storageKey?: string // where a reload finds its answer: each chat of a page needs its own
  update?: 'frame' | 'chunk' // how often the text is shown; 'chunk' is there to be compared with
}

export interface Chat {
  subscribe(listener: () => void): () => void
  getSnapshot(): ChatSnapshot
  send(prompt: string): Promise<void>
  stop(): void
  reset(): void
  retry(): Promise<void> // reads on what was cut
  resume(): Promise<void> // reads on what was under way when the page was left
  leave(): void // so that it can be resumed
}

interface Run {
  abort: AbortController
  batch: FrameBatcher
  stats: ChatStats
}

/**
 * The chat without React: one answer at a time, in a snapshot that is replaced and never changed.
 * `options` is asked at each send, so the newest count. Only the live run may write.
 */
export function createChat(options: () => ChatOptions): Chat {
  const listeners = new Set<() => void>()
  let snapshot = IDLE
  let live: Run | undefined
  let place: Place | undefined // of the live answer, or of one that was cut

  function publish(change: Partial<ChatSnapshot>): void {
    snapshot = { ...snapshot, ...change }
    for (const listener of listeners) listener()
  }

  function begin({ prompt, text = '', answer }: Place): Run {
    abandon()
    const show = (more: string) => {
      run.stats.flushes += 1
      const stats = { ...run.stats }
      publish({ text: snapshot.text + more, status: 'streaming', stats })
    }
    const stats = { ...IDLE.stats, startedMs: performance.now() }
    const run = { abort: new AbortController(), batch: new FrameBatcher(show), stats }
    live = run
    const status = answer ? 'reconnecting' : 'submitted'
    publish({ ...IDLE, prompt, text, status, stats: { ...stats } })
    return run
  }

  // The rest of the text and the status that ends it come in one update.
  function settle(status: ChatStatus, error: ChatError | null = null): void {
    if (!live) return
    const stats = { ...live.stats, endedMs: performance.now() }
    if (status !== 'cut') place = undefined
    publish({ text: snapshot.text + abandon(), status, error, stats })
  }

  function abandon(): string {
    const run = live
    live = undefined
    run?.abort.abort()
    return run?.batch.take() ?? ''
  }

  async function run(from: Place): Promise<void> {
    const run = begin(from)
    place = from
    const { url, update } = options()
    const request = () => requestOf(from.prompt, options(), run.abort.signal)
    const lost = () => {
      publish({ text: snapshot.text + run.batch.take(), status: 'reconnecting' })
    }
    try {
      for await (const tokens of readOn(url, request, from, lost)) {
        if (run !== live) return
        count(run.stats, tokens)
        run.batch.add(tokens.join(''))
        if (update === 'chunk') run.batch.flush()
      }
      if (run === live) settle('done')
    } catch (problem) {
      if (run === live)
        settle(from.answer && isLost(problem) ? 'cut' : 'error', asChatError(problem))
    }
  }

  // A lost connection leaves the LLM at work for a while: this says that nobody comes back.
  function dismiss(): void {
    const { url, headers } = options()
    if (place?.answer) endAnswer(url, place.answer, headers)
    place = undefined
  }

  const key = () => options().storageKey ?? `chat ${options().url}`

  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    getSnapshot: () => snapshot,
    send(prompt) {
      dismiss()
      return run({ prompt })
    },
    stop() {
      dismiss()
      settle('stopped')
    },
    reset() {
      dismiss()
      abandon()
      publish(IDLE)
    },
    retry: async () => place && run({ ...place, text: snapshot.text }),
    async resume() {
      const saved = takePlace(key())
      if (saved && !live) await run(saved)
    },
    leave() {
      const left = place
      settle('stopped')
      if (left?.answer) savePlace(key(), { ...left, text: snapshot.text })
    },
  }
}

type RequestOptions = Pick<ChatOptions, 'headers' | 'body'>

async function requestOf(prompt: string, { headers, body }: RequestOptions, signal: AbortSignal) {
  return {
    headers: typeof headers === 'function' ? await headers() : headers,
    body: JSON.stringify(body ? body(prompt) : { prompt }),
    signal,
  }
}
