/**
 * A decision as a drawing: the five layers from left to right, each model a lane that goes on until it falls, the scores
 * by factor, and at the end the order in which they are tried. It only draws: the same stands in the list beside it.
 */

import '@xyflow/react/dist/base.css'

import { Handle, Position, ReactFlow, type Edge, type Node, type NodeProps } from '@xyflow/react'
import { useMemo } from 'react'

import type { Schemas } from '../../api/client'
import { money } from '../../format'
import { useTheme } from '../../theme'
import { FACTORS, nameOf, TITLES } from './facts'

type View = Schemas['DecisionView']

const COLUMN = 190
const WIDTH = 166
const LANE = 50
const LANE_WITH_BARS = 140
const HEAD = 56
const MARGIN = 12
/** More lanes than these say only how many more there are. */
const MOST_LANES = 10
/** Of those that are tried, so many have their factors drawn. */
const MOST_BARS = 3

type HeadNode = Node<{ title: string; text: string; overruled: boolean }, 'head'>
type StayNode = Node<{ name: string; score: Schemas['RoutingScore'] | null; hasBars: boolean; tried: number | null; cost: string | null }, 'stay'>
type FallNode = Node<{ name: string; why: string }, 'fall'>
type RestNode = Node<{ text: string }, 'rest'>
type AnyNode = HeadNode | StayNode | FallNode | RestNode

export default function Drawing({ view }: { view: View }) {
  const theme = useTheme()
  const { nodes, edges, height } = useMemo(() => lay(view), [view])
  return (
    <div aria-hidden="true" style={{ height: height + 2 * MARGIN }} className="w-full overflow-hidden rounded border border-line bg-page">
      <ReactFlow<AnyNode>
        key={view.at}
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        colorMode={theme}
        defaultViewport={{ x: MARGIN, y: MARGIN, zoom: 1 }}
        minZoom={0.4}
        maxZoom={1.5}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        zoomOnScroll={false}
        preventScrolling={false}
        proOptions={{ hideAttribution: true }}
      />
    </div>
  )
}

function lay(view: View): { nodes: AnyNode[]; edges: Edge[]; height: number } {
  const nodes: AnyNode[] = []
  const edges: Edge[] = []
  // Who is tried stands on top, in that order; then who fell, the latest first.
  const depth = (place: number) => view.layers.findIndex((layer) => layer.fallen.some(({ candidate }) => candidate === place))
  const fallen = view.candidates.map((_, place) => place).filter((place) => !view.order.includes(place)).sort((a, b) => depth(b) - depth(a))
  const all = [...view.order, ...fallen]
  const lanes = all.slice(0, MOST_LANES)
  view.layers.forEach((layer, column) => {
    nodes.push({
      id: `head ${layer.layer}`,
      type: 'head',
      position: { x: column * COLUMN, y: 0 },
      data: { title: TITLES[layer.layer] ?? layer.layer, text: `${layer.entered} → ${layer.left}`, overruled: layer.overruled },
    })
  })
  let y = HEAD
  for (const [lane, place] of lanes.entries()) {
    const hasBars = lane < MOST_BARS && view.candidates[place]?.score != null
    const candidate = view.candidates[place]
    if (!candidate) continue
    const name = nameOf(candidate)
    let before: string | null = null
    for (const [column, layer] of view.layers.entries()) {
      const fall = layer.fallen.find((one) => one.candidate === place)
      const stays = layer.survivors.includes(place)
      if (!fall && !stays) break
      const id = `${place} ${layer.layer}`
      const position = { x: column * COLUMN, y }
      if (fall) nodes.push({ id, type: 'fall', position, data: { name, why: fall.reason.text } })
      else {
        const isLast = layer.layer === 'selection'
        nodes.push({
          id,
          type: 'stay',
          position,
          data: {
            name,
            hasBars,
            score: layer.layer === 'score' ? (candidate.score ?? null) : null,
            tried: isLast ? (candidate.place ?? null) : null,
            cost: isLast ? money(candidate.estimated_cost_microcents) : null,
          },
        })
      }
      if (before !== null) edges.push({ id: `${before} ${id}`, source: before, target: id, style: { stroke: fall ? 'var(--bad)' : 'var(--good)', strokeWidth: 1.5 } })
      before = fall ? null : id
      if (fall) break
    }
    y += hasBars ? LANE_WITH_BARS : LANE
  }
  const more = view.candidate_count - lanes.length
  if (more > 0) {
    nodes.push({ id: 'rest', type: 'rest', position: { x: 0, y }, data: { text: `and ${more} more` } })
    y += 30
  }
  return { nodes, edges, height: y }
}

function Ends() {
  return (
    <>
      <Handle type="target" position={Position.Left} className="invisible" />
      <Handle type="source" position={Position.Right} className="invisible" />
    </>
  )
}

function Head({ data }: NodeProps<HeadNode>) {
  return (
    <div style={{ width: WIDTH }} className="text-sm">
      <strong>{data.title}</strong>
      <span className="block text-xs text-muted">{data.text}{data.overruled && <span className="text-warn"> overruled</span>}</span>
    </div>
  )
}

function Stay({ data: { name, score, hasBars, tried, cost } }: NodeProps<StayNode>) {
  return (
    <div style={{ width: WIDTH }} className={`rounded border bg-surface px-2 py-1 text-xs ${tried === 0 ? 'border-2 border-good' : 'border-line'}`}>
      <Ends />
      <div className="flex gap-1"><span className="text-good">●</span><bdi className="truncate">{name}</bdi></div>
      {tried !== null && <div className="text-muted">{tried === 0 ? <strong className="text-good">asked first</strong> : `choice ${tried + 1}`}{cost !== null && `, ${cost}`}</div>}
      {score && (
        <div>
          <div className="flex justify-between"><span>total</span><span>{score.total.toFixed(2)}</span></div>
          {hasBars && FACTORS.map((factor) => (
            <div key={factor} className="grid grid-cols-[4.2rem_1fr_1.7rem] items-center gap-1 text-muted">
              <span>{factor}</span>
              <span className="h-1.5 rounded bg-raised"><span className="block h-full rounded bg-requests" style={{ width: `${Math.max(0, Math.min(1, score.factors[factor])) * 100}%` }} /></span>
              <span className="text-right">{score.factors[factor].toFixed(2)}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  )
}

function Fall({ data }: NodeProps<FallNode>) {
  return (
    <div style={{ width: WIDTH }} className="rounded border border-dashed border-bad bg-surface px-2 py-1 text-xs">
      <Ends />
      <div className="flex gap-1"><span className="text-bad">✕</span><bdi className="truncate line-through">{data.name}</bdi></div>
      <div title={data.why} className="truncate text-muted"><bdi>{data.why}</bdi></div>
    </div>
  )
}

function Rest({ data }: NodeProps<RestNode>) {
  return <div className="text-xs text-muted">{data.text}</div>
}

const NODE_TYPES = { head: Head, stay: Stay, fall: Fall, rest: Rest }
