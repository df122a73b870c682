import { useEffect, useRef, useState } from 'react'
import { useStreamingChat } from '../useStreamingChat'
import { Answer } from './Answer'
import { MODES, type Mode } from './modes'
import { PromptForm } from './PromptForm'
import { RenderMode } from './RenderMode'
import { Statistics } from './Statistics'
import { Status } from './Status'
import type { Settings } from './settings'
import { useRunReport } from './useRunReport'

export function App({ settings }: { settings: Settings }) {
  const [mode, setMode] = useState<Mode>(settings.mode)
  const chat = useStreamingChat({
    url: new URL('chat', document.baseURI), // behind whatever prefix a proxy has put
    update: MODES[mode].update,
  })
  const meter = useRunReport(chat, mode, settings.report)
  const prompt = useRef<HTMLTextAreaElement>(null)

  function reset() {
    chat.reset()
    prompt.current?.focus()
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, as the page opens
  useEffect(() => {
    if (settings.autostart && settings.prompt) chat.send(settings.prompt)
    // a page in a frame leaves the focus to the notebook around it
    if (window.parent === window) prompt.current?.focus()
  }, [])

  return (
    <>
      <header>
        <h1>Streaming chat</h1>
        <RenderMode mode={mode} onChange={setMode} disabled={chat.isStreaming} />
      </header>
      <main>
        <Answer asked={chat.prompt} chat={chat} mode={mode} />
        <Status chat={chat} />
        <PromptForm
          field={prompt}
          initial={settings.prompt}
          isStreaming={chat.isStreaming}
          canRegenerate={chat.prompt !== ''}
          canRetry={chat.status === 'cut'}
          onSend={chat.send}
          onStop={chat.stop}
          onRegenerate={() => chat.send(chat.prompt)}
          onRetry={chat.retry}
          onReset={reset}
        />
      </main>
      <Statistics chat={chat} meter={meter} />
    </>
  )
}
