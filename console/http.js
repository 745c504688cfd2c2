// Sends requests, and gives refusals a message for people.

// An error with a message for the user.
export class Problem extends Error {}

// A response that is not a success. status: of HTTP; code: the stable code of the API
export class Refusal extends Problem {
  constructor(status, content) {
    super(`${status}: ${reason(content)}`);
    this.status = status;
    this.code = content?.code;
  }
}

// Sends a request. Returns {status, content}; content is the value of a JSON body, or the text of another body.
export async function send(server, url, options) {
  let response, text;
  try {
    // No cookies and no referrer: the token in the Authorization header is the only credential.
    const always = { cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" };
    response = await fetch(url, { ...always, ...options });
    text = await response.text();
  } catch {
    throw new Problem(`${server} did not answer. It is not reachable, or does not allow ${location.origin}.`);
  }
  try {
    return { status: response.status, content: JSON.parse(text) };
  } catch {
    return { status: response.status, content: text };
  }
}

// Sends a request to the API. token: "" sends none. body: undefined, a text that is sent as it is, or a value for JSON
export function request(settings, token, method, path, body) {
  const headers = { ...(token && { Authorization: `Bearer ${token}` }) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  return send("The API", settings.api_url + path, { method, headers, body: sent });
}

// Returns a path of the API, from names that users chose. A browser would resolve the segments "." and "..".
export function apiPath(base, ...names) {
  const relative = names.find((name) => name === "." || name === "..");
  if (relative) throw new Problem(`A browser cannot request the name "${relative}". Use manage.py.`);
  return [base, ...names.map(encodeURIComponent)].join("/");
}

// Returns the message and the code of a response's content as one sentence.
export function reason(content) {
  const message = content?.message ?? content?.Message ?? "The response contains no reason";
  return sentence(String(message), content?.code && ` (${content.code})`);
}

export const sentence = (text, code = "") => text.replace(/\.?$/, `${code}.`);
