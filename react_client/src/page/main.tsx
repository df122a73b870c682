import './page.css'
import './markdown.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App'
import { readSettings } from './settings'

const settings = readSettings(new URL(document.URL))
if (settings.theme) document.documentElement.dataset.theme = settings.theme
createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <App settings={settings} />
  </StrictMode>,
)
