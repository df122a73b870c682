import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const packages = fileURLToPath(new URL('../node_modules', import.meta.url))

export default defineConfig({
  base: './',
  plugins: [react()],
  // one React for the page and for what it is measured against
  resolve: { alias: { react: `${packages}/react`, 'react-dom': `${packages}/react-dom` } },
  build: { target: 'esnext' },
})
