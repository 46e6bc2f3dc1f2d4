import { expect, it } from "vitest"
import { makeAdmissionGate } from "./AdmissionGate.ts"

const gateOf = () => {
  let time = 0
  const log: Array<string> = []
  const gate = makeAdmissionGate({ running: 2, waiting: 2, waitMs: 100 }, () => time)
  const enter = (name: string) =>
    gate.enter(
      () => log.push(`${name} runs`),
      () => log.push(`${name} refused`),
    )
  return { gate, log, enter, pass: (millis: number) => (time += millis) }
}

it("runs what fits, queues what may wait, and refuses the rest at once", () => {
  const { gate, log, enter } = gateOf()
  for (const name of ["a", "b", "c", "d", "e"]) enter(name)
  expect(log).toEqual(["a runs", "b runs", "e refused"])
  expect(gate.isFull()).toBe(true)
  gate.leave()
  gate.leave()
  expect(log.slice(3)).toEqual(["c runs", "d runs"])
  expect(gate.state()).toEqual({ running: 2, waiting: 0, refused: 1 })
})

it("refuses a call that has waited too long when its turn comes", () => {
  const { gate, log, enter, pass } = gateOf()
  for (const name of ["a", "b", "c"]) enter(name)
  pass(101)
  enter("d")
  gate.leave()
  expect(log).toEqual(["a runs", "b runs", "c refused", "d runs"])
})

it("forgets a call whose caller has hung up, and gives its place to the next", () => {
  const { gate, log, enter } = gateOf()
  enter("a")
  enter("b")
  const hangUp = enter("c")
  enter("d")
  hangUp?.()
  hangUp?.()
  enter("e")
  gate.leave()
  gate.leave()
  expect(log).toEqual(["a runs", "b runs", "d runs", "e runs"])
  gate.leave()
  gate.leave()
  expect(gate.state()).toEqual({ running: 0, waiting: 0, refused: 0 })
})

it("never runs more than the limit however calls come and go", () => {
  const { gate, enter } = gateOf()
  let seed = 7
  for (let turn = 0; turn < 10_000; turn++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    if (seed % 3 !== 0) enter(String(turn))
    else if (gate.state().running > 0) gate.leave()
    expect(gate.state().running).toBeLessThanOrEqual(2)
    expect(gate.state().waiting).toBeLessThanOrEqual(2)
    expect(gate.state().waiting === 0 || gate.state().running === 2).toBe(true)
  }
})
