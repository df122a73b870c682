// Runs a batcher, read from standard input, with React and with frames and timers of its own:
// node run.mjs < batcher.js. The last line that it prints says what came of each scene.
import { text as read } from 'node:stream/consumers'
import { Clock } from './clock.mjs'
import { openScreen, rendered } from './screen.mjs'

const FRAMES = 100
const TOKENS_A_FRAME = 4
const FRAME_MS = 16
const HIDDEN_MS = 1000

/** One answer: its tokens go to the batcher, and the batcher's text to the screen. */
class Scene {
  tokens = 0
  frames = 0

  static async open(code, isStrict) {
    const scene = new Scene()
    scene.screen = await openScreen(isStrict)
    scene.clock = new Clock()
    const names = Object.keys(scene.clock.calls)
    const make = new Function(...names, `${code}\nreturn makeBatcher`)
    scene.batcher = make(...Object.values(scene.clock.calls))(scene.screen.update)
    const { add, end } = scene.batcher ?? {}
    if (!add || !end) throw new TypeError('makeBatcher returns no object with add and end')
    return scene
  }

  // each token in a turn of its own, as the network brings them
  async add(count) {
    for (let n = 0; n < count; n++) {
      this.batcher.add(`#${this.tokens++} `)
      await rendered()
    }
  }

  frame() {
    this.frames += 1
    this.clock.pass(FRAME_MS)
    this.clock.frame()
  }

  get seen() {
    const { text, commits, errors } = this.screen
    if (errors.length) throw errors[0]
    return { tokens: this.tokens, frames: this.frames, text, commits }
  }
}

const SCENES = {
  async frames(scene) {
    for (let n = 0; n < FRAMES; n++) {
      await scene.add(TOKENS_A_FRAME)
      scene.frame()
      await rendered()
    }
    scene.batcher.end()
  },
  // a token comes between a frame and React's rendering of it
  async meanwhile(scene) {
    for (let n = 0; n < FRAMES; n++) {
      scene.frame()
      await scene.add(TOKENS_A_FRAME)
    }
    scene.frame()
    await rendered()
    scene.batcher.end()
  },
  async hidden(scene) {
    for (let n = 0; n < 3; n++) {
      await scene.add(TOKENS_A_FRAME)
      scene.clock.pass(HIDDEN_MS)
      await rendered()
    }
  },
  async end(scene) {
    await scene.add(TOKENS_A_FRAME)
    scene.batcher.end()
  },
  async after(scene) {
    await scene.add(TOKENS_A_FRAME)
    scene.batcher.end()
    await rendered()
    scene.frame()
    scene.clock.pass(HIDDEN_MS)
  },
}
SCENES.strict = SCENES.meanwhile

async function play(code) {
  const seen = {}
  for (const [name, act] of Object.entries(SCENES)) {
    const scene = await Scene.open(code, name === 'strict')
    await act(scene)
    await rendered()
    seen[name] = scene.seen
    scene.screen.close()
  }
  return seen
}

const code = await read(process.stdin)
const said = await play(code).catch((problem) => ({ error: String(problem) }))
console.log(JSON.stringify(said))
