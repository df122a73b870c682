import { type ComponentType, Suspense, useLayoutEffect, useRef } from 'react'
import type { StreamingChat } from '../useStreamingChat'
import { MODES, type Mode, type ViewProps } from './modes'
import { PlainText } from './PlainText'

interface Props {
  asked: string
  chat: StreamingChat
  mode: Mode
}

export function Answer({ asked, chat, mode }: Props) {
  const scroller = useStickToEnd()
  const { text, isStreaming } = chat
  const View: ComponentType<ViewProps> = MODES[mode].View
  return (
    // not live: a screen reader would read each token; the status says what there is
    <section
      className="answer"
      aria-label="Answer"
      aria-busy={isStreaming}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
      tabIndex={0}
      {...scroller}
    >
      {asked && <p className="asked">{asked}</p>}
      {!asked && (
        <p className="hint">Ask something. The answer appears here while it is written.</p>
      )}
      {text && (
        <Suspense fallback={<PlainText text={text} />}>
          <View text={text} growing={isStreaming} />
        </Suspense>
      )}
    </section>
  )
}

const NEAR_PX = 48 // what comes while somebody scrolls down to the end

// Follows the end of the text, until its reader scrolls away from it; follows again at the end.
function useStickToEnd() {
  const ref = useRef<HTMLElement>(null)
  const follows = useRef(true)
  useLayoutEffect(() => {
    if (ref.current && follows.current) ref.current.scrollTop = ref.current.scrollHeight
  })
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = ref.current as HTMLElement
    follows.current = scrollHeight - scrollTop - clientHeight < NEAR_PX
  }
  return { ref, onScroll }
}
