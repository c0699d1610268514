/** Prices of the catalog: exact decimals in US dollars for a million tokens. */

import type { Schemas } from '../../api/client'

type Price = Schemas['Price'] | null | undefined

/** The rate of a class of tokens as text, with its steps marked; `null` when it is not known. */
export function ratePerMillion(price: Price, tokenClass: string): string | null {
  const rate = price?.rates[tokenClass]
  if (!rate) return null
  return `$${rate.usd}${rate.above.length > 0 ? '+' : ''}`
}

/** In the order in which people look for them. */
export const TOKEN_CLASSES = ['input', 'cache_read', 'cache_write', 'cache_write_1h', 'output', 'input_audio', 'output_audio'] as const
