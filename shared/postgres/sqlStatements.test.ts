import { assert, it } from "@effect/vitest"
import { sqlStatements } from "./sqlStatements.ts"

const cases: ReadonlyArray<readonly [string, string, ReadonlyArray<string>]> = [
  ["semicolons end statements", "SELECT 1;\nSELECT 2", ["SELECT 1", "SELECT 2"]],
  ["nothing is no statement", ";; -- only; a comment\n ; /* and; another */", []],
  ["quoted strings", "SELECT 'a;b', 'it''s;';SELECT 2", ["SELECT 'a;b', 'it''s;'", "SELECT 2"]],
  ["backslashes count in E'' strings only", "SELECT E'\\';', 'x\\';SELECT 2", ["SELECT E'\\';', 'x\\'", "SELECT 2"]],
  ["a name that ends in e is no E''", "SELECT type'x\\';SELECT 2", ["SELECT type'x\\'", "SELECT 2"]],
  ["quoted names", 'SELECT 1 AS "a;""b";SELECT 2', ['SELECT 1 AS "a;""b"', "SELECT 2"]],
  ["dollar quotes", "DO $$ BEGIN; END $$;SELECT $x$;$$;$x$", ["DO $$ BEGIN; END $$", "SELECT $x$;$$;$x$"]],
  [
    "parameters and names with dollars are no quotes",
    "SELECT $1;SELECT a$b$;SELECT 3",
    ["SELECT $1", "SELECT a$b$", "SELECT 3"],
  ],
  [
    "comments, which nest",
    "SELECT 1 /* ; /* ; */ ; */;-- ;\nSELECT 2",
    ["SELECT 1 /* ; /* ; */ ; */", "-- ;\nSELECT 2"],
  ],
  ["what never ends", "SELECT 'open; ", ["SELECT 'open;"]],
]

for (const [name, text, statements] of cases) {
  it(name, () => assert.deepStrictEqual(sqlStatements(text), statements))
}
