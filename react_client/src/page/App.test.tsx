import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answer, DONE, error, handMade, token } from '../testing/answers'
import { App } from './App'
import { readSettings } from './settings'

const fetch = vi.fn<typeof globalThis.fetch>()

beforeEach(() => {
  vi.stubGlobal('fetch', fetch.mockReset())
})

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

function open(query = '') {
  return render(<App settings={readSettings(new URL(`http://localhost/${query}`))} />)
}

const prompt = () => screen.getByLabelText<HTMLTextAreaElement>('Prompt')
const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name })
const status = (text: string | RegExp) => screen.findByText(text, { selector: '[role=status]' })
const prompts = () => fetch.mock.calls.map(([, init]) => JSON.parse(String(init?.body)).prompt)

test('Enter sends, Shift+Enter begins a new line', async () => {
  fetch.mockResolvedValueOnce(answer(token('Hello'), DONE))
  open()
  await userEvent.type(prompt(), 'one{Shift>}{Enter}{/Shift}two')
  expect(prompt().value).toBe('one\ntwo')
  await userEvent.type(prompt(), '{Enter}')
  await status('Done: 5 characters.')
  expect(prompts()).toEqual(['one\ntwo'])
  expect(screen.getByLabelText('Answer').textContent).toContain('Hello')
  expect(prompt().value).toBe('one\ntwo')
})

test('the Enter that ends the composing of a word does not send', () => {
  open('?prompt=%E3%81%8B')
  fireEvent.keyDown(prompt(), { key: 'Enter', isComposing: true })
  expect(screen.getByRole('status').textContent).toBe('Ready.')
})

test('nothing is not sent', async () => {
  open()
  expect(button('Send').disabled).toBe(true)
  await userEvent.type(prompt(), '  {Enter}')
  expect(fetch).not.toHaveBeenCalled()
})

test('it asks beside itself, behind whatever prefix', async () => {
  const base = document.createElement('base')
  base.href = 'http://localhost/user/me/proxy/8000/'
  document.head.append(base)
  fetch.mockResolvedValueOnce(answer(DONE))
  open('?prompt=hello&autostart=1')
  await status(/Done/)
  expect(String(fetch.mock.calls[0]?.[0])).toBe('http://localhost/user/me/proxy/8000/chat')
  base.remove()
})

test('the button that sends stops, in the same place, and keeps the focus', async () => {
  const made = handMade()
  fetch.mockResolvedValueOnce(made.response)
  open('?prompt=hello')
  const send = button('Send')
  await userEvent.click(send)
  await status('Waiting for the first token…')
  expect(button('Stop')).toBe(send)
  expect(document.activeElement).toBe(send)
  made.say(token('half'))
  await status('Answering…')
  await userEvent.click(send)
  await status('Stopped: 4 characters are kept.')
  expect(screen.getByLabelText('Answer').textContent).toContain('half')
})

test('an error says what to do, and goes with the next answer', async () => {
  fetch.mockResolvedValueOnce(answer(token('half'), error('llm_failed', 'It broke. Try again.')))
  open('?prompt=hello&autostart=1')
  expect((await screen.findByRole('alert')).textContent).toBe('It broke. Try again.')
  await status('Broken off: 4 characters are kept.')
  fetch.mockResolvedValueOnce(answer(token('whole'), DONE))
  await userEvent.click(button('Regenerate'))
  await status('Done: 5 characters.')
  expect(screen.queryByRole('alert')).toBe(null)
  expect(prompts()).toEqual(['hello', 'hello'])
})

test('what is shown is what was asked, also after the prompt has changed', async () => {
  fetch.mockImplementation(async () => answer(token('a'), DONE))
  open('?prompt=hello&autostart=1')
  await status(/Done/)
  await userEvent.type(prompt(), ' and more')
  expect(screen.getByLabelText('Answer').textContent).toContain('hello')
  await userEvent.click(button('Regenerate'))
  expect(prompts()).toEqual(['hello', 'hello'])
})

describe('the way to show it', () => {
  test('is chosen by the address and by hand, and not while an answer comes', async () => {
    const made = handMade()
    fetch.mockResolvedValueOnce(made.response)
    open('?mode=plain&prompt=hello')
    const select = screen.getByLabelText<HTMLSelectElement>('Show as')
    expect(select.value).toBe('plain')
    await userEvent.click(button('Send'))
    made.say(token('**bold**'))
    await status('Answering…')
    expect(select.disabled).toBe(true)
    made.say(DONE)
    await status(/Done/)
    expect(screen.getByText('**bold**')).toBeTruthy()
    await userEvent.selectOptions(select, 'Markdown in blocks, parsed once')
    expect(screen.getByText('bold').localName).toBe('strong')
  })
})
