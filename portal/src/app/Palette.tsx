/** The palette (⌘K or Ctrl-K): every page, project, model and record by a few letters. */

import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { useState } from 'react'

import { modelNamesQuery, statsQuery } from '../api/queries'
import { withFilter } from '../filters'
import { links, PAGES } from '../links'
import { chooseTheme, useTheme } from '../theme'
import { Dialog } from '../ui/Dialog'
import { useFilters } from './FilterBar'

const RECORD_ID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i
const MOST = 20

export function Palette({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState('')
  const navigate = useNavigate()
  const filters = useFilters()
  const stats = useQuery(statsQuery({ t: '30d' }))
  const models = useQuery(modelNamesQuery)
  const other = useTheme() === 'dark' ? 'light' : 'dark'
  const go = (act: () => unknown) => () => {
    onClose()
    act()
  }
  const projects = (stats.data?.by_project ?? []).flatMap(({ name }) => (name == null ? [] : [name])).slice(0, MOST)
  return (
    <Dialog title="Go to" onClose={onClose}>
      <Command label="Go to" loop>
        <Command.Input data-focus="" value={typed} onValueChange={setTyped} placeholder="A page, project, model or record id" className="w-full rounded border border-muted bg-page px-3 py-2" />
        <Command.List className="palette mt-2 max-h-[50dvh] overflow-y-auto">
          <Command.Empty className="p-2 text-sm text-muted">Nothing is called so.</Command.Empty>
          {RECORD_ID.test(typed.trim()) && (
            <Command.Item value={typed} onSelect={go(() => navigate(links.record(typed.trim(), filters)))}>Record {typed.trim()}</Command.Item>
          )}
          <Command.Group heading="Pages">
            {PAGES.map((page) => (
              <Command.Item key={page.title} value={page.title} onSelect={go(() => navigate(page.link(filters)))}>
                {page.title}<kbd>g {page.key}</kbd>
              </Command.Item>
            ))}
          </Command.Group>
          <Command.Group heading="Projects">
            {projects.map((name) => (
              <Command.Item key={name} value={`project ${name}`} onSelect={go(() => navigate(links.records(withFilter(filters, 'project', name))))}><bdi>{name}</bdi></Command.Item>
            ))}
          </Command.Group>
          <Command.Group heading="Models">
            {models.data?.slice(0, MOST).map((name) => (
              <Command.Item key={name} value={`model ${name}`} onSelect={go(() => navigate(links.model(name, filters)))}><bdi>{name}</bdi></Command.Item>
            ))}
          </Command.Group>
          <Command.Group heading="Do">
            <Command.Item value={`${other} theme`} onSelect={go(() => { chooseTheme(other) })}>{other === 'dark' ? 'Dark theme' : 'Light theme'}</Command.Item>
          </Command.Group>
        </Command.List>
      </Command>
    </Dialog>
  )
}
