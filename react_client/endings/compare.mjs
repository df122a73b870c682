// Reads each address with both chats and prints what their users see: node compare.mjs URL...
import { registerHooks } from 'node:module'
import { swallowingChat } from './swallowing.mjs'

// a bundler finds './sse' in sse.ts; Node wants the whole name
registerHooks({
  resolve: (name, context, next) => next(/^\.\/\w+$/.test(name) ? `${name}.ts` : name, context),
})
// Node draws nothing
globalThis.requestAnimationFrame = (draw) => setTimeout(draw)
globalThis.cancelAnimationFrame = clearTimeout

const { createChat } = await import('../src/chat.ts')

async function swallowing(url) {
  let seen
  const show = (state) => {
    seen = state
  }
  // what is thrown now ends in the console, where no user looks
  await swallowingChat(url, 'Hello', show).catch(() => {})
  return { text: seen.text, says: seen.isStreaming ? 'streaming' : 'finished' }
}

async function ours(url) {
  const chat = createChat(() => ({ url }))
  await chat.send('Hello')
  const { text, status, error } = chat.getSnapshot()
  return { text, says: error ? `${status}: ${error.message}` : status }
}

const seen = []
for (const url of process.argv.slice(2))
  seen.push({ swallowing: await swallowing(url), ours: await ours(url) })
console.log(JSON.stringify(seen))
