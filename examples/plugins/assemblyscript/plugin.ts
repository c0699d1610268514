// A plugin in AssemblyScript, which is read like TypeScript: signs the answers that models give.
//
// Build: npx asc plugin.ts -o signed.wasm --runtime incremental --optimize --use abort=plugin/stop --exportStart ""

const ABOUT = '{"name":"signed","version":"1.0.0","description":"Writes a signature behind whole answers and streams."}';
const SIGNATURE = '\\n-- answered by a machine';

// An abort of the language's would be an import, and a plugin has none.
function stop(_message: string | null, _file: string | null, _line: u32, _column: u32): void {
  unreachable();
}

// A place of `length` bytes for the gateway to write to.
export function alloc(length: i32): i32 {
  const place = new ArrayBuffer(length);
  return __pin(changetype<usize>(place)) as i32;
}

// Gives back a place that `alloc` gave, or an answer that was read.
export function dealloc(at: i32, _length: i32): void {
  __unpin(at as usize);
}

function told(at: i32, length: i32): string {
  return String.UTF8.decodeUnsafe(at as usize, length as usize);
}

// The address in the upper half, the length in the lower one.
function answer(text: string): i64 {
  const bytes = String.UTF8.encode(text);
  return ((__pin(changetype<usize>(bytes)) as i64) << 32) | (bytes.byteLength as i64);
}

export function describe(): i64 {
  return answer(ABOUT);
}

// The last piece of a text gets the signature; everything else passes.
export function after_chunk(at: i32, length: i32): i64 {
  const input = told(at, length);
  if (!input.includes('"is_last":true') || !input.includes('"kind":"text"')) return 0;
  return answer('{"verdict":"modify","text":"' + SIGNATURE + '"}');
}
