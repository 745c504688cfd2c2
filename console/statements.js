// The statements of a policy as text and as fields of a form. Pure.

import { Problem } from "./http.js";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
export const NEW = { sid: "", effect: "Allow", methods: ["GET"], paths: [] };

export const toText = (statements) => JSON.stringify(statements, null, 2);

// Reads the text of the JSON view. Raises Problem. The API checks the statements themselves.
export function fromText(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Problem(`The text is not JSON: ${error.message}.`);
  }
  const isStatement = (item) =>
    item &&
    typeof item === "object" &&
    !Array.isArray(item) &&
    [item.methods, item.paths, item.scopes ?? []].every(
      (list) => Array.isArray(list) && list.every((entry) => typeof entry === "string"),
    );
  if (!Array.isArray(value) || !value.every(isStatement)) {
    throw new Problem(
      "Expected a list of statements. Each is an object with sid, effect, methods, paths, optional scopes and optional signed_in_within.",
    );
  }
  return value;
}

// Returns the statement that the fields of a form describe.
// paths, scopes: texts, one entry on a line
// seconds: the greatest age of the sign-in as text, or ""
export function fromFields({ sid, effect, methods, paths, scopes, seconds }) {
  const entries = (text) =>
    text
      .split("\n")
      .map((entry) => entry.trim())
      .filter(Boolean);
  const limits = entries(scopes);
  return {
    ...(sid.trim() && { sid: sid.trim() }),
    effect,
    methods,
    paths: entries(paths),
    ...(limits.length && { scopes: limits }),
    ...(seconds && { signed_in_within: Number(seconds) }),
  };
}
