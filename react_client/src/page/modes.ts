import { type ComponentType, lazy } from 'react'
import type { ChatOptions } from '../chat'
import { Markdown } from '../markdown/Markdown'
import { PlainText } from './PlainText'

export interface ViewProps {
  text: string
  growing: boolean
}

interface Way {
  label: string
  update: ChatOptions['update']
  View: ComponentType<ViewProps>
}

// Loaded only by those who compare with it.
const Reparsed = lazy(() => import('./Reparsed'))
const ReparsedAtEnd = lazy(() => import('./ReparsedAtEnd'))

/** The ways to show an answer, from the one to copy to those that it is compared with. */
export const MODES = {
  blocks: { label: 'Markdown in blocks, parsed once', update: 'frame', View: Markdown },
  plain: { label: 'Plain text in paragraphs', update: 'frame', View: PlainText },
  'at-end': { label: 'Markdown at the end', update: 'frame', View: ReparsedAtEnd },
  'per-frame': { label: 'All Markdown at each frame', update: 'frame', View: Reparsed },
  'per-token': { label: 'All Markdown at each token', update: 'chunk', View: Reparsed },
} satisfies Record<string, Way>

export type Mode = keyof typeof MODES

export function isMode(name: string | null): name is Mode {
  return name !== null && Object.hasOwn(MODES, name)
}
