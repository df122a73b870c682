// Prints four times a second the most bytes that any response has in its write buffer.
//
// In front of any server: node --import ./watch_writable.mjs server.mjs
// With ?mark=16384 after its name every stream gets that high-water mark, as Node 20 had it.

import { subscribe } from 'node:diagnostics_channel'
import { setDefaultHighWaterMark } from 'node:stream'

const mark = new URL(import.meta.url).searchParams.get('mark')
if (mark) setDefaultHighWaterMark(false, Number(mark))

const open = new Set()
subscribe('http.server.request.start', ({ response }) => {
  open.add(response)
  response.once('close', () => open.delete(response))
})

function look() {
  const lengths = [...open].map((response) => response.writableLength)
  console.log(`writableLength ${Math.max(0, ...lengths)}`)
}

setInterval(look, 250).unref()
