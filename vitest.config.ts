import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["{shared,services,test}/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 90_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    globalSetup: ["shared/testing/globalSetup.ts"],
  },
})
