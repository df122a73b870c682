// Reads one answer as a tab does that nobody looks at, and says ten times a second how it stands:
// node page.mjs URL [OURS=THEIRS]. Such a pair puts another file of this folder in the place of one
// of ours: ./frames=framesOnly.ts. It ends with its standard input.
import { registerHooks } from 'node:module'

const LOOK_MS = 100
const [url, swap = ''] = process.argv.slice(2)
const [ours, theirs] = swap.split('=')
const source = new URL('../src/', import.meta.url)

// a bundler finds './sse' in sse.ts; Node wants the whole name
registerHooks({
  resolve(name, context, next) {
    if (name === ours && context.parentURL?.startsWith(source.href))
      return next(new URL(theirs, import.meta.url).href, context)
    return next(/^\.\/\w+$/.test(name) ? `${name}.ts` : name, context)
  },
})
// a hidden tab draws no frame
globalThis.requestAnimationFrame = () => 1
globalThis.cancelAnimationFrame = () => {}

const { createChat } = await import('../src/chat.ts')
const { SseParser } = await import(theirs && ours === './sse' ? `./${theirs}` : '../src/sse.ts')

const seen = { received: 0, messages: 0, empty: 0 }
const push = SseParser.prototype.push
SseParser.prototype.push = function (bytes) {
  const events = push.call(this, bytes)
  for (const { data } of events) {
    seen.messages += 1
    seen.empty += data === ''
    seen.received += data.startsWith('{"token"')
  }
  return events
}

const chat = createChat(() => ({ url }))
function look() {
  const { text, status, error } = chat.getSnapshot()
  const shown = text.split('#').length - 1
  console.log(JSON.stringify({ ...seen, shown, says: error ? `error: ${error.message}` : status }))
}
setInterval(look, LOOK_MS)
process.stdin.resume().on('end', () => process.exit())
chat.send('page')
look()
