declare module "tweetnacl-sealedbox-js" {
  /** libsodium's sealed boxes: only the holder of the secret key can open one. */
  const sealedBox: {
    seal(message: Uint8Array, publicKey: Uint8Array): Uint8Array;
    open(sealed: Uint8Array, publicKey: Uint8Array, secretKey: Uint8Array): Uint8Array | null;
  };
  export = sealedBox;
}
