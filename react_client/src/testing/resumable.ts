// A server that resumes, made by hand: each call of fetch gets the next connection.

import type { vi } from 'vitest'
import { handMade } from './answers'

export const ANSWER = 'AbC-1'

export function numbered(number: number, data: unknown): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return `id: ${ANSWER}.${number}\ndata: ${text}\n\n`
}

export function numberedToken(number: number): string {
  return numbered(number, { token: `#${number} ` })
}

export function texts(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, n) => `#${from + n} `).join('')
}

/** Connections in the order in which they are asked for; what was asked of each. */
export function connections(fetch: ReturnType<typeof vi.fn<typeof globalThis.fetch>>) {
  return {
    next() {
      const made = handMade()
      made.response.headers.set('X-Answer-Id', ANSWER)
      fetch.mockImplementationOnce(async (_, init) => {
        init?.signal?.throwIfAborted()
        init?.signal?.addEventListener('abort', () => made.fail(init.signal?.reason))
        return made.response
      })
      return { ...made, breaks: () => made.fail(new TypeError('network error')) }
    },
    refuses(status: number, code: string) {
      const error = { code, message: `${code}. Ask again.` }
      fetch.mockResolvedValueOnce(Response.json({ error }, { status }))
    },
    isAway: () => fetch.mockRejectedValueOnce(new TypeError('fetch failed')),
    asked: () =>
      fetch.mock.calls.map(([url, init]) => {
        const last = new Headers(init?.headers).get('Last-Event-ID')
        return `${init?.method} ${url}${last ? ` after ${last}` : ''}`
      }),
  }
}
