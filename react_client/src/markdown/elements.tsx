import type { MarkedToken, Token, Tokens } from 'marked'
import type { ReactNode } from 'react'
import { textOf } from './entities'

// Only what begins so is an address: no script, no data, nothing relative to this page.
const ADDRESS = /^(?:https?:\/\/|mailto:)/i

/** Makes elements of tokens. There is no HTML on the way, so none can come to life. */
export function elements(tokens: readonly Token[]): ReactNode[] {
  // biome-ignore lint/suspicious/noArrayIndexKey: a token is known by its place; the last ones change
  return tokens.map((token, place) => <Element key={place} token={token as MarkedToken} />)
}

function Element({ token }: { token: MarkedToken }): ReactNode {
  switch (token.type) {
    case 'code':
    case 'list':
    case 'table':
      return container(token, contents(token))
    case 'paragraph':
      return <p>{elements(token.tokens)}</p>
    case 'heading':
      return heading(token)
    case 'blockquote':
      return <blockquote>{elements(token.tokens)}</blockquote>
    case 'hr':
      return <hr />
    case 'space':
      return null
    default:
      return inline(token)
  }
}

function inline(token: MarkedToken): ReactNode {
  switch (token.type) {
    case 'text':
      return token.tokens ? elements(token.tokens) : textOf(token.text)
    case 'strong':
      return <strong>{elements(token.tokens)}</strong>
    case 'em':
      return <em>{elements(token.tokens)}</em>
    case 'del':
      return <del>{elements(token.tokens)}</del>
    case 'codespan':
      return <code>{token.text}</code>
    case 'br':
      return <br />
    case 'link':
      return link(token.href, elements(token.tokens))
    case 'image':
      // an image loads by itself, and its address can carry away what the chat has said
      return link(token.href, textOf(token.text) || token.href)
    case 'checkbox':
      return <input type="checkbox" checked={token.checked} disabled aria-label="done" />
    case 'escape':
      return token.text
    default:
      return token.raw
  }
}

/** Makes the element around a block that may come in pieces. */
export function container(token: MarkedToken, children: ReactNode): ReactNode {
  switch (token.type) {
    case 'code':
      return (
        <pre data-language={token.lang || undefined}>
          <code>{children}</code>
        </pre>
      )
    case 'list':
      return token.ordered ? <ol start={token.start || 1}>{children}</ol> : <ul>{children}</ul>
    case 'table':
      return table(token, children)
    default:
      return <p>{children}</p>
  }
}

/** Makes what one piece of such a block holds. */
export function contents(token: MarkedToken): ReactNode {
  switch (token.type) {
    case 'code':
      return <span className="piece">{wholeLines(token.text)}</span>
    case 'list':
      return token.items.map(({ tokens }, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an item is known by its place
        <li key={place}>{elements(tokens)}</li>
      ))
    case 'table':
      return <tbody>{token.rows.map(row('td'))}</tbody>
    case 'paragraph':
      return <span className="piece">{elements(token.tokens)}</span>
    default:
      return elements([token])
  }
}

function wholeLines(code: string): string {
  return code === '' || code.endsWith('\n') ? code : `${code}\n`
}

function table({ header }: Tokens.Table, body: ReactNode): ReactNode {
  return (
    <div className="table">
      <table>
        <thead>{row('th')(header, 0)}</thead>
        {body}
      </table>
    </div>
  )
}

function row(Cell: 'th' | 'td') {
  return (cells: Tokens.TableCell[], place: number) => (
    <tr key={place}>
      {cells.map(({ align, tokens }, column) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a cell is known by its column
        <Cell key={column} style={{ textAlign: align ?? undefined }}>
          {elements(tokens)}
        </Cell>
      ))}
    </tr>
  )
}

function heading({ depth, tokens }: Tokens.Heading): ReactNode {
  const Heading = `h${depth}` as 'h1'
  return <Heading>{elements(tokens)}</Heading>
}

function link(href: string, children: ReactNode): ReactNode {
  const address = textOf(href)
  if (!ADDRESS.test(address)) return children
  return (
    <a href={address} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  )
}
