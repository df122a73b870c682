/** Where an answer can be read on: after a lost connection, and after a reload. */
export interface Place {
  prompt: string
  answer?: string // its name, from a server that resumes
  lastEventId?: string
  text?: string // what had come by then
}

/** In the tab's own storage: a link that is opened beside it is another reader. */
export function savePlace(key: string, place: Place): void {
  storage()?.setItem(key, JSON.stringify(place))
}

export function takePlace(key: string): Place | undefined {
  const saved = storage()?.getItem(key)
  storage()?.removeItem(key)
  return saved ? JSON.parse(saved) : undefined
}

// A browser that stores nothing for this page throws: then a reload forgets the answer.
function storage(): Storage | undefined {
  try {
    return globalThis.sessionStorage
  } catch {
    return undefined
  }
}
