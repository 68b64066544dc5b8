// Checks files on a thread of its own: the page stays quick, and a check can be ended by ending the thread.
import init, { check_file } from "/pkg/verifier.js";

const ready = init({ module_or_path: "/pkg/verifier.wasm" });

onmessage = async ({ data: file }) => {
  await ready;
  check_file(file, postMessage.bind(globalThis));
};
