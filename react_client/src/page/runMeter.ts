import { parsed } from '../markdown/parsed'

const FRAME_MS = 1000 / 60

/** What it cost to bring the page to so many characters of the answer. */
export interface Commit {
  characters: number
  workMs: number // rendering, the changes to the document, and its layout as far as it is asked for
  parsed: number // characters of Markdown
  droppedFrames: number // of the run, until then
}

/** Counts what showing an answer costs the page, from `start` until `stop`. */
export class RunMeter {
  commits: Commit[] = []
  droppedFrames = 0
  longestFrameMs = 0
  longTasks: number | undefined // tasks of 50 ms and more; not every browser tells
  #rendering = { sinceMs: 0, parsed: 0 }
  #frame = 0
  #lastFrameMs: number | undefined
  #observer: PerformanceObserver | undefined

  start(): void {
    this.stop()
    this.commits = []
    this.droppedFrames = this.longestFrameMs = 0
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

  renderBegins(): void {
    this.#rendering = { sinceMs: performance.now(), parsed: parsed.characters }
  }

  committed(characters: number): void {
    this.commits.push({
      characters,
      workMs: performance.now() - this.#rendering.sinceMs,
      parsed: parsed.characters - this.#rendering.parsed,
      droppedFrames: this.droppedFrames,
    })
  }

  readonly #onFrame = (nowMs: number): void => {
    this.#frame = requestAnimationFrame(this.#onFrame)
    const sinceLastMs = nowMs - (this.#lastFrameMs ?? nowMs)
    this.#lastFrameMs = nowMs
    if (document.hidden) return // no frame is due
    this.longestFrameMs = Math.max(this.longestFrameMs, sinceLastMs)
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
