import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react'
import { type Chat, type ChatOptions, type ChatSnapshot, createChat } from './chat'

export interface StreamingChat extends ChatSnapshot, Pick<Chat, 'send' | 'stop' | 'reset'> {
  isStreaming: boolean
}

/**
 * The engine of chat.ts for a component: `send`, `stop` and `reset` stay the same functions, the
 * options may change with each render, and unmounting stops the answer.
 */
export function useStreamingChat(options: ChatOptions): StreamingChat {
  const newest = useRef(options)
  useLayoutEffect(() => {
    newest.current = options
  })
  const [chat] = useState(() => createChat(() => newest.current))
  // StrictMode unmounts and mounts again: a stopped chat can send again
  useEffect(() => chat.stop, [chat])
  const snapshot = useSyncExternalStore(chat.subscribe, chat.getSnapshot, chat.getSnapshot)
  const { send, stop, reset } = chat
  return { ...snapshot, isStreaming: isStreaming(snapshot), send, stop, reset }
}

function isStreaming({ status }: ChatSnapshot): boolean {
  return status === 'submitted' || status === 'streaming' || status === 'reconnecting'
}
