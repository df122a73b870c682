import type { ViewProps } from './modes'
import { PlainText } from './PlainText'
import Reparsed from './Reparsed'

/** Plain text while it grows, and all of the Markdown at its end. */
export default function ReparsedAtEnd({ text, growing }: ViewProps) {
  return growing ? <PlainText text={text} /> : <Reparsed text={text} />
}
