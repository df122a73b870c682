import { expect, test } from 'vitest'
import { readSettings } from './settings'

const PAGE = 'http://127.0.0.1:8888/proxy/8000/'
const read = (query: string) => readSettings(new URL(PAGE + query))

test('without a query it is an empty page that shows Markdown in blocks', () => {
  expect(read('')).toEqual({
    prompt: '',
    mode: 'blocks',
    autostart: false,
    theme: undefined,
    report: undefined,
  })
})

test('a notebook can set everything', () => {
  const query = '?prompt=Why%3F&mode=per-token&autostart=1&theme=dark&report=../../api/runs'
  expect(read(query)).toEqual({
    prompt: 'Why?',
    mode: 'per-token',
    autostart: true,
    theme: 'dark',
    report: new URL('http://127.0.0.1:8888/api/runs'),
  })
})

test.each(['?mode=fast', '?mode=toString', '?mode=', '?theme=pink', '?autostart=yes'])(
  '%s is as if it were not there',
  (query) => {
    expect(read(query)).toEqual(read(''))
  },
)

test.each([
  'https://evil.example/',
  '//evil.example/',
  'http://127.0.0.1:9999/',
  'javascript:1',
  'http://',
])('a report does not go to %s', (report) => {
  expect(read(`?report=${encodeURIComponent(report)}`).report).toBe(undefined)
})
