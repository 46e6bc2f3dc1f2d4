import { assert, describe, it } from "@effect/vitest"
import type { Wanted } from "./Application.ts"
import { type Action, goal, next, type Observed, type Part, settled } from "./plan.ts"
import { stepNames } from "./Step.ts"

const wishes: ReadonlyArray<Wanted> = ["running", "suspended", "absent"]
const parts: ReadonlyArray<Part> = ["absent", "differs", "present"]

const nothing: Observed = {
  namespace: "absent",
  database: "absent",
  redis: "absent",
  migrations: "absent",
  instance: "absent",
  monitoring: "absent",
  activate: "absent",
}

/** Every state in which the world can be: tables are where a database is, and nowhere else. */
const worlds: ReadonlyArray<Observed> = stepNames
  .reduce<ReadonlyArray<Observed>>(
    (so, name) => so.flatMap((world) => parts.map((part) => ({ ...world, [name]: part }))),
    [nothing],
  )
  .filter(({ database, migrations }) => database !== "absent" || migrations === "absent")

/** The world after an action that did what it should. */
const after = (world: Observed, { name, verb }: Action): Observed => ({
  ...world,
  ...(name === "database" && verb === "remove" && { migrations: "absent" }),
  [name]: verb === "make" ? "present" : "absent",
})

/** How many rounds it takes until nothing is left to do, when of each round's actions only those that `succeed` do. */
const rounds = (wanted: Wanted, from: Observed, succeed: (actions: ReadonlyArray<Action>) => ReadonlyArray<Action>) => {
  let world = from
  for (let round = 0; round <= 14; round++) {
    const actions = next(wanted, world)
    if (actions.length === 0) return { round, world }
    world = succeed(actions).reduce(after, world)
  }
  return { round: Number.POSITIVE_INFINITY, world }
}

const all = (actions: ReadonlyArray<Action>) => actions
const onlyLast = (actions: ReadonlyArray<Action>) => actions.slice(-1)

describe("from every state in which the world can be", () => {
  it.each(wishes)("it comes to rest as wanted, in a bounded number of rounds: %s", (wanted) => {
    for (const world of worlds) {
      for (const [succeed, most] of [
        [all, 9],
        [onlyLast, 13],
      ] as const) {
        const { round, world: end } = rounds(wanted, world, succeed)
        assert.isAtMost(round, most, JSON.stringify(world))
        assert.deepStrictEqual([...settled(wanted, end)], [...stepNames])
      }
    }
  })

  it("nothing is made that stands on something that is missing", () => {
    for (const world of worlds) {
      for (const { name } of next("running", world).filter(({ verb }) => verb === "make")) {
        const before = stepNames.slice(0, stepNames.indexOf(name)).filter((each) => world[each] !== "present")
        // Redis and the database stand side by side.
        assert.deepStrictEqual(
          before.filter((each) => !(name === "redis" && each === "database")),
          [],
          name,
        )
      }
    }
  })

  it("nothing is removed on which something still stands", () => {
    for (const wanted of ["suspended", "absent"] as const) {
      for (const world of worlds) {
        for (const { name } of next(wanted, world).filter(({ verb }) => verb === "remove")) {
          const later = stepNames.slice(stepNames.indexOf(name) + 1)
          const standing = later.filter((each) => goal(wanted, each) === "absent" && world[each] !== "absent")
          // Redis and the database stand side by side, and tables go with their database.
          const onIt = standing.filter((each) => each !== "migrations" && !(name === "database" && each === "redis"))
          assert.deepStrictEqual(onIt, [], name)
        }
      }
    }
  })

  it("a suspended application keeps its data", () => {
    for (const world of worlds) {
      const removed = next("suspended", world).filter(({ verb }) => verb === "remove")
      assert.isEmpty(removed.filter(({ name }) => ["namespace", "database", "redis", "migrations"].includes(name)))
    }
  })
})

it("from nothing the steps come in the order of the contract", () => {
  const taken: Array<string> = []
  rounds("running", nothing, (actions) => {
    taken.push(actions.map(({ name }) => name).join("+"))
    return actions
  })
  assert.deepStrictEqual(taken, ["namespace", "database+redis", "migrations", "instance", "monitoring", "activate"])
})
