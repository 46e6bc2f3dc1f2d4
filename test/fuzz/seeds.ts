/** Valid requests of the probe contract: what the mutations start from. */
import { type DescMessage, type DescMethod, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import type { Random } from "./Random.ts"

export interface Seed {
  readonly method: DescMethod
  readonly json: JsonObject
}

const { echo, getItem, listItems, deleteItem, misbehave, whoAmI, forbidden, count } = ProbeService.method

const item: JsonObject = {
  id: "itm_1",
  displayName: "One",
  kind: "ITEM_KIND_ROUND",
  sizeBytes: "5000000000",
  labels: ["a", "b"],
  price: { currency: "usd", minorUnits: "1999" },
  createdAt: "2026-11-21T10:00:00Z",
  parts: { left: { displayName: "Left", parts: { inner: { displayName: "Inner" } } } },
  note: "",
}

/** One of the contract's rpcs with a request that it takes. */
export const seedOf = (random: Random): Seed =>
  random.pick<Seed>([
    { method: echo, json: { item, requestId: "once" } },
    { method: echo, json: { item: { displayName: "x" } } },
    { method: echo, json: { item } },
    { method: getItem, json: { itemId: "itm_1" } },
    { method: listItems, json: { filter: { kind: "ITEM_KIND_SQUARE", labels: ["a"], large: true }, page: 2 } },
    { method: deleteItem, json: { itemId: "itm_1" } },
    { method: misbehave, json: { itemId: "itm_1", how: "NotFound", reason: "ERROR_REASON_NOT_FOUND" } },
    { method: whoAmI, json: {} },
    { method: forbidden, json: {} },
    { method: count, json: { to: 1 + random.int(3), fail: random.oneIn(3) } },
  ])

/** The seed in protobuf. */
export const binaryOf = ({ method, json }: Seed): Buffer => {
  const input: DescMessage = method.input
  return Buffer.from(toBinary(input, fromJson(input, json)))
}

/** The path of an rpc. */
export const pathOf = ({ method }: Seed): string => `/${method.parent.typeName}/${method.name}`

/** REST routes with the text of a request that they take; enum values by their short names. */
export const restSeedOf = (
  random: Random,
): { readonly method: string; readonly target: string; readonly json: JsonObject | undefined } =>
  random.pick<{ method: string; target: string; json: JsonObject | undefined }>([
    { method: "POST", target: "/probe/v1/echo", json: { item: { ...item, kind: "round", price: 19.99 } } },
    { method: "POST", target: "/probe/v1/echo", json: { item: { ...item, kind: "square", price: null } } },
    { method: "GET", target: "/probe/v1/items/itm_1", json: undefined },
    {
      method: "GET",
      target: "/probe/v1/items?filter.kind=square&filter.labels=a&filter.large=true&page=2",
      json: undefined,
    },
    { method: "GET", target: "/probe/v1/kinds/round/items?page=1", json: undefined },
    { method: "DELETE", target: "/probe/v1/items/itm_1", json: undefined },
    { method: "POST", target: "/probe/v1/items/itm_1:misbehave", json: { how: "NotFound", reason: "not_found" } },
    { method: "GET", target: "/probe/v1/forbidden", json: undefined },
    { method: "GET", target: "/openapi.json", json: undefined },
    { method: "GET", target: "/ready", json: undefined },
  ])
