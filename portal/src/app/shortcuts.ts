/** Keys that work on the whole page. None fires while something is typed, and all can be switched off (WCAG 2.1.4). */

const STORAGE_KEY = 'shortcuts'

export function areShortcutsOn(): boolean {
  try {
    return localStorage.getItem(STORAGE_KEY) !== 'off'
  } catch {
    return true
  }
}

export function switchShortcuts(isOn: boolean): void {
  try {
    localStorage.setItem(STORAGE_KEY, isOn ? 'on' : 'off')
  } catch {
    // Storage is switched off: they stay on.
  }
}

/** Whether a key belongs to a field, to the browser, or to nobody because shortcuts are off. */
export function isTyping(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !areShortcutsOn()) return true
  const at = event.target
  if (!(at instanceof HTMLElement)) return false
  return at.isContentEditable || at.closest('input, textarea, select, dialog[open]') !== null
}
