/** What a program of a bench says to the harness. */

/** Tells that the program is ready, with what the harness must know of it. */
export const tellReady = (value: unknown): void => {
  process.send?.({ type: "ready", value })
}

/** Answers what the harness asks. Keeps the process alive until it is stopped. */
export const answer = (answerTo: (message: unknown) => Promise<unknown>): void => {
  process.channel?.ref()
  process.on("message", (envelope: unknown) => {
    if (typeof envelope !== "object" || envelope === null) return
    if (!("type" in envelope) || envelope.type !== "ask" || !("message" in envelope)) return
    answerTo(envelope.message).then(
      (value) => process.send?.({ type: "answer", value }),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
        process.exit(1)
      },
    )
  })
}
