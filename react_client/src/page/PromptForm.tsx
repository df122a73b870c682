import { type KeyboardEvent, type RefObject, useState } from 'react'

interface Props {
  field: RefObject<HTMLTextAreaElement | null>
  initial: string
  isStreaming: boolean
  canRegenerate: boolean
  canRetry: boolean
  onSend(prompt: string): void
  onStop(): void
  onRegenerate(): void
  onRetry(): void
  onReset(): void
}

export function PromptForm({ field, initial, isStreaming, canRegenerate, canRetry, ...on }: Props) {
  const [prompt, setPrompt] = useState(initial)
  const isEmpty = prompt.trim() === ''

  // Enter sends, also while an answer comes: the new one takes its place.
  function onKeyDown(event: KeyboardEvent) {
    // Enter also ends the composing of a Chinese or Japanese word
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    if (!isEmpty) on.onSend(prompt)
  }

  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <label htmlFor="prompt">Prompt</label>
      <textarea
        id="prompt"
        ref={field}
        rows={2}
        value={prompt}
        aria-describedby="keys"
        onChange={(event) => setPrompt(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="buttons">
        {/* one button in one place, so that the focus stays where it is */}
        <button
          type="button"
          className="main"
          disabled={isEmpty && !isStreaming}
          onClick={() => (isStreaming ? on.onStop() : on.onSend(prompt))}
        >
          {isStreaming ? 'Stop' : 'Send'}
        </button>
        {canRetry && (
          <button type="button" onClick={on.onRetry}>
            Retry
          </button>
        )}
        <button type="button" disabled={isStreaming || !canRegenerate} onClick={on.onRegenerate}>
          Regenerate
        </button>
        <button type="button" disabled={!canRegenerate} onClick={on.onReset}>
          Reset
        </button>
        <small id="keys">Enter sends, Shift+Enter begins a new line.</small>
      </div>
    </form>
  )
}
