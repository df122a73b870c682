import type { StreamingChat } from '../useStreamingChat'
import { tokensPerS } from './report'
import type { RunMeter } from './runMeter'

export function Statistics({ chat, meter }: { chat: StreamingChat; meter: RunMeter }) {
  const { tokens, chunks, firstTokenMs } = chat.stats
  const figures: [string, number | undefined, string?][] = [
    ['tokens', tokens],
    ['tokens/s', tokensPerS(chat)],
    ['first token', firstTokenMs, ' ms'],
    ['reads', chunks],
    ['commits', meter.commits.length],
    ['dropped frames', meter.droppedFrames],
    ['long tasks', meter.longTasks],
  ]
  return (
    <aside aria-label="Statistics">
      <dl>
        {figures.map(([name, value, unit]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value === undefined ? '–' : `${Math.round(value).toLocaleString('en')}${unit ?? ''}`}
            </dd>
          </div>
        ))}
      </dl>
    </aside>
  )
}
