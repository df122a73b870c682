import ReactMarkdown from 'react-markdown'
import remarkGfm from 'remark-gfm'

const PLUGINS = [remarkGfm]

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
