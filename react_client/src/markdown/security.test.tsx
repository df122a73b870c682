import { cleanup } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import { growing } from '../testing/growing'

const HARMLESS = new Set(
  (
    'div p h1 h2 h3 h4 h5 h6 ul ol li pre code span blockquote hr table thead tbody tr th td ' +
    'strong em del br a input'
  ).split(' '),
)
const ATTRIBUTES = new Set(
  'class href target rel start data-language style type disabled checked aria-label'.split(' '),
)

afterEach(cleanup)

function problems(container: HTMLElement): string[] {
  return Array.from(container.querySelectorAll('*')).flatMap((element) => [
    ...(HARMLESS.has(element.localName) ? [] : [element.localName]),
    ...element.getAttributeNames().filter((name) => !ATTRIBUTES.has(name)),
    ...(/^(?:https?:\/\/|mailto:)|^$/.test(element.getAttribute('href') ?? '')
      ? []
      : [element.getAttribute('href') ?? '']),
    ...(/^(?:text-align: \w+;)?$/.test(element.getAttribute('style') ?? '') ? [] : ['style']),
  ])
}

const SCRIPTS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)><animate onbegin=alert(1)></svg>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<style>* { display: none }</style>',
  '<a href="javascript:alert(1)">click</a>',
  '<details open ontoggle=alert(1)>',
  'text <b onmouseover="alert(1)">bold</b> text',
  '<!-- comment --><base href="https://evil.example/">',
  '- <script>alert(1)</script>',
  '> <img src=x onerror=alert(1)>',
  '| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |',
  '```<script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```',
  '`</code><script>alert(1)</script>`',
  '&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;',
  '[x](https://a.example/"onmouseover="alert(1))',
  '[x](<https://a.example/" onmouseover="alert(1)>)',
  '[x](https://a.example "title" onmouseover=alert(1))',
  '```"onmouseover="alert(1)\nx\n```',
]

const ADDRESSES = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  'java\tscript:alert(1)',
  '\u0001javascript:alert(1)',
  'javascript&colon;alert(1)',
  'javascript&#58;alert(1)',
  '&#106;avascript:alert(1)',
  '&#x6A;&#x61;vascript:alert(1)',
  'javascript:alert(1)//https://a.example',
  'data:text/html,<script>alert(1)</script>',
  'DATA:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://a.example/1',
  'intent://a.example',
  '//evil.example/x',
  '/logout',
  'https:evil.example',
]

const LINKS = ADDRESSES.flatMap((address) => [
  `[x](${address})`,
  `[x](<${address}>)`,
  `<${address}>`,
  `![x](${address})`,
  `[![x](${address})](${address})`,
  `[x][y]\n\n[y]: ${address}`,
])

test.each([...SCRIPTS, ...LINKS])('%j stays text, at any moment', (text) => {
  const { container, add, end } = growing()
  for (const character of text) {
    add(character)
    expect(problems(container)).toEqual([])
  }
  end()
  expect(problems(container)).toEqual([])
})

test.each(ADDRESSES)('%j is no address of a link', (address) => {
  const { container, add, end } = growing()
  add(`[x](<${address}>) ![y](<${address}>) [z](${address})`)
  end()
  expect(container.querySelector('a, img')).toBe(null)
})

test('what is written as HTML is seen as it is written', () => {
  const { container, add, end } = growing()
  add('<script>alert("x & y")</script> and <b>bold</b>')
  end()
  expect(container.textContent).toBe('<script>alert("x & y")</script> and <b>bold</b>')
})

test('what stands within HTML is text like any other', () => {
  const { container, add, end } = growing()
  add('<div>\n**bold** &amp; <i>*both*</i>\n</div>')
  end()
  expect(container.querySelector('strong')?.textContent).toBe('bold')
  expect(container.textContent).toBe('<div>\nbold & <i>both</i>\n</div>')
})

test('an image is a link that says what it shows, and nothing is loaded', () => {
  const { container, add, end } = growing()
  add('![a chart](https://a.example/chart.png?secret)')
  end()
  const link = container.querySelector('a')
  expect(link?.textContent).toBe('a chart')
  expect(link?.getAttribute('href')).toBe('https://a.example/chart.png?secret')
})

test.each(['https://a.example/?x=1&y=2', 'http://a.example', 'mailto:a@b.example'])(
  '%s is a link that tells nobody where it was found',
  (address) => {
    const { container, add, end } = growing()
    add(`[x](${address})`)
    end()
    const link = container.querySelector('a')
    expect(link?.getAttribute('href')).toBe(address)
    expect(link?.getAttribute('rel')).toBe('noopener noreferrer')
  },
)
