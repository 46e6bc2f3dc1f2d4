import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["{shared,services,test}/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    globalSetup: ["shared/testing/globalSetup.ts"],
  },
})
