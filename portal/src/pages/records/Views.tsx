/** The saved views: open one, keep the present one, forget one. */

import { Link } from '@tanstack/react-router'
import { useState } from 'react'

import { useFilters } from '../../app/FilterBar'
import { links } from '../../links'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field } from '../../ui/Field'
import { linkLook } from '../../ui/FilterLink'
import { BUILT_IN, useViews, type View } from './views'

export function Views() {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button onClick={() => { setOpen(true) }}>Views</Button>
      {isOpen && <ViewList onClose={() => { setOpen(false) }} />}
    </>
  )
}

function ViewList({ onClose }: { onClose: () => void }) {
  const filters = useFilters()
  const { views, add, remove } = useViews()
  const [name, setName] = useState('')
  const entry = (view: View, isOwn: boolean) => (
    <li key={view.name} className="flex items-center justify-between gap-3 py-1 text-sm">
      <Link {...links.records(view.filters)} onClick={onClose} className={`min-w-0 truncate ${linkLook}`}><bdi>{view.name}</bdi></Link>
      {isOwn && <Button onClick={() => { remove(view.name) }}>Forget<span className="sr-only"> {view.name}</span></Button>}
    </li>
  )
  return (
    <Dialog title="Views of the records" onClose={onClose}>
      <form className="flex items-end gap-2" onSubmit={(event) => { event.preventDefault(); add({ name: name.trim(), filters }); setName('') }}>
        <Field label="Keep what is shown as" className="grow" required maxLength={80} value={name} onChange={(event) => { setName(event.target.value) }} pattern=".*\S.*" />
        <Button type="submit">Save</Button>
      </form>
      <ul aria-label="Own views" className="mt-3">{views.map((view) => entry(view, true))}</ul>
      <ul aria-label="Ready views" className="mt-3 border-t border-line pt-2">{BUILT_IN.map((view) => entry(view, false))}</ul>
      <p className="mt-2 text-xs text-muted">Your own are kept in this browser.</p>
    </Dialog>
  )
}
