import remend from 'remend'
import { parsed } from './parsed'

// What is no HTML here needs no completing, and what waits below needs no escaping.
const OPTIONS = {
  linkMode: 'text-only',
  htmlTags: false,
  katex: false,
  comparisonOperators: false,
  setextHeadings: false,
} as const

// What the next character may turn into something else, at the end of the text.
const OPEN_ENDS: [RegExp, string][] = [
  [/(^|\n)[ \t]*(?:[-=*_+#>|~`]+|\d+[.)]?)[ \t]*$/, '$1'], // markers alone in their line
  [/((?:^|\n)[ \t]*(?:[-*+]|\d+[.)])[ \t]+)\[[ xX]?\]?[ \t]*$/, '$1'], // a task's box
  [/(^|\s)[*_~`]{1,3}$/, '$1'], // an opening marker
  [/!?\[$|!$/, ''], // a link or an image
  [/!?\[([^[\]\n]*)\]$/, '$1'],
  [/\\$|&#?\w{0,8}$/, ''], // an escape or a character reference
]
const ROW = /^ {0,3}\|/
const DELIMITERS = /^[ \t|:-]*$/

/** Completes a text that is cut anywhere, so that nothing flickers when the rest comes. */
export function completed(source: string): string {
  parsed.characters += source.length
  return remend(withoutOpenEnd(source), OPTIONS)
}

// Besides the open ends, a table's header waits until the line below it says that it is one.
function withoutOpenEnd(source: string): string {
  const text = OPEN_ENDS.reduce((text, [end, kept]) => text.replace(end, kept), source)
  const [beforeHeader = '', header = '', last = ''] = ['', '', ...text.split('\n')].slice(-3)
  if (ROW.test(last) && !ROW.test(header)) return without(text, last.length)
  const isHeader = ROW.test(header) && !ROW.test(beforeHeader)
  return isHeader && DELIMITERS.test(last) ? without(text, header.length + 1 + last.length) : text
}

function without(text: string, length: number): string {
  return text.slice(0, text.length - length)
}
