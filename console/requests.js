// The requests to try for callers who may not list the routes, and the examples of their bodies.
export const REQUESTS = [
  { method: "GET", path: "/whoami", needs: "a policy" },
  { method: "GET", path: "/reports", needs: "a policy" },
  { method: "POST", path: "/reports", needs: "a policy", body: { title: "Example", body: "Written in the browser." } },
  { method: "GET", path: "/files", needs: "scope file.read" },
  { method: "PUT", path: "/files/hello.txt", needs: "scope file.write", body: { content: "Hello." } },
  { method: "GET", path: "/admin/policies", needs: "a policy" },
];
