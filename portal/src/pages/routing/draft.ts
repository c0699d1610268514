/** Rules to try, as somebody types them. */

export const DRAFT = '{\n  "routing": { "strategy": "cost_optimized" }\n}'

/** The draft as an object; `null` for none. */
export function parseDraft(text: string): Record<string, never> | null {
  if (text.trim() === '') return null
  try {
    return JSON.parse(text) as Record<string, never>
  } catch {
    throw new Error('The rules are not JSON.')
  }
}
