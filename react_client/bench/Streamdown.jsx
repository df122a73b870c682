import { Streamdown } from 'streamdown'

/** As its own documentation has it, without its optional plugins and without Tailwind's styles. */
export default function View({ text, growing }) {
  return (
    <div className="markdown">
      <Streamdown mode="streaming" isAnimating={growing}>
        {text}
      </Streamdown>
    </div>
  )
}
