import { googleSettings } from "../../stores/google-secret-manager/settings.ts";

/** The same project, location and login as of a store: no key is stored, because Google trusts the functions' role. */
export const googleSecretManagerSettings = googleSettings;
