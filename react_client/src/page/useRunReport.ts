import { useEffect, useLayoutEffect, useState } from 'react'
import type { StreamingChat } from '../useStreamingChat'
import type { Mode } from './modes'
import { publish, reportOf } from './report'
import { RunMeter } from './runMeter'

/** Measures each run of a chat, and reports what it has cost when its last text has been seen. */
export function useRunReport(chat: StreamingChat, mode: Mode, to?: URL): RunMeter {
  const [meter] = useState(() => new RunMeter())
  const { startedMs, endedMs } = chat.stats
  meter.renderBegins()
  // after the effects of all that is within
  useLayoutEffect(() => meter.committed(chat.text.length))
  useEffect(() => {
    if (startedMs !== undefined) meter.start()
    return () => meter.stop()
  }, [meter, startedMs])
  // biome-ignore lint/correctness/useExhaustiveDependencies: one report a run, of how it ended
  useEffect(() => {
    if (endedMs === undefined) return
    return afterPaint(() => {
      meter.stop()
      publish(reportOf(chat, meter, mode), to)
    })
  }, [endedMs])
  return meter
}

// The frame after the next begins when what the next one shows has been paid for.
function afterPaint(then: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(then)
    return () => clearTimeout(timer)
  }
  let frame = requestAnimationFrame(() => {
    frame = requestAnimationFrame(then)
  })
  return () => cancelAnimationFrame(frame)
}
