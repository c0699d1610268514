/** How much of something is used. The figure stands beside it, so that nothing hangs on the picture. */

export function Bar({ share, look }: { share: number; look: string }) {
  return (
    <span aria-hidden="true" className="mt-1 block h-1.5 rounded bg-raised">
      <span className={`block h-full rounded ${look}`} style={{ width: `${Math.min(1, Math.max(0, share)) * 100}%` }} />
    </span>
  )
}
