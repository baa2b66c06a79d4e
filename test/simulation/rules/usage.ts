/** What is wrong with a command line, in words. */
export class Misuse extends Error {
  override readonly name = "Misuse";
}

export function whole(text: string, flag: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new Misuse(`${flag} is ${JSON.stringify(text)}, which is not a whole number from 0`);
}

/** Runs a command; one that was called wrongly says so in two lines, and ends with 2. */
export async function orMisuse(script: string, main: () => Promise<number>): Promise<number> {
  try {
    return await main();
  } catch (error) {
    // What parseArgs throws is about the command line; anything else is a fault that its stack explains.
    const isWrongUsage = error instanceof Misuse || (error instanceof TypeError && "code" in error);
    if (!isWrongUsage) throw error;
    const message = error.message.replace(/\.(?:\s.*)?$/s, "");
    process.stderr.write(`rekey: error: ${message}\nrekey: hint: see \`npm run ${script} -- --help\`\n`);
    return 2;
  }
}
