/** The door of a gateway that has an admin credential. */

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'

import { api, ApiError, done } from '../api/client'
import { Button } from '../ui/Button'

export function LoginForm() {
  const client = useQueryClient()
  const field = useId()
  const [password, setPassword] = useState('')
  const login = useMutation({
    mutationFn: () => done(api.POST('/v1/session', { body: { password } })),
    onSuccess: () => client.resetQueries(),
  })
  return (
    <form
      className="mx-auto mt-10 max-w-sm rounded-lg border border-line bg-surface p-6"
      onSubmit={(event) => {
        event.preventDefault()
        login.mutate()
      }}
    >
      <h1 className="text-lg font-semibold">Sign in</h1>
      {/* Password managers keep a password under a name. */}
      <input type="text" name="username" autoComplete="username" value="admin" readOnly hidden />
      <label htmlFor={field} className="mt-4 block text-sm">Admin password or token</label>
      <input
        id={field}
        type="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => { setPassword(event.target.value) }}
        className="mt-1 w-full rounded border border-muted bg-page px-3 py-2"
      />
      <p role="alert" className="mt-2 text-sm text-bad empty:hidden">{login.isError ? refusal(login.error) : ''}</p>
      <Button type="submit" className="mt-4 w-full" disabled={login.isPending}>{login.isPending ? 'Signing in…' : 'Sign in'}</Button>
    </form>
  )
}

function refusal(error: Error): string {
  if (error instanceof ApiError && error.status === null) return 'The gateway does not answer. Is it still running?'
  return `Not signed in: ${error.message}.`
}
