import { MODES, type Mode } from './modes'

interface Props {
  mode: Mode
  disabled: boolean
  onChange(mode: Mode): void
}

export function RenderMode({ mode, disabled, onChange }: Props) {
  return (
    <label>
      Show as
      <select
        value={mode}
        disabled={disabled}
        onChange={(event) => onChange(event.target.value as Mode)}
      >
        {Object.entries(MODES).map(([name, { label }]) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
    </label>
  )
}
