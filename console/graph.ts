import { Graph, layout } from "@dagrejs/dagre";

/** Only what the picture needs of a state. */
interface State {
  readonly Type: string;
  readonly Comment?: string;
  readonly Next?: string;
  readonly Default?: string;
  readonly Catch?: readonly { readonly Next: string }[];
  readonly Choices?: readonly { readonly Next?: string }[];
}

export interface Machine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

export interface DrawnGraph {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

interface DrawnNode {
  readonly name: string;
  readonly type: string;
  readonly comment?: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: "next" | "catch";
  /** The data of an SVG path. */
  readonly path: string;
}

const letterPx = 7.4;
const paddingPx = 26;
const heightPx = 34;

/** Lays a state machine out from top to bottom. */
export function drawGraph({ States }: Machine): DrawnGraph {
  const graph = new Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 26, ranksep: 34, marginx: 10, marginy: 10 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of Object.keys(States))
    graph.setNode(name, { width: Math.round(name.length * letterPx) + paddingPx, height: heightPx });
  const drawn = drawnEdges(States);
  for (const { from, to } of drawn) graph.setEdge(from, to);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    ...{ width: Math.ceil(width), height: Math.ceil(height) },
    nodes: Object.entries(States).map(([name, { Type, Comment }]) => ({
      ...{ name, type: Type, ...placeOf(graph.node(name)) },
      ...(Comment !== undefined && { comment: Comment }),
    })),
    edges: drawn.map((edge) => ({ ...edge, path: pathThrough(graph.edge(edge.from, edge.to).points ?? []) })),
  };
}

interface Wanted {
  readonly from: string;
  readonly to: string;
  readonly kind: "next" | "catch";
}

/**
 * Nearly every state can fail, and lines from all of them to the same few would hide the rest: of the ways that errors
 * take, only those are drawn without which a state would hang in the air.
 */
function drawnEdges(states: Machine["States"]): readonly Wanted[] {
  const all = Object.entries(states).flatMap(([from, state]) => edgesOf(from, state));
  const next = all.filter(({ kind }) => kind === "next");
  const joined = new Set(next.map(({ to }) => to));
  const needed = all.filter(({ kind, to }) => {
    const isNeeded = kind === "catch" && !joined.has(to);
    if (isNeeded) joined.add(to);
    return isNeeded;
  });
  return [...next, ...needed];
}

/** First the ordinary ways, so that a catch to the same state adds no second line. */
function edgesOf(from: string, { Next, Default, Choices = [], Catch = [] }: State): readonly Wanted[] {
  const ways = [Next, Default, ...Choices.map((choice) => choice.Next)].filter((to) => to !== undefined);
  return [
    ...[...new Set(ways)].map((to) => ({ from, to, kind: "next" as const })),
    ...[...new Set(Catch.map((caught) => caught.Next))].map((to) => ({ from, to, kind: "catch" as const })),
  ];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function placeOf({
  x = 0,
  y = 0,
  width = 0,
  height = 0,
}: Partial<Point & { width: number; height: number }>) {
  return { x: Math.round(x - width / 2), y: Math.round(y - height / 2), width, height };
}

/** A smooth line: each of dagre's points pulls it, and it passes through the middles between them. */
function pathThrough(points: readonly Point[]): string {
  const at = ({ x, y }: Point) => `${x.toFixed(1)},${y.toFixed(1)}`;
  const [first, ...rest] = points;
  const last = rest.pop();
  if (first === undefined || last === undefined) return "";
  const bends = rest.map((point, index) => {
    const next = rest[index + 1] ?? last;
    const middle =
      index === rest.length - 1 ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${at(point)} ${at(middle)}`;
  });
  return `M${at(first)} ${bends.length === 0 ? `L${at(last)}` : bends.join(" ")}`;
}
