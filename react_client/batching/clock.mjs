// Frames and timers that come when they are told to.
export class Clock {
  #nowMs = 0
  #last = 0
  #frames = new Map()
  #timers = new Map()

  // what a batcher may call, under the names that a browser has for it
  get calls() {
    return {
      requestAnimationFrame: (callback) => this.#add(this.#frames, { callback }),
      cancelAnimationFrame: (frame) => this.#frames.delete(frame),
      setTimeout: (callback, ms = 0) => this.#addTimer(callback, ms),
      clearTimeout: (timer) => this.#timers.delete(timer),
      setInterval: (callback, ms = 0) => this.#addTimer(callback, ms, Math.max(ms, 1)),
      clearInterval: (timer) => this.#timers.delete(timer),
    }
  }

  frame() {
    const due = [...this.#frames.values()]
    this.#frames.clear()
    for (const { callback } of due) callback(this.#nowMs)
  }

  pass(ms) {
    const endMs = this.#nowMs + ms
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      const [number, timer] = next
      this.#nowMs = timer.dueMs
      if (timer.everyMs) timer.dueMs += timer.everyMs
      else this.#timers.delete(number)
      timer.callback()
    }
    this.#nowMs = endMs
  }

  #next(endMs) {
    const due = [...this.#timers].filter(([, { dueMs }]) => dueMs <= endMs)
    return due.sort(([, a], [, b]) => a.dueMs - b.dueMs)[0]
  }

  #addTimer(callback, ms, everyMs) {
    return this.#add(this.#timers, { callback, dueMs: this.#nowMs + ms, everyMs })
  }

  #add(waiting, what) {
    waiting.set(++this.#last, what)
    return this.#last
  }
}
