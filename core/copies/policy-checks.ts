/** What a policy says of its copies: core/policy.ts asks, so nothing of it is imported here. */
interface Declared {
  readonly publishable?: boolean;
  readonly consumers:
    | "none"
    | readonly {
        readonly name: string;
        readonly evidence: readonly string[];
        readonly copies?: readonly { readonly to: string; readonly as: string; readonly text?: string }[];
      }[];
}

interface Mistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export function copyMistakes(policy: Declared): readonly Mistake[] {
  return [...copiesAreDeclared(policy), ...namesStayPrivate(policy), ...placesHaveOneText(policy)];
}

/** A place is written once, however many consumers read it. */
function placesHaveOneText({ consumers }: Declared): readonly Mistake[] {
  if (consumers === "none") return [];
  const texts = new Map<string, string | undefined>();
  return consumers.flatMap(({ copies = [] }, index) =>
    copies.flatMap(({ to, as, text }, at) => {
      const id = `${to}/${as}`;
      const isOther = texts.has(id) && texts.get(id) !== text;
      texts.set(id, text);
      const message = `${as} at ${to} is declared with two different texts`;
      return isOther ? [{ path: ["consumers", index, "copies", at, "as"], message }] : [];
    }),
  );
}

/** Build tools put a value with such a name into what every visitor of a page or user of an app downloads. */
const clientPrefixes = [
  ...["VITE_", "NEXT_PUBLIC_", "REACT_APP_", "NUXT_PUBLIC_", "EXPO_PUBLIC_", "GATSBY_", "VUE_APP_"],
  ...["PUBLIC_", "NG_APP_", "STORYBOOK_", "SANITY_STUDIO_", "DOCUSAURUS_PUBLIC_"],
];

function namesStayPrivate({ consumers, publishable }: Declared): readonly Mistake[] {
  if (consumers === "none" || publishable === true) return [];
  return consumers.flatMap(({ copies = [] }, index) =>
    copies.flatMap(({ as }, at) => {
      const prefix = clientPrefixes.find((each) => as.toUpperCase().startsWith(each));
      if (prefix === undefined) return [];
      const message = `${as}: build tools publish what begins with ${prefix}; say \`publishable: true\` of a key that everybody may see`;
      return [{ path: ["consumers", index, "copies", at, "as"], message }];
    }),
  );
}

/** Evidence of a copy that nobody writes would keep the retiring key alive forever. */
function copiesAreDeclared({ consumers }: Declared): readonly Mistake[] {
  if (consumers === "none") return [];
  return consumers.flatMap(({ name, evidence, copies = [] }, index) =>
    evidence.includes("copy") && copies.length === 0
      ? [{ path: ["consumers", index, "copies"], message: `copy evidence needs the copies of ${name}` }]
      : [],
  );
}
