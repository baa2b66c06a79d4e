/** The host of the whole project's secrets, or of one location's. */
export function hostOf(location: string | undefined): string {
  return location === undefined
    ? "secretmanager.googleapis.com"
    : `secretmanager.${location}.rep.googleapis.com`;
}
