// The page of the workshop, with one more way to show an answer.
import { lazy } from 'react'
import { MODES } from '../src/page/modes'

MODES.streamdown = {
  label: 'streamdown',
  update: 'frame',
  View: lazy(() => import('./Streamdown')),
}
await import('../src/page/main')
