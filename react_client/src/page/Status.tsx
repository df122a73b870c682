import type { StreamingChat } from '../useStreamingChat'

/** Says what is going on, once for each change: a screen reader does not hear each token. */
export function Status({ chat }: { chat: StreamingChat }) {
  return (
    <div className="status">
      <p role="status" data-status={chat.status}>
        {sentence(chat)}
      </p>
      {chat.error && <p role="alert">{chat.error.message}</p>}
    </div>
  )
}

function sentence({ status, text }: StreamingChat): string {
  const characters = `${text.length.toLocaleString('en')} characters`
  switch (status) {
    case 'idle':
      return 'Ready.'
    case 'submitted':
      return 'Waiting for the first token…'
    case 'streaming':
      return 'Answering…'
    case 'reconnecting':
      return 'Connecting again…'
    case 'done':
      return `Done: ${characters}.`
    case 'stopped':
      return `Stopped: ${characters} are kept.`
    case 'cut':
      return `The connection is lost: ${characters} are kept. Retry reads on.`
    case 'error':
      return text ? `Broken off: ${characters} are kept.` : 'No answer.'
  }
}
