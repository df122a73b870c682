const NAMED: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
}
const REFERENCE = /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w+));/g

/**
 * Reads character references such as `&amp;`. Of the two thousand names that HTML has, these are
 * the ones that models write; another stays as it is written.
 */
export function textOf(source: string): string {
  return source.replace(REFERENCE, (reference, decimal, hex, name) => {
    if (name) return NAMED[name] ?? reference
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
}
