/** Commands of a shell that give `write` a value on its standard input, so that it is in no argument and no history. */
export const typedInto = (write: string): string => `read -rs KEY && printf %s "$KEY" | ${write}; unset KEY`;
export const randomInto = (write: string): string => `openssl rand -hex 32 | tr -d '\\n' | ${write}`;
