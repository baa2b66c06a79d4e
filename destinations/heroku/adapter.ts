import * as z from "zod";
import type { CopyUse } from "../../core/copies/destination.ts";
import { ProviderUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { apiOf, wrongPlace } from "../api.ts";
import { type ConnectOptions, type DestinationCalls, parseSettings, understood } from "../destination.ts";
import { environmentMark, markRefusal } from "../environment-mark.ts";
import { herokuSettings } from "./settings.ts";

const Vars = z.record(z.string(), z.string().max(65_536));
const App = z.object({ id: z.string() });
const Releases = z.array(z.object({ version: z.int(), status: z.string().max(32) }));

export function connect(options: ConnectOptions): DestinationCalls {
  const { app, origin } = parseSettings(herokuSettings, options.settings);
  const api = apiOf(options, {
    origin,
    headersFor: (token) => ({
      authorization: `Bearer ${token}`,
      accept: "application/vnd.heroku+json; version=3",
    }),
  });
  const varsPath = `/apps/${app}/config-vars`;
  const vars = async () =>
    understood(Vars, (await api.call({ method: "GET", path: varsPath, what: "read the config vars" })).json);
  const fingerprint = async (name: string) => {
    const value = (await vars())[name];
    return value === undefined ? undefined : fingerprintOf(new Secret(value.trim()));
  };

  return {
    async whyNotHere() {
      const what = `read the app ${app}`;
      const asked = await api.whyRefused({ method: "GET", path: `/apps/${app}`, what });
      if ("refusal" in asked) return asked.refusal;
      const { id } = understood(App, asked.reply.json);
      if (id !== app) return wrongPlace(`the token leads to the app ${id}, not to ${app}`);
      return markRefusal((await vars())[environmentMark], { place: app, environment: options.environment });
    },

    async look(name) {
      const mark = await fingerprint(name);
      return mark === undefined ? {} : { mark };
    },

    read: fingerprint,

    async write({ name, text }) {
      const wanted = fingerprintOf(text);
      // The same value again would be another release, and another restart of every dyno.
      if ((await fingerprint(name)) === wanted) return wanted;
      const body = { [name]: text.reveal() };
      await api.call({ method: "PATCH", path: varsPath, body, what: `write ${name}` });
      if ((await fingerprint(name)) !== wanted)
        throw new ProviderUnavailable(`${name} was written and is not there`);
      return wanted;
    },

    /** The write made a release. Its version is noted, so that a roll-back to an earlier one is no use of the copy. */
    activate: async () => String((await newestRelease()).version),

    async use({ name, mark, started }): Promise<CopyUse> {
      if (started === undefined) return { state: "idle", detail: "no release was seen since the write" };
      if ((await fingerprint(name)) !== mark)
        return { state: "failed", detail: "a release from before was rolled back to, with its config vars" };
      const { version, status } = await newestRelease();
      if (status === "succeeded")
        return { state: "active", detail: `release v${version} runs, and the write made v${started}` };
      return status === "pending"
        ? { state: "activating", detail: `release v${version} is pending` }
        : { state: "failed", detail: `release v${version} is ${status}` };
    },
  };

  async function newestRelease() {
    const headers = { range: "version ..; order=desc,max=1" };
    const path = `/apps/${app}/releases`;
    const { json } = await api.call({ method: "GET", path, headers, what: "read the releases" });
    const [newest] = understood(Releases, json).sort((one, other) => other.version - one.version);
    if (newest === undefined) throw new ProviderUnavailable("the app has no release");
    return newest;
  }
}
