/** A key for the examples, made on the spot. */

import { useMutation, useQueryClient } from '@tanstack/react-query'

import { api, read } from '../../api/client'
import { keysQuery } from '../../api/queries'
import { Button } from '../../ui/Button'
import { FormError } from '../../ui/Field'

export function NewKey({ onSecret }: { onSecret: (secret: string) => void }) {
  const client = useQueryClient()
  const create = useMutation({
    mutationFn: () => read(api.POST('/v1/keys', { body: { label: 'Getting started' } })),
    onSuccess: (key) => {
      onSecret(key.secret)
      void client.invalidateQueries({ queryKey: keysQuery.queryKey })
    },
  })
  return (
    <div>
      <Button disabled={create.isPending || create.isSuccess} onClick={() => { create.mutate() }}>Create a key for the examples</Button>
      <p role="status" className="mt-1 text-sm text-good empty:hidden">{create.isSuccess ? '● It stands in the examples below. It is shown only here and only now; keep it.' : ''}</p>
      <FormError error={create.error} />
    </div>
  )
}
