/** What every file of browser tests needs: one gateway, one browser, a watched page for each test. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'

import { expectAccessible, launch, open, PHONE, WIDE, type Watched } from './browser'
import type { Gateway } from './gateway'

export interface Stage {
  readonly gateway: Gateway
  /** Opens a page of the portal and waits for its heading. */
  page: (path: string, heading: string, options?: Parameters<typeof open>[2]) => Promise<Page>
  /** The browser reports every refused call; a test that provokes one says which. */
  expectFault: (pattern: RegExp) => void
}

/** Starts a gateway before the tests of a file; after each of them nothing forbidden may have happened. */
export function stage(start: () => Promise<Gateway>): Stage {
  let gateway: Gateway | undefined
  let browser: Browser | undefined
  let opened: Watched[] = []
  let expected: RegExp[] = []

  beforeAll(async () => {
    gateway = await start()
    browser = await launch()
  })

  afterEach(async () => {
    const watched = opened
    opened = []
    await Promise.all(watched.map(({ page }) => page.context().close()))
    const patterns = expected
    expected = []
    const faults = watched.flatMap(({ faults }) => faults)
    expect(faults.filter((fault) => !patterns.some((pattern) => pattern.test(fault)))).toEqual([])
  })

  afterAll(async () => {
    await browser?.close()
    await gateway?.stop()
  })

  const here = () => {
    if (!gateway) throw new Error('the gateway is not there yet')
    return gateway
  }
  return {
    get gateway() {
      return here()
    },
    page: async (path, heading, options = {}) => {
      if (!browser) throw new Error('the browser is not there yet')
      const watched = await open(browser, here().url + path, options)
      opened.push(watched)
      await watched.page.getByRole('heading', { level: 1, name: heading }).waitFor()
      return watched.page
    },
    expectFault: (pattern) => {
      expected.push(pattern)
    },
  }
}

/** Nothing bars the way in both themes and at both widths; `ready` waits until the page is whole again. */
export async function expectAccessibleEverywhere(page: Page, ready: () => Promise<unknown>): Promise<void> {
  for (const viewport of [WIDE, PHONE]) {
    await page.setViewportSize(viewport)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await ready()
      await expectAccessible(page)
    }
  }
}
