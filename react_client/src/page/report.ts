import type { ChatSnapshot } from '../snapshot'
import type { Mode } from './modes'
import type { Commit, RunMeter } from './runMeter'

/** What a run has cost: numbers and no text, so that anybody around the page may have it. */
export interface RunReport {
  type: 'streaming-run'
  mode: Mode
  status: ChatSnapshot['status']
  characters: number
  tokens: number
  chunks: number
  commits: Commit[]
  droppedFrames: number
  longestFrameMs: number
  longTasks?: number
  firstTokenMs?: number
  durationMs?: number
  tokensPerS?: number
}

declare global {
  interface Window {
    lastRun?: RunReport
  }
}

export function reportOf(chat: ChatSnapshot, meter: RunMeter, mode: Mode): RunReport {
  const { tokens, chunks, firstTokenMs, startedMs = 0, endedMs } = chat.stats
  const durationMs = endedMs === undefined ? undefined : endedMs - startedMs
  return {
    type: 'streaming-run',
    mode,
    status: chat.status,
    characters: chat.text.length,
    tokens,
    chunks,
    commits: meter.commits,
    droppedFrames: meter.droppedFrames,
    longestFrameMs: meter.longestFrameMs,
    longTasks: meter.longTasks,
    firstTokenMs,
    durationMs,
    tokensPerS: tokensPerS(chat),
  }
}

/** The pace between the first token and the last, or now. */
export function tokensPerS({ stats }: ChatSnapshot): number | undefined {
  const { tokens, startedMs, firstTokenMs, endedMs = performance.now() } = stats
  if (startedMs === undefined || firstTokenMs === undefined) return undefined
  const seconds = (endedMs - startedMs - firstTokenMs) / 1000
  return seconds > 0 ? tokens / seconds : undefined
}

/** Tells the page around this one, and the address that was asked for. */
export function publish(report: RunReport, to?: URL): void {
  window.lastRun = report
  if (window.parent !== window) window.parent.postMessage(report, '*')
  if (!to) return
  const headers = { 'Content-Type': 'application/json' }
  const body = JSON.stringify(report)
  fetch(to, { method: 'POST', headers, body }).catch((problem) =>
    console.warn(`The report could not be posted to ${to}: ${problem}. Look at that server.`),
  )
}
