import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const server = process.env.SERVER ?? 'http://127.0.0.1:8000'
const react18 = new URL('./react-18/node_modules', import.meta.url).pathname

// The hook's own tests once more, with React 18 wherever they or Testing Library import React:
// the latter's ES module must be taken, for what it requires as CommonJS would not be replaced.
const onReact18 = {
  extends: true as const,
  resolve: {
    alias: { react: `${react18}/react`, 'react-dom': `${react18}/react-dom` },
    mainFields: ['module', 'main'],
  },
  test: {
    name: 'react 18',
    include: ['src/useStreamingChat.test.tsx'],
    server: { deps: { inline: ['@testing-library/react'] } },
  },
}

export default defineConfig({
  // relative, so that the page works under any prefix that a proxy puts before it
  base: './',
  plugins: [react()],
  server: { proxy: { '/chat': server } },
  test: {
    environment: 'jsdom',
    projects: [{ extends: true, test: { name: 'react 19' } }, onReact18],
  },
})
