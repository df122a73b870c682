import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Serves an event stream that `answer` writes; `left` is kept when the reader has gone. */
export async function startServer(answer: (response: ServerResponse) => void) {
  const { promise: left, resolve } = Promise.withResolvers<void>()
  const server = createServer((_, response) => {
    response.once('close', resolve)
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    answer(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    return new Promise((closed) => server.close(closed))
  }
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/chat`,
    left,
    close,
    [Symbol.asyncDispose]: async () => void (await close()),
  }
}
