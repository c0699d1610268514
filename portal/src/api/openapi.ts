/** The OpenAPI document as the page of it needs it: operations with their fields, every reference followed. */

export interface Parameter {
  name: string
  where: 'path' | 'query' | 'header'
  isRequired: boolean
  type: string
  description: string
}

export interface Field {
  /** `a.b[].c` */
  path: string
  type: string
  isRequired: boolean
  description: string
}

export interface Operation {
  id: string
  method: string
  path: string
  tag: string
  summary: string
  description: string
  parameters: readonly Parameter[]
  body: { example: string; fields: readonly Field[] } | null
  answers: readonly { status: string; description: string; fields: readonly Field[] }[]
}

type Json = Readonly<Record<string, unknown>>

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const
/** Fields further down are found in the document itself. */
const MAX_DEPTH = 4

export function readOperations(document: unknown): Operation[] {
  const root = object(document)
  const operations: Operation[] = []
  for (const [path, item] of Object.entries(object(root['paths']))) {
    for (const method of METHODS) {
      const operation = object(item)[method]
      if (operation !== undefined) operations.push(readOperation(root, path, method, object(operation)))
    }
  }
  return operations
}

function readOperation(root: Json, path: string, method: string, operation: Json): Operation {
  const tags = list(operation['tags'])
  const body = schemaOf(root, operation['requestBody'])
  return {
    id: `${method} ${path}`,
    method: method.toUpperCase(),
    path,
    tag: text(tags[0]) || 'other',
    summary: text(operation['summary']),
    description: text(operation['description']),
    parameters: list(operation['parameters']).map((parameter) => readParameter(root, parameter)),
    body: body && { example: JSON.stringify(example(root, body, 0), null, 2), fields: fields(root, body) },
    answers: Object.entries(object(operation['responses'])).map(([status, answer]) => {
      const schema = schemaOf(root, answer)
      return { status, description: text(follow(root, answer)['description']), fields: schema ? fields(root, schema) : [] }
    }),
  }
}

function readParameter(root: Json, value: unknown): Parameter {
  const parameter = follow(root, value)
  const where = parameter['in']
  return {
    name: text(parameter['name']),
    where: where === 'path' || where === 'header' ? where : 'query',
    isRequired: parameter['required'] === true,
    type: typeName(root, follow(root, parameter['schema'])),
    description: text(parameter['description']),
  }
}

function schemaOf(root: Json, value: unknown): Json | null {
  const content = object(follow(root, value)['content'])
  const json = object(content['application/json'])
  return json['schema'] === undefined ? null : follow(root, json['schema'])
}

function fields(root: Json, schema: Json, prefix = '', depth = 0): Field[] {
  const whole = merged(root, schema)
  if (whole['type'] === 'array') return fields(root, follow(root, whole['items']), `${prefix}[]`, depth)
  const required = list(whole['required'])
  return Object.entries(object(whole['properties'])).flatMap(([name, value]) => {
    const property = merged(root, follow(root, value))
    const path = prefix === '' ? name : `${prefix}.${name}`
    const field = { path, type: typeName(root, property), isRequired: required.includes(name), description: text(object(value)['description']) || text(property['description']) }
    return depth >= MAX_DEPTH ? [field] : [field, ...fields(root, property, path, depth + 1)]
  })
}

/** The parts of `allOf` as one, and of a nullable reference the reference. */
function merged(root: Json, schema: Json): Json {
  const parts = list(schema['allOf']).map((part) => merged(root, follow(root, part)))
  const choices = [...list(schema['oneOf']), ...list(schema['anyOf'])].map((choice) => follow(root, choice)).filter((choice) => choice['type'] !== 'null')
  const [only] = choices
  if (only !== undefined && choices.length === 1) return { ...merged(root, only), description: schema['description'] ?? only['description'] }
  if (parts.length === 0) return schema
  return {
    ...schema,
    required: [...list(schema['required']), ...parts.flatMap((part) => list(part['required']))],
    properties: Object.assign({}, ...parts.map((part) => object(part['properties'])), object(schema['properties'])) as Json,
  }
}

function example(root: Json, schema: Json, depth: number): unknown {
  const whole = merged(root, schema)
  if (whole['example'] !== undefined) return whole['example']
  const choices = list(whole['enum'])
  if (choices.length > 0) return choices[0]
  const kinds = Array.isArray(whole['type']) ? (whole['type'] as unknown[]) : [whole['type']]
  if (depth > MAX_DEPTH || kinds.includes('null')) return null
  if (kinds.includes('array')) return []
  if (kinds.includes('string')) return ''
  if (kinds.includes('integer') || kinds.includes('number')) return 0
  if (kinds.includes('boolean')) return false
  const required = list(whole['required'])
  const wanted = Object.entries(object(whole['properties'])).filter(([name]) => required.includes(name))
  return Object.fromEntries(wanted.map(([name, value]) => [name, example(root, follow(root, value), depth + 1)]))
}

function typeName(root: Json, schema: Json): string {
  const whole = merged(root, schema)
  const choices = list(whole['enum'])
  if (choices.length > 0) return choices.map((choice) => JSON.stringify(choice)).join(' | ')
  const kinds = (Array.isArray(whole['type']) ? (whole['type'] as unknown[]) : [whole['type']]).map(text)
  const format = text(whole['format'])
  const name = kinds.includes('array') ? `${typeName(root, follow(root, whole['items']))}[]` : kinds.filter((kind) => kind !== '').join(' or ') || 'any'
  return format === '' || format.startsWith('int') || format === 'double' ? name : `${name} (${format})`
}

function follow(root: Json, value: unknown): Json {
  let target = object(value)
  for (let hops = 0; hops < 8 && typeof target['$ref'] === 'string'; hops += 1) {
    target = target['$ref'].split('/').slice(1).reduce<Json>((at, step) => object(at[step]), root)
  }
  return target
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
