// Runs before the first paint, so that a chosen theme does not flash; src/theme.ts owns the choice.
try {
  const chosen = localStorage.getItem('theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Storage is switched off: the system's theme it is.
}
