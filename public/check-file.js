// Web Worker that checks files: the page stays responsive, and terminating the worker ends a check.
import init, { check_file } from "/pkg/verifier.js";

const ready = init({ module_or_path: "/pkg/verifier.wasm" });

onmessage = async ({ data: file }) => {
  await ready;
  check_file(file, postMessage.bind(globalThis));
};
