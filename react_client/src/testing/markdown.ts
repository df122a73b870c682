// Markdown as models write it, and chance that can be repeated.

/** Returns numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const BLOCKS = [
  '# A title',
  '### A smaller one with `code`',
  'A paragraph with **bold**, *italic*, ***both***, ~~struck~~ and `code`.\nIts second line.',
  'A [link](https://a.example/x?y=1&amp;z=2), a bare https://b.example and ![an image](https://c.example/i.png).',
  'A hard break  \nand a_name_with_underscores, 5 * 3 * 2, a|b, and \\*escaped\\*.',
  'A title underlined\n------------------',
  '- one\n- two\n  - nested\n  - nested two\n- three',
  '- loose\n\n- as\n\n  a second paragraph\n\n- loose',
  '* other\n* marker',
  '1. first\n2. second\n   ```py\n   x = 1\n\n   y = 2\n   ```\n3. third',
  '7) seventh\n8) eighth',
  '- [x] done\n- [ ] not done',
  '```js\nconst a = 1\n\nconst b = `**`\n# no title\n---\n| no | table |\n```',
  '````md\n```py\nx\n```\n````',
  '~~~\ntildes\n~~~',
  '    indented\n\n    code',
  '| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 | **4** |',
  '> a quotation\n> of two lines\n>\n> - with a list',
  '***',
  '<div>HTML &amp; <b>such</b></div>',
  '[1]: https://d.example "a definition"',
  'Grüße aus 東京 🚀, naïve “quotes” &mdash; &#169; &lt;tag&gt;',
]

/** Puts blocks one after the other at random, with blank lines between or none. */
export function answerOf(random: () => number, blocks: number): string {
  const pick = () => BLOCKS[Math.floor(random() * BLOCKS.length)] as string
  const gap = () => (random() < 0.8 ? '\n\n' : '\n')
  return Array.from({ length: blocks }, () => pick() + gap()).join('')
}

/** Cuts a text as a model's tokens do: in pieces of 1 to 8 characters. */
export function tokensOf(text: string, random: () => number): string[] {
  const tokens: string[] = []
  for (let at = 0; at < text.length; ) {
    const length = 1 + Math.floor(random() * 8)
    tokens.push(text.slice(at, at + length))
    at += length
  }
  return tokens
}

const words = (n: number) =>
  `word${n} ${n % 17 ? '' : '*with emphasis*. '}${n % 31 ? '' : 'And so on. Then '}`

const ENDLESS = {
  code: (n: number) => `${n ? '' : '```py\n'}x${n} = "**" # ${n}\n`,
  'indented code': (n: number) => `    x${n} = 1\n`,
  paragraph: words,
  list: (n: number) => `- item **${n}**\n`,
  'ordered list': (n: number) => `1. item ${n}\n   - with a part\n`,
  table: (n: number) => `${n ? '' : '| a | b |\n|---|---|\n'}| ${n} | **b** |\n`,
  'one item': (n: number) => (n ? `  ${words(n)}\n` : '- one\n'),
  quotation: (n: number) => `> ${words(n)}\n`,
  heading: (n: number) => (n ? words(n) : '# '),
  'mixed answer': (n: number) => `${BLOCKS[n % BLOCKS.length]}\n\n`,
}

export type Endless = keyof typeof ENDLESS

/** Returns so many lines of a block that could go on for ever. */
export function linesOf(kind: Endless, lines: number): string {
  return Array.from({ length: lines }, (_, n) => ENDLESS[kind](n)).join('')
}
