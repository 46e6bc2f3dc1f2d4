import { expect, it } from "vitest"
import { makeRetryBudget, type RetryBudget } from "./RetryBudget.ts"

const spendAll = (budget: RetryBudget): number => {
  let spent = 0
  while (budget.spend()) spent += 1
  return spent
}

it("retries add at most a fifth to the calls of a busy client", () => {
  const budget = makeRetryBudget()
  let retries = 0
  for (let call = 0; call < 1000; call++) {
    budget.earn()
    if (budget.spend()) retries += 1
  }
  expect(retries).toBeGreaterThan(190)
  expect(retries).toBeLessThanOrEqual(210)
})

it("a quiet client may retry a few times at once, and a busy one as often as many calls are lost at once", () => {
  const budget = makeRetryBudget()
  expect(spendAll(budget)).toBe(10)
  for (let call = 0; call < 100_000; call++) budget.earn()
  expect(spendAll(budget)).toBe(100)
})
