import { render } from '@testing-library/react'
import { elements } from '../markdown/elements'
import { Markdown } from '../markdown/Markdown'
import { parse } from '../markdown/parse'

/** Shows a whole text, parsed once. */
export function atOnce(text: string): HTMLElement {
  return render(<div className="markdown">{elements(parse(text))}</div>).container
}

/** Shows a text that grows, one commit a token. */
export function growing() {
  const { container, rerender } = render(<Markdown text="" growing />)
  let text = ''
  return {
    container,
    add(token: string) {
      text += token
      rerender(<Markdown text={text} growing />)
    },
    end: () => rerender(<Markdown text={text} />),
  }
}

/** Shows what has become of a text that came in tokens. */
export function grown(tokens: string[]): HTMLElement {
  const { container, add, end } = growing()
  for (const token of tokens) add(token)
  end()
  return container
}
