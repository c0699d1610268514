/** What a provider is. Its key is only ever written: an empty field leaves the stored one. */

import { useState } from 'react'

import type { Schemas } from '../../api/client'
import { Button } from '../../ui/Button'
import { Check, Field, FormError, Select } from '../../ui/Field'

type Type = Schemas['ProviderType']

const TYPES: Record<Type, { words: string; address: string }> = {
  openai: { words: 'OpenAI', address: 'https://api.openai.com/v1' },
  anthropic: { words: 'Anthropic', address: 'https://api.anthropic.com' },
  gemini: { words: 'Google Gemini', address: 'https://generativelanguage.googleapis.com' },
  azure_openai: { words: 'Azure OpenAI', address: 'https://<resource>.openai.azure.com' },
  openai_compatible: { words: 'OpenAI-compatible', address: 'https://…/v1' },
  local: { words: 'Local server (vLLM, LM Studio, llama.cpp …)', address: 'http://127.0.0.1:8000/v1' },
  ollama: { words: 'Ollama', address: 'http://127.0.0.1:11434' },
}
const types = Object.keys(TYPES) as Type[]

export type ProviderFields = Schemas['NewProvider']

interface Props {
  known?: Schemas['Provider']
  submit: string
  isPending: boolean
  error: Error | null
  onSubmit: (fields: ProviderFields) => void
}

export function ProviderForm({ known, submit, isPending, error, onSubmit }: Props) {
  const [id, setId] = useState(known?.id ?? '')
  const [type, setType] = useState<Type>(known?.provider_type ?? 'openai')
  const [address, setAddress] = useState(known?.base_url ?? '')
  const [key, setKey] = useState('')
  const [model, setModel] = useState(known?.default_model ?? '')
  const [models, setModels] = useState(known?.models.join(', ') ?? '')
  const [deployment, setDeployment] = useState(known?.deployment ?? '')
  const [version, setVersion] = useState(known?.api_version ?? '')
  const [isPrivate, setPrivate] = useState(known?.allow_private_network ?? false)
  const isAzure = type === 'azure_openai'
  const send = () => {
    onSubmit({
      id: id.trim(),
      provider_type: type,
      default_model: model.trim() === '' ? null : model.trim(),
      models: models.split(',').map((name) => name.trim()).filter((name) => name !== ''),
      // Left out, servers of one's own may lie there and no others.
      ...((known !== undefined || isPrivate) && { allow_private_network: isPrivate }),
      // Saying the same address again would ask for the key again.
      ...(address.trim() !== '' && address.trim() !== known?.base_url && { base_url: address.trim() }),
      ...(key !== '' && { api_key: key }),
      ...(isAzure && { deployment: deployment.trim(), api_version: version.trim() }),
    })
  }
  return (
    <form className="grid gap-3" onSubmit={(event) => { event.preventDefault(); send() }}>
      {known === undefined && (
        <>
          <Field label="Id" value={id} onChange={(event) => { setId(event.target.value) }} required pattern="[a-z0-9][a-z0-9._\-]*" hint="Small letters, digits, dots and dashes; clients may write id/model." />
          <Select label="Type" value={type} onChange={(event) => { setType(types.find((known) => known === event.target.value) ?? 'openai') }}>
            {types.map((type) => <option key={type} value={type}>{TYPES[type].words}</option>)}
          </Select>
        </>
      )}
      <Field label="Address" value={address} onChange={(event) => { setAddress(event.target.value) }} placeholder={TYPES[type].address} hint={known === undefined ? 'Empty for the maker’s own.' : 'Another address needs the key again.'} />
      <Field label="API key" type="password" autoComplete="off" value={key} onChange={(event) => { setKey(event.target.value) }} hint={known === undefined ? 'Kept encrypted; never shown again.' : 'Empty leaves the stored one.'} />
      {isAzure && (
        <>
          <Field label="Deployment" value={deployment} onChange={(event) => { setDeployment(event.target.value) }} required />
          <Field label="API version" value={version} onChange={(event) => { setVersion(event.target.value) }} required placeholder="2024-10-21" />
        </>
      )}
      <Field label="Default model" value={model} onChange={(event) => { setModel(event.target.value) }} />
      <Field label="Models" value={models} onChange={(event) => { setModels(event.target.value) }} hint="Separated by commas; empty for those that the catalog knows." />
      <Check label="May lie in a private network" checked={isPrivate} onChange={(event) => { setPrivate(event.target.checked) }} />
      <FormError error={error} />
      <Button type="submit" className="justify-self-start" disabled={isPending}>{submit}</Button>
    </form>
  )
}
