import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { parsed } from '../markdown/parsed'
import { RunMeter } from './runMeter'

const FRAME_MS = 1000 / 60

let frame: FrameRequestCallback | undefined
let nowMs = 0
let meter: RunMeter

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) => {
    frame = callback
    return 1
  })
  vi.stubGlobal('cancelAnimationFrame', () => {
    frame = undefined
  })
  meter = new RunMeter()
  meter.start()
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function frameAfter(frames: number) {
  nowMs += frames * FRAME_MS
  frame?.(nowMs)
}

test('frames on time are not dropped', () => {
  for (let n = 0; n < 100; n++) frameAfter(n % 2 ? 0.8 : 1.2)
  expect(meter.droppedFrames).toBe(0)
})

test('a frame that comes five late has cost five', () => {
  frameAfter(100) // the first one of a run comes when it comes
  frameAfter(1)
  frameAfter(6)
  frameAfter(1)
  expect(meter.droppedFrames).toBe(5)
})

test('a hidden page drops none, for none is due', () => {
  frameAfter(1)
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
  frameAfter(600)
  expect(meter.droppedFrames).toBe(0)
})

test('after the run nothing counts, and a new run begins at nothing', () => {
  frameAfter(1)
  frameAfter(3)
  meter.committed(1)
  meter.stop()
  expect(frame).toBe(undefined)
  expect(meter).toMatchObject({ droppedFrames: 2, longestFrameMs: 3 * FRAME_MS })
  expect(meter.commits).toHaveLength(1)
  meter.start()
  expect(meter).toMatchObject({ droppedFrames: 0, longestFrameMs: 0, commits: [] })
})

test('where the browser does not tell of long tasks, none are claimed', () => {
  expect(meter.longTasks).toBe(undefined)
})

test('a commit has what was parsed for it, and the frames dropped until then', () => {
  meter.renderBegins()
  parsed.characters += 30
  meter.committed(10)
  frameAfter(1)
  frameAfter(3)
  parsed.characters += 500 // for nothing that was shown
  meter.renderBegins()
  parsed.characters += 4
  meter.committed(12)
  expect(meter.commits).toMatchObject([
    { characters: 10, parsed: 30, droppedFrames: 0 },
    { characters: 12, parsed: 4, droppedFrames: 2 },
  ])
})
