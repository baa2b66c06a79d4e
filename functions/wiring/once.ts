/** Loads what is behind a port, at its first call. */
export function once<Port>(load: () => Promise<Port>): () => Promise<Port> {
  let loading: Promise<Port> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}
