// Answers of a chat server, made by hand.

export const DONE = 'data: [DONE]\n\n'

export function token(text: string): string {
  return `data: ${JSON.stringify({ token: text })}\n\n`
}

export function error(code: string, message: string): string {
  return `data: ${JSON.stringify({ error: { code, message } })}\n\n`
}

export function everyByte(text: string): Uint8Array[] {
  return Array.from(new TextEncoder().encode(text), (byte) => Uint8Array.of(byte))
}

export function answer(...chunks: (string | Uint8Array)[]): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(bytesOf(chunk))
      controller.close()
    },
  })
  return streamed(body)
}

/**
 * An answer that gives one chunk each time it is asked and never ends: it counts how often it was
 * asked, and promises that its body gets cancelled.
 */
export function scripted(chunks: string[]) {
  let pulls = 0
  const { promise: cancelled, resolve } = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[pulls++]
        if (chunk !== undefined) controller.enqueue(bytesOf(chunk))
      },
      cancel: () => resolve(),
    },
    { highWaterMark: 0 },
  )
  return { response: streamed(body), cancelled, pulled: () => pulls }
}

/** An answer that a test sends piece by piece. */
export function handMade() {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({
    start(made) {
      controller = made
    },
  })
  return {
    response: streamed(body),
    say: (text: string) => controller.enqueue(bytesOf(text)),
    fail: (problem: unknown) => controller.error(problem),
  }
}

function streamed(body: ReadableStream): Response {
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } })
}

function bytesOf(chunk: string | Uint8Array): Uint8Array {
  return typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
}
