import { memo } from 'react'

/** Shows text as it is; of its paragraphs only the last one renders again. */
export function PlainText({ text }: { text: string }) {
  return (
    <div className="plain">
      {text.split(/\n{2,}/).map((paragraph, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: text grows at its end, so a place stays
        <Paragraph key={place} text={paragraph} />
      ))}
    </div>
  )
}

const Paragraph = memo(({ text }: { text: string }) => <p>{text}</p>)
