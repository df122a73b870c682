import ReactMarkdown, { type Options } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import { parsed } from '../markdown/parsed'

type Plugins = NonNullable<Options['remarkPlugins']>

const PLUGINS: Plugins = [remarkGfm, counting]

// as our own view has it: an image would load without being asked
const COMPONENTS = {
  img: ({ alt, src }: { alt?: string; src?: string }) => <a href={src}>{alt}</a>,
}

/** Parses and renders all of the text each time it grows: what to compare with, not to copy. */
export default function Reparsed({ text }: { text: string }) {
  return (
    <div className="markdown">
      <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
        {text}
      </ReactMarkdown>
    </div>
  )
}

// Wraps the parser that is set when plugins begin.
function counting(this: { parser?: (document: string, file: never) => unknown }) {
  const parse = this.parser
  this.parser = (document, file) => {
    parsed.characters += document.length
    return parse?.(document, file)
  }
}
