import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react'
import { type Chat, type ChatOptions, createChat } from './chat'
import type { ChatSnapshot } from './snapshot'

type Doing = Pick<Chat, 'send' | 'stop' | 'reset' | 'retry'>

export interface StreamingChat extends ChatSnapshot, Doing {
  isStreaming: boolean
}

/**
 * The engine of chat.ts for a component: `send`, `stop`, `reset` and `retry` stay the same functions,
 * and the options may change with each render. Unmounting stops reading; the next to mount goes on
 * where the server resumes, be it after a reload.
 */
export function useStreamingChat(options: ChatOptions): StreamingChat {
  const newest = useRef(options)
  useLayoutEffect(() => {
    newest.current = options
  })
  const [chat] = useState(() => createChat(() => newest.current))
  useEffect(() => {
    chat.resume()
    // a reload unmounts nothing; a page that comes back from the browser's cache mounts nothing
    window.addEventListener('pagehide', chat.leave)
    window.addEventListener('pageshow', chat.resume)
    return () => {
      window.removeEventListener('pagehide', chat.leave)
      window.removeEventListener('pageshow', chat.resume)
      chat.leave()
    }
  }, [chat])
  const snapshot = useSyncExternalStore(chat.subscribe, chat.getSnapshot, chat.getSnapshot)
  const { send, stop, reset, retry } = chat
  return { ...snapshot, isStreaming: isStreaming(snapshot), send, stop, reset, retry }
}

function isStreaming({ status }: ChatSnapshot): boolean {
  return status === 'submitted' || status === 'streaming' || status === 'reconnecting'
}
