// Lets any server of Node listen on the socket it was handed: node --import THIS server.mjs

import net from 'node:net'

const { listen } = net.Server.prototype
const backlog = 4096

net.Server.prototype.listen = function (port, host, onListening) {
  return listen.call(this, { fd: Number(process.env.LISTEN_FD), backlog }, onListening)
}
