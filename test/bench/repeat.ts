/** Runs `work` so often, `concurrency` at a time. */
export const repeat = async (count: number, concurrency: number, work: () => Promise<unknown>): Promise<void> => {
  let left = count
  const worker = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}
