/**
 * JSON Schemas (draft 2020-12) of the REST JSON that ../json.ts reads and writes. Messages become components by their type
 * name, enums are spelled out where they are used.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf"
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import { MoneySchema } from "#gen/authsome/mesh/v1/money_pb.ts"
import { decimalsOf, maxIntegerDigits, requestCurrency } from "../money.ts"
import type { Comments, Schema } from "./Document.ts"
import { choices, type Direction, isRequired } from "./presence.ts"
import { allowsZero, boundsOf, listBounds, mapBounds, rulesOf } from "./rules.ts"
import { namesOf, typeOf, unset } from "./values.ts"
import { wellKnown } from "./wellKnown.ts"

export class Schemas {
  readonly #components = new Map<string, Schema>()
  readonly #comments: Comments
  readonly #answered: ReadonlySet<string>

  /** `answers` are the messages that are sent back: a message that goes both ways has a component for each. */
  constructor(comments: Comments, answers: ReadonlyArray<DescMessage>) {
    this.#comments = comments
    this.#answered = reachable(answers)
  }

  /** Every component that was referred to so far, by name. */
  get components(): Readonly<Record<string, Schema>> {
    return Object.fromEntries([...this.#components].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** The schema of a field's value. */
  field(field: DescField, direction: Direction): Schema {
    const rules = rulesOf(field)
    const type = rules?.type
    switch (field.fieldKind) {
      case "list": {
        const items = this.#value(field, type?.case === "repeated" ? type.value.items : undefined, direction)
        return { type: "array", items, ...listBounds(rules) }
      }
      case "map": {
        const values = this.#value(field, type?.case === "map" ? type.value.values : undefined, direction)
        return { type: "object", additionalProperties: values, ...mapBounds(rules) }
      }
      default:
        return this.#value(field, rules, direction)
    }
  }

  /** What the contract's source says of a field and, where it is an enum, of its values. */
  description(field: DescField, direction: Direction): string | undefined {
    const text = this.#comments.get(`${field.parent.typeName}.${field.name}`)
    if (field.enum === undefined) return text
    const named = namesOf(field, field.enum, rulesOf(field), direction).flatMap(({ name, full }) => {
      const says = this.#comments.get(`${field.enum.typeName}.${full}`)
      return says === undefined || name === unset ? [] : [`- \`${name}\`: ${says}`]
    })
    return [...(text === undefined ? [] : [text]), ...(named.length === 0 ? [] : [named.join("\n")])].join("\n\n")
  }

  /** A reference to a message's component. */
  message(desc: DescMessage, direction: Direction): Schema {
    const known = wellKnown(desc.typeName)
    if (known !== undefined) return known
    if (desc.typeName === MoneySchema.typeName) return direction === "output" ? moneyAnswered : moneyAsked
    const name = direction === "input" && this.#answered.has(desc.typeName) ? `${desc.typeName}.Input` : desc.typeName
    return this.#component(name, () => this.object(desc, desc.fields, direction))
  }

  /** A reference to the component of a request's body: those `fields` of it that nothing else gives. */
  body(desc: DescMessage, fields: ReadonlyArray<DescField>): Schema {
    if (fields.length === desc.fields.length) return this.message(desc, "input")
    const schema = this.object(desc, fields, "input")
    const known = this.#components.get(desc.typeName)
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema)) return schema
    return this.#component(desc.typeName, () => schema)
  }

  /** The schema of an object with `fields` of a message. */
  object(desc: DescMessage, fields: ReadonlyArray<DescField>, direction: Direction): Schema {
    const text = this.#comments.get(desc.typeName)
    const properties = fields.map((field) => [field.jsonName, this.#property(field, direction)] as const)
    const required = fields.filter((field) => isRequired(field, direction)).map(({ jsonName }) => jsonName)
    return {
      type: "object",
      ...(text === undefined ? {} : { description: text }),
      properties: Object.fromEntries(properties),
      ...(required.length === 0 ? {} : { required }),
      ...(direction === "input" ? { additionalProperties: false, ...choices(desc, fields) } : {}),
    }
  }

  #property(field: DescField, direction: Direction): Schema {
    const text = this.description(field, direction)
    return { ...this.field(field, direction), ...(text === undefined ? {} : { description: text }) }
  }

  #component(name: string, make: () => Schema): Schema {
    if (!this.#components.has(name)) {
      this.#components.set(name, {}) // a message that contains itself finds its own name
      this.#components.set(name, make())
    }
    return { $ref: `#/components/schemas/${name}` }
  }

  #value(field: DescField, rules: FieldRules | undefined, direction: Direction): Schema {
    if (field.message !== undefined) return this.message(field.message, direction)
    if (field.enum !== undefined) {
      return { type: "string", enum: namesOf(field, field.enum, rules, direction).map(({ name }) => name) }
    }
    const type = typeOf(field.scalar ?? ScalarType.STRING)
    const bounds = boundsOf(rules)
    if (!allowsZero(rules) || Object.keys(bounds).length === 0) return { ...type, ...bounds }
    return { ...type, anyOf: [{ const: type["type"] === "string" ? "" : 0 }, bounds] }
  }
}

const moneyAnswered: Schema = { type: "number", description: "In the currency's major unit, as in 47.5." }

const moneyAsked: Schema = {
  description: `In ${requestCurrency}, with at most ${decimalsOf(requestCurrency)} decimals, as in 47.5 or "47.50".`,
  anyOf: [
    { type: "number", exclusiveMinimum: -(10 ** maxIntegerDigits), exclusiveMaximum: 10 ** maxIntegerDigits },
    {
      type: "string",
      pattern: `^-?(0|[1-9][0-9]{0,${maxIntegerDigits - 1}})(\\.[0-9]{1,${decimalsOf(requestCurrency)}})?$`,
    },
  ],
}

const reachable = (roots: ReadonlyArray<DescMessage>): ReadonlySet<string> => {
  const names = new Set<string>()
  const visit = (desc: DescMessage): void => {
    if (names.has(desc.typeName)) return
    names.add(desc.typeName)
    for (const { message } of desc.fields) if (message !== undefined) visit(message)
  }
  roots.forEach(visit)
  return names
}
