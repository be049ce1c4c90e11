/** sharp, loaded when an image is first decoded or drawn: predicting from pixels should not wait for it. */
export async function loadSharp() {
  return (await import('sharp')).default;
}
