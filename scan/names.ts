import { issuers } from "../providers/index.ts";
import type { Issuer } from "../providers/provider.ts";

/** Names such as `OPENAI_API_KEY`, `apiKey` and `openai-api-key` in one form. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[_.-]/g, "");
}

/** What bundlers write into the page, by the beginning of a variable's name. */
export const clientPrefixes: readonly string[] = [
  "VITE_",
  "NEXT_PUBLIC_",
  "REACT_APP_",
  "EXPO_PUBLIC_",
  "PUBLIC_",
  "NUXT_PUBLIC_",
  "GATSBY_",
  "VUE_APP_",
];

/** Keys that their issuers mean for browsers. */
const meantForBrowsers =
  /publishable|anon|publickey|clientid|recaptcha|sitekey|maps|firebase|vapid|analytics|posthog|sentry|algoliasearch/;

/** The last part of `process.env.NEXT_PUBLIC_X` and of `import.meta.env.VITE_X`. */
export function clientSideName(name: string): { readonly own: string; readonly prefix: string } | undefined {
  const own = name.slice(name.lastIndexOf(".") + 1);
  const prefix = clientPrefixes.find((each) => own.startsWith(each));
  return prefix === undefined ? undefined : { own, prefix };
}

/** Whether a variable of this name holds what no browser may see. */
export function isSecretForBrowsers(name: string): boolean {
  const plain = plainName(name);
  if (meantForBrowsers.test(plain)) return false;
  if (/secret|passw|privatekey|servicerole|adminkey/.test(plain)) return true;
  return /(?:key|token)s?$/.test(plain) && issuerWords.some(({ words }) => holdsOne(plain, words));
}

const endsAsSecret =
  /(?:apikey|secretkey|accesskey|privatekey|authkey|masterkey|signingkey|encryptionkey|token|secret|password|passwd|credentials?|secretstring|authorization|connectionstring)$/;
const isNoSecret = /publishable|publickey|keyid|tokencount|maxtokens?|nexttoken|pagetoken|tokenizer/;

/** Whether the value of this name is a secret, going by the name alone. */
export function namesSecret(name: string): boolean {
  const plain = plainName(name);
  return (endsAsSecret.test(plain) || /^[A-Z0-9_]+_KEY$/.test(name)) && !isNoSecret.test(plain);
}

/** The issuers whose unmarked keys such a name may hold. */
export function issuersNamed(name: string): readonly Issuer[] {
  const plain = plainName(name);
  return unmarkedIssuers.flatMap(({ issuer, words }) => (holdsOne(plain, words) ? [issuer] : []));
}

const known = new Map<string, boolean>();
/** A repository has few names and uses each often; hostile text has many. */
const knownMax = 50_000;

/** Whether any rule looks at a name. */
export function maySaySecret(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const own = clientSideName(name)?.own;
  const may =
    namesSecret(name) || issuersNamed(name).length > 0 || (own !== undefined && isSecretForBrowsers(own));
  if (known.size < knownMax) known.set(name, may);
  return may;
}

const issuerWords = issuers.map((issuer) => ({
  issuer,
  words: [issuer.kind, ...(issuer.aliases ?? [])].map(plainName).filter((word) => word !== "http"),
}));

const unmarkedIssuers = issuerWords
  .filter(({ issuer: { unmarked = [] } }) => unmarked.length > 0)
  .map(({ issuer, words }) => ({
    issuer,
    words: [...words, ...(issuer.unmarked ?? []).flatMap(({ names = [] }) => names)],
  }));

function holdsOne(name: string, words: readonly string[]): boolean {
  return words.some((word) => name.includes(word));
}
