/** Loads sharp when an image is first decoded or drawn, so that prediction from raw pixels does not wait for it. */
export async function loadSharp() {
  return (await import('sharp')).default;
}
