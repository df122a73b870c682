// What a product would load for a chat: our hook and view, and the usual pair beside it. Prints the
// bytes that are loaded at once, gzipped, as JSON: `npm run bundles`. React itself is in neither.
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const ENTRIES = {
  'useStreamingChat and Markdown': `
    import { useStreamingChat } from '../src/useStreamingChat'
    import { Markdown } from '../src/markdown/Markdown'
    globalThis.used = [useStreamingChat, Markdown]`,
  'useChat and streamdown': `
    import { useChat } from '@ai-sdk/react'
    import { Streamdown } from 'streamdown'
    globalThis.used = [useChat, Streamdown]`,
  'useStreamingChat alone': `
    import { useStreamingChat } from '../src/useStreamingChat'
    globalThis.used = useStreamingChat`,
  'useChat alone': `
    import { useChat } from '@ai-sdk/react'
    globalThis.used = useChat`,
}

async function sizeOf(source) {
  const { output } = await build({
    configFile: false,
    logLevel: 'silent',
    root: import.meta.dirname,
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? `${import.meta.dirname}/entry.js` : undefined),
        load: (id) => (id.endsWith('/entry.js') ? source : undefined),
      },
    ],
    build: {
      write: false,
      target: 'esnext',
      rolldownOptions: { input: 'entry', external: /^react(-dom)?(\/.*)?$/ },
    },
  })
  const chunks = Object.fromEntries(output.map((chunk) => [chunk.fileName, chunk]))
  const atOnce = new Set()
  const load = (name) => {
    if (!chunks[name]?.code || atOnce.has(name)) return
    atOnce.add(name)
    chunks[name].imports.forEach(load)
  }
  load(output.find((chunk) => chunk.isEntry).fileName)
  return [...atOnce].reduce((sum, name) => sum + gzipSync(chunks[name].code).length, 0)
}

const sizes = {}
for (const [name, source] of Object.entries(ENTRIES)) sizes[name] = await sizeOf(source)
console.log(JSON.stringify(sizes))
