// React with a text on a screen: what a batcher's update() changes, and how often it does.
import { JSDOM } from 'jsdom'

const { window } = new JSDOM()
Object.assign(globalThis, { window, document: window.document })
const { createElement, Fragment, StrictMode, useLayoutEffect, useState } = await import('react')
const { createRoot } = await import('react-dom/client')

/** React renders in turns of its own; what was asked for before is on the screen after these. */
export async function rendered() {
  for (let n = 0; n < 10; n++) await new Promise(setImmediate)
}

function Text({ screen }) {
  const [text, setText] = useState('')
  screen.update = setText
  useLayoutEffect(() => {
    screen.text = text
    screen.commits += 1
  }, [screen, text])
  return text
}

export async function openScreen(isStrict) {
  const screen = { text: '', commits: 0, errors: [], update: undefined, close: undefined }
  const onUncaughtError = (problem) => screen.errors.push(problem)
  const root = createRoot(document.createElement('div'), { onUncaughtError })
  root.render(
    createElement(isStrict ? StrictMode : Fragment, null, createElement(Text, { screen })),
  )
  await rendered()
  screen.commits = 0
  screen.close = () => root.unmount()
  return screen
}
