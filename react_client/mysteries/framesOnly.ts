/** Collects text and hands it on once a frame. A mystery of lesson 08: do not copy it. */
export class FrameBatcher {
  #pending = ''
  #frame?: number
  readonly #deliver: (text: string) => void

  constructor(deliver: (text: string) => void) {
    this.#deliver = deliver
  }

  add(text: string): void {
    this.#pending += text
    this.#frame ??= requestAnimationFrame(this.flush)
  }

  readonly flush = (): void => this.#deliver(this.take())

  take(): string {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
    this.#frame = undefined
    const text = this.#pending
    this.#pending = ''
    return text
  }
}
