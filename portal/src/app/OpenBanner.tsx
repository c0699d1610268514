/** Says that whoever reaches this gateway is its admin, and how to change that. */

export function OpenBanner() {
  return (
    <aside aria-label="Warning" className="border-b border-line bg-warn-surface px-4 py-2 text-sm text-warn lg:px-8">
      <strong>The admin side is open:</strong> everyone on this machine can see and change everything. Set{' '}
      <code>admin_password</code> or <code>admin_token</code> under <code>[auth]</code> in <code>config.toml</code> to close it.
    </aside>
  )
}
