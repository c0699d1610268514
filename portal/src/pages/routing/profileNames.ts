/** The names of the profiles that exist. */

import { useQuery } from '@tanstack/react-query'

import { profilesQuery } from '../../api/queries'

export function useProfileNames(): readonly string[] {
  return useQuery(profilesQuery).data?.data.map(({ id }) => id) ?? []
}
