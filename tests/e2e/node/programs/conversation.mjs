// Reads one JSON request from standard input, and writes one JSON response to standard output.
import { readFileSync } from "node:fs";

export async function respond(actions) {
  const { action, ...request } = JSON.parse(readFileSync(0, "utf8"));
  try {
    write(await actions[action](request));
  } catch (error) {
    write({ error: error.error ?? error.code ?? (error.name === "Error" ? error.constructor.name : error.name), message: String(error.message) });
  }
}

function write(response) {
  // Open connections keep the process alive, so it exits when the response is written.
  process.stdout.write(JSON.stringify(response ?? {}), () => process.exit(0));
}
