// The requests to try, from the OpenAPI document of the API. Pure.

const METHODS = ["get", "put", "post", "delete", "patch", "head"];

// Returns one request for each route: {method, path, needs, body, direct}.
// body: an example, undefined if the request needs no body; direct: whether it can be sent as it is
export function requestsOf(document) {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    METHODS.filter((method) => operations[method]).map((method) => {
      const { security, requestBody } = operations[method];
      const schema = requestBody?.required && requestBody.content?.["application/json"]?.schema;
      return {
        method: method.toUpperCase(),
        path,
        needs: needsOf(security ?? []),
        body: schema ? exampleOf(schema, document) : undefined,
        direct: method === "get" && !path.includes("{"),
      };
    }),
  );
}

function needsOf(security) {
  if (!security.length) return "nothing";
  const scopes = security.flatMap((way) => way.scopes ?? []).map((scope) => scope.split("/").pop());
  return scopes.length ? `scope ${scopes.join(" or ")}` : "a policy";
}

// Returns a value that has the form of a schema, with the required properties only.
function exampleOf(schema, document, depth = 0) {
  if (depth > 8) return null; // a schema that contains itself
  const inner = (part) => exampleOf(part, document, depth + 1);
  if (schema.$ref) return inner(document.components.schemas[schema.$ref.split("/").pop()] ?? {});
  if (schema.enum) return schema.enum[0];
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives) return inner(alternatives[0]);
  if (schema.type === "object") {
    const required = schema.required ?? [];
    return Object.fromEntries(required.map((name) => [name, inner(schema.properties?.[name] ?? {})]));
  }
  if (schema.type === "array") return schema.minItems ? [inner(schema.items ?? {})] : [];
  return (
    { string: "text", integer: schema.minimum ?? 0, number: schema.minimum ?? 0, boolean: false }[schema.type] ?? null
  );
}
