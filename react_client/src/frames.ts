const HIDDEN_TAB_MS = 250

/**
 * Collects text and hands it on once a frame. A hidden tab has no frames, so a timer runs beside;
 * whichever comes first takes all there is, and nothing is left behind.
 */
export class FrameBatcher {
  #pending = ''
  #frame?: number
  #timer?: ReturnType<typeof setTimeout>
  readonly #deliver: (text: string) => void

  constructor(deliver: (text: string) => void) {
    this.#deliver = deliver
  }

  add(text: string): void {
    this.#pending += text
    this.#frame ??= requestAnimationFrame(this.flush)
    this.#timer ??= setTimeout(this.flush, HIDDEN_TAB_MS)
  }

  readonly flush = (): void => this.#deliver(this.take())

  // Empties it without handing on: for the update that shows the last text together with the end.
  take(): string {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
    clearTimeout(this.#timer)
    this.#frame = this.#timer = undefined
    const text = this.#pending
    this.#pending = ''
    return text
  }
}
