import type { Destination } from "../core/copies/destination.ts";
import type { ConnectOptions, DestinationAdapter, DestinationCalls, DestinationKind } from "./destination.ts";

/** A destination whose adapter is at hand. */
export function connected(
  { kind, capabilities, nameMistake }: DestinationKind,
  { connect }: DestinationAdapter,
  options: ConnectOptions,
): Destination {
  return { kind, capabilities, whyNotName: nameMistake, ...connect(options) };
}

/** A destination whose adapter, and what it works with, is loaded by the first call. */
export function connectLater(
  statement: DestinationKind,
  options: () => Promise<ConnectOptions>,
): Destination {
  const { kind, capabilities, nameMistake } = statement;
  let loading: Promise<DestinationCalls> | undefined;
  const calls = (): Promise<DestinationCalls> => {
    loading ??= Promise.all([statement.adapter(), options()]).then(([{ connect }, given]) => connect(given));
    return loading;
  };
  return {
    ...{ kind, capabilities, whyNotName: nameMistake },
    whyNotHere: async () => (await calls()).whyNotHere(),
    look: async (name) => (await calls()).look(name),
    read: async (name) => (await calls()).read(name),
    write: async (copy) => (await calls()).write(copy),
    activate: async (copy) => (await calls()).activate(copy),
    use: async (copy) => (await calls()).use(copy),
  };
}
