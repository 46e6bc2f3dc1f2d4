import { expect, describe as group, it } from "vitest"
import { describe, installation, type Observed, removal } from "./plan.ts"

const action = (name: string) => ({ name, script: `function ${name}(){}`, timeout: "1s", allowedToFail: true })
const wanted = [action("first"), action("second")]

const present = (id: string, name: string, changes: object = {}) => ({ ...action(name), id, active: true, ...changes })
const complete = [present("1", "first"), present("2", "second")]

const observed = (
  actions: Observed["actions"],
  userinfo: ReadonlyArray<string>,
  access: ReadonlyArray<string>,
): Observed => ({ actions, triggers: { "4": userinfo, "5": access } })

const steps = (state: Observed) => installation(wanted, state).map(describe)

const both = "run first, second at"

group("what has to be done in an organisation", () => {
  it("is everything where there is nothing", () => {
    expect(steps(observed([], [], []))).toEqual([
      "create first",
      "create second",
      `${both} Pre Userinfo creation`,
      `${both} Pre access token creation`,
    ])
  })

  it("is nothing where all is there, wherever others are", () => {
    expect(steps(observed(complete, ["1", "2"], ["8", "1", "9", "2"]))).toEqual([])
  })

  it.each([
    ["is missing", ["8", "1"]],
    ["are in the wrong order", ["2", "8", "1"]],
    ["is there twice", ["1", "2", "8", "1"]],
  ])("is to put a trigger right where ours %s, after the others", (_, running) => {
    expect(installation(wanted, observed(complete, running, ["1", "2"]))).toEqual([
      { _tag: "Trigger", trigger: "4", others: ["8"], ours: ["first", "second"] },
    ])
  })

  it("is to change what differs, and to wake what sleeps", () => {
    const actions = [
      present("1", "first", { timeout: "2s", allowedToFail: false }),
      present("2", "second", { active: false }),
    ]
    expect(steps(observed(actions, ["1", "2"], ["1", "2"]))).toEqual([
      "update first (timeout, allowedToFail)",
      "activate second",
    ])
  })
})

group("what has to be taken away", () => {
  it("is ours from the triggers, before ours themselves", () => {
    const taken = removal(["first", "second"], observed([...complete, present("8", "theirs")], ["8", "1", "2"], ["2"]))
    expect(taken.map(describe)).toEqual([
      "run only the 1 of others at Pre Userinfo creation",
      "run nothing at Pre access token creation",
      "delete first",
      "delete second",
    ])
  })

  it("is nothing where there is nothing of ours", () => {
    expect(removal(["first", "second"], observed([present("8", "theirs")], ["8"], []))).toEqual([])
  })
})
