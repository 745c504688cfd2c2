// What the caller may do, for the choice of pages and buttons. The API decides each request again.

import { Refusal } from "./http.js";

export class Permissions {
  #session;
  #asked = new Map(); // "GET /path" → promise of a boolean
  #administrator; // promise of a boolean
  #routes; // promise of the list of routes

  constructor(session) {
    this.#session = session;
  }

  // Whether the API explains permissions to the caller. For everybody else, this is the only request to /admin.
  administers() {
    this.#administrator ??= this.#explain("GET", "/admin/routes");
    return this.#administrator;
  }

  // Whether the API has a route. path: the template, such as /admin/users/{username}
  async has(method, path) {
    return (await this.routes()).some((route) => route.method === method && route.path === path);
  }

  routes() {
    this.#routes ??= this.#session.call("GET", "/admin/routes").then(({ routes }) => routes);
    return this.#routes;
  }

  // Whether the caller may send a request. path: of a request, not a template
  async may(method, path) {
    if (!(await this.administers())) return false;
    const key = `${method} ${path}`;
    if (!this.#asked.has(key)) this.#asked.set(key, this.#explain(method, path));
    return this.#asked.get(key);
  }

  // Forgets the answers, after a change that may concern the caller.
  forget() {
    this.#asked.clear();
  }

  async #explain(method, path) {
    try {
      return (await this.#session.call("POST", "/admin/explain", { method, path, token: this.#session.token })).allowed;
    } catch (refusal) {
      if (refusal instanceof Refusal && refusal.status === 403) return false;
      throw refusal;
    }
  }
}
