// A chat as it is often written: short, and silent about whatever goes wrong. Do not copy it.

export async function swallowingChat(url, prompt, show) {
  let text = ''
  show({ text, isStreaming: true })
  try {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ prompt }) })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    for await (const data of eventsOf(response.body)) {
      if (data === '[DONE]') return
      try {
        const { token, error } = JSON.parse(data)
        if (error) throw new Error(error.message)
        text += token
        show({ text, isStreaming: true })
      } catch {
        // probably half an event
      }
    }
  } finally {
    show({ text, isStreaming: false })
  }
}

async function* eventsOf(body) {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = blocks.pop()
    yield* blocks.map((block) => block.replace(/^data: /, ''))
  }
}
