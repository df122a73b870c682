import type { ChatError } from './chatError'

/**
 * 'reconnecting' and 'cut' are for a server that names its answers (X-Answer-Id): one without a name
 * cannot be read on, and must not be posted again blindly. What is 'cut' takes a retry().
 */
export type ChatStatus =
  | 'idle'
  | 'submitted'
  | 'streaming'
  | 'reconnecting'
  | 'done'
  | 'stopped'
  | 'cut'
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
  prompt: string
  text: string
  status: ChatStatus
  error: ChatError | null
  stats: ChatStats
}

export const IDLE: ChatSnapshot = {
  prompt: '',
  text: '',
  status: 'idle',
  error: null,
  stats: { tokens: 0, chunks: 0, flushes: 0 },
}

export function count(stats: ChatStats, tokens: string[]): void {
  stats.firstTokenMs ??= performance.now() - (stats.startedMs ?? 0)
  stats.tokens += tokens.length
  stats.chunks += 1
}
