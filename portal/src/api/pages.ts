/**
 * A list of any length, page by page, in memory of a fixed size.
 *
 * Where each page began is kept for all pages that were seen, what stands on them for the last few: who scrolls back
 * makes it ask again from the same place. Every page but the last is full, so that a row's number tells its page.
 */

export interface Page<Row> {
  rows: readonly Row[]
  /** Where the next page begins; `null` at the end. */
  next: string | null
}

interface State<Row> {
  /** Rows that are known to exist so far. */
  count: number
  isEnd: boolean
  error: Error | null
  /** Whether the first page has come. */
  isReady: boolean
  row: (index: number) => Row | undefined
}

type Load<Row> = (cursor: string | undefined) => Promise<Page<Row>>

/** Pages that are kept. */
export const MOST_PAGES = 50

export class Pages<Row> {
  private readonly cursors: (string | undefined)[] = [undefined]
  /** The one that was looked at last stands last. */
  private readonly kept = new Map<number, readonly Row[]>()
  private readonly loading = new Set<number>()
  private readonly listeners = new Set<() => void>()
  private isStopped = false
  private state: State<Row> = { count: 0, isEnd: false, error: null, isReady: false, row: () => undefined }

  constructor(
    private readonly size: number,
    private readonly load: Load<Row>,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => { this.listeners.delete(listener) }
  }

  readonly current = (): State<Row> => this.state

  /** Sees to it that the rows from `first` to before `last` come, and the page after them. */
  want(first: number, last: number): void {
    const [from, to] = [Math.floor(first / this.size), Math.floor((last + this.size / 2) / this.size)]
    for (let page = from; page <= Math.min(to, this.cursors.length - 1); page += 1) {
      const rows = this.kept.get(page)
      if (rows) {
        this.kept.delete(page)
        this.kept.set(page, rows)
      } else if (!this.loading.has(page) && this.state.error === null) void this.fetch(page)
    }
  }

  /** Asks again for what failed. */
  retry(first: number, last: number): void {
    this.change({ error: null })
    this.want(first, last)
  }

  /** Nothing is told any more. */
  stop(): void {
    this.isStopped = true
  }

  private async fetch(page: number): Promise<void> {
    this.loading.add(page)
    try {
      const { rows, next } = await this.load(this.cursors[page])
      this.kept.set(page, rows)
      for (const oldest of this.kept.keys()) {
        if (this.kept.size <= MOST_PAGES) break
        this.kept.delete(oldest)
      }
      if (page < this.cursors.length - 1) this.change({})
      else {
        if (next !== null) this.cursors.push(next)
        this.change({ count: page * this.size + rows.length, isEnd: next === null, isReady: true })
      }
    } catch (error) {
      this.change({ error: error instanceof Error ? error : new Error(String(error)) })
    } finally {
      this.loading.delete(page)
    }
  }

  private change(changed: Partial<State<Row>>): void {
    if (this.isStopped) return
    this.state = { ...this.state, ...changed, row: (index) => this.kept.get(Math.floor(index / this.size))?.[index % this.size] }
    for (const listener of this.listeners) listener()
  }
}
