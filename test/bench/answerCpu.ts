/** Loaded into every program of a bench before its own modules: answers how much CPU time the process has had. */
process.on("message", (message: unknown) => {
  if (typeof message !== "object" || message === null || !("type" in message) || message.type !== "cpu") return
  const { user, system } = process.cpuUsage()
  process.send?.({ type: "cpu", value: user + system })
})
// Being asked is no reason to stay alive, and without the bench there is none at all.
process.channel?.unref()
process.on("disconnect", () => process.exit(0))
