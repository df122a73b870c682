const FRAME_MS = 1000 / 60

/** Counts what showing an answer costs the page, from `start` until `stop`. */
export class RunMeter {
  commits = 0
  droppedFrames = 0
  longTasks: number | undefined // tasks of 50 ms and more; not every browser tells
  #frame = 0
  #lastFrameMs: number | undefined
  #observer: PerformanceObserver | undefined

  start(): void {
    this.stop()
    this.commits = this.droppedFrames = 0
    this.#lastFrameMs = undefined
    this.#frame = requestAnimationFrame(this.#onFrame)
    this.#observeLongTasks()
  }

  stop(): void {
    cancelAnimationFrame(this.#frame)
    this.#count(this.#observer?.takeRecords())
    this.#observer?.disconnect()
    this.#observer = undefined
  }

  readonly #onFrame = (nowMs: number): void => {
    this.#frame = requestAnimationFrame(this.#onFrame)
    const sinceLastMs = nowMs - (this.#lastFrameMs ?? nowMs)
    this.#lastFrameMs = nowMs
    if (document.hidden) return // no frame is due
    this.droppedFrames += Math.max(0, Math.round(sinceLastMs / FRAME_MS) - 1)
  }

  #observeLongTasks(): void {
    if (!PerformanceObserver.supportedEntryTypes?.includes('longtask')) return
    this.longTasks = 0
    this.#observer = new PerformanceObserver((list) => this.#count(list.getEntries()))
    this.#observer.observe({ type: 'longtask' })
  }

  #count(tasks: PerformanceEntry[] = []): void {
    if (tasks.length) this.longTasks = (this.longTasks ?? 0) + tasks.length
  }
}
