// How fast our SSE parser is beside two others: `npm run parsers`. All read the same bytes in
// turn, round by round, so that whatever slows the machine slows each of them; ratios count.
import parse from '@microsoft/fetch-event-source/lib/cjs/parse.js'
import { createParser } from 'eventsource-parser'
import { SseParser } from '../src/sse.ts'

const WARM_UP_ROUNDS = 3
const ROUNDS = 15
const EVENTS = 100_000
const encoder = new TextEncoder()

function ours(chunks) {
  const parser = new SseParser()
  let events = 0
  for (const chunk of chunks) events += parser.push(chunk).length
  return events
}

function eventsourceParser(chunks) {
  let events = 0
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const parser = createParser({ onEvent: () => events++, onId: () => {} })
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }))
  return events
}

function fetchEventSource(chunks) {
  let events = 0
  const ignore = () => {}
  const push = parse.getLines(parse.getMessages(ignore, ignore, () => events++))
  for (const chunk of chunks) push(chunk)
  return events
}

const parsers = {
  'src/sse.ts': ours,
  'eventsource-parser': eventsourceParser,
  '@microsoft/fetch-event-source': fetchEventSource,
}

const events = (end) =>
  Array.from({ length: EVENTS }, (_, n) => `data: {"token": "#${n} "}${end}${end}`)

function inPieces(text, size) {
  const bytes = encoder.encode(text)
  const count = Math.ceil(bytes.length / size)
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * size, (n + 1) * size))
}

const streams = {
  'an event in a chunk': events('\n').map((event) => encoder.encode(event)),
  'chunks of 16 KiB': inPieces(events('\n').join(''), 16_384),
  'chunks of 16 KiB, CRLF': inPieces(events('\r\n').join(''), 16_384),
  'chunks of 7 bytes': inPieces(events('\n').join(''), 7),
}

function milliseconds(read, chunks) {
  const start = performance.now()
  const seen = read(chunks)
  const elapsed = performance.now() - start
  if (seen !== EVENTS) throw new Error(`${read.name} saw ${seen} of ${EVENTS} events: look there.`)
  return elapsed
}

function rounds(chunks) {
  const round = () => Object.values(parsers).map((read) => milliseconds(read, chunks))
  for (let n = 0; n < WARM_UP_ROUNDS; n++) round()
  return Array.from({ length: ROUNDS }, round)
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

console.log(`${EVENTS} events, medians of ${ROUNDS} rounds, Node ${process.version}`)
for (const [name, chunks] of Object.entries(streams)) {
  console.log(`\n${name}`)
  const times = rounds(chunks)
  Object.keys(parsers).forEach((parser, n) => {
    const ratio = median(times.map((round) => round[n] / round[0])).toFixed(2)
    const perSecond = (EVENTS / 1000 / median(times.map((round) => round[n]))).toFixed(1)
    console.log(`  ${parser.padEnd(30)} ${ratio} of our time, ${perSecond} million events/s`)
  })
}
