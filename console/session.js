// The session: the app client, its access token, and the time of expiry.
//
// The access token is stored in sessionStorage: it survives a reload and ends with its tab. An injected script could
// read it there. A variable would be hardly safer, because such a script could also send requests. The page therefore
// prevents injected scripts: by its Content-Security-Policy, and because it sets text only as text. It discards the
// refresh token, which is valid for hours.

import { Problem, Refusal, request } from "./http.js";

const SESSION = "gatehouse.session";

export class Session {
  #settings;
  #held; // {client_id, token, expires}; expires is in milliseconds since 1970
  #ended;

  // ended: is called when the session ends, with a message or ""
  constructor(settings, ended) {
    this.#settings = settings;
    this.#ended = ended;
    this.#held = JSON.parse(sessionStorage.getItem(SESSION));
  }

  get settings() {
    return this.#settings;
  }
  get active() {
    return Boolean(this.#held);
  }
  get token() {
    return this.#held?.token ?? "";
  }
  get clientId() {
    return this.#held?.client_id;
  }
  get secondsLeft() {
    return Math.floor((this.#held.expires - Date.now()) / 1000);
  }

  // granted: {client_id, access_token, expires_in}
  begin({ client_id, access_token, expires_in }) {
    this.#held = { client_id, token: access_token, expires: Date.now() + expires_in * 1000 };
    sessionStorage.setItem(SESSION, JSON.stringify(this.#held));
  }

  end(message = "") {
    this.#held = null;
    sessionStorage.removeItem(SESSION);
    this.#ended(message);
  }

  // Sends a request with the token. Returns the content of a success. Raises Refusal. A 401 ends the session.
  async call(method, path, body) {
    if (!this.active) throw new Problem("You are signed out. Sign in again.");
    const { status, content } = await request(this.#settings, this.token, method, path, body);
    if (status < 300) return content;
    const refusal = new Refusal(status, content);
    if (status === 401) {
      refusal.message = `The API no longer accepts your token. Sign in again. ${refusal.message}`;
      if (this.active) this.end(refusal.message);
    }
    throw refusal;
  }
}

// Returns the claims of a token without a check. Returns {} for an invalid token.
export function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}
