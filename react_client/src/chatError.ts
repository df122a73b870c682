/**
 * What went wrong with an answer: a code for programs, and a sentence for people that ends with
 * what to do.
 */
export class ChatError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ChatError'
    this.code = code
  }
}

export function asChatError(problem: unknown): ChatError {
  if (problem instanceof ChatError) return problem
  const why = problem instanceof Error ? problem.message : String(problem)
  const sentence = why.replace(/\.$/, '')
  const message = `The answer failed: ${sentence}. Send it again.`
  return new ChatError('failed', message, { cause: problem })
}
