import { isMode, type Mode } from './modes'

/** What the address of the page says: `?prompt=Hello&mode=blocks&autostart=1&theme=dark`. */
export interface Settings {
  prompt: string
  mode: Mode
  autostart: boolean
  theme?: 'dark' | 'light' // who embeds the page knows the theme around it; else the system's
  report?: URL // where to post what a run has cost
}

export function readSettings(address: URL): Settings {
  const query = address.searchParams
  const [mode, theme] = [query.get('mode'), query.get('theme')]
  return {
    prompt: query.get('prompt') ?? '',
    mode: isMode(mode) ? mode : 'blocks',
    autostart: query.get('autostart') === '1',
    theme: theme === 'dark' || theme === 'light' ? theme : undefined,
    report: reportAddress(query.get('report'), address),
  }
}

// Only this server is told: a link to the page must not be a way to post elsewhere.
function reportAddress(given: string | null, page: URL): URL | undefined {
  const address = given && URL.canParse(given, page) ? new URL(given, page) : undefined
  return address?.origin === page.origin ? address : undefined
}
