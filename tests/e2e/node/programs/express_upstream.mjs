// A server without code for Gatehouse: `node express_upstream.mjs PORT`.
import express from "express";

const app = express();

app.get("/public/page", (request, response) => {
  response.cookie("seen", "yes").cookie("theme", "dark").json({ page: "public" });
});
app.get("/public/secret", (request, response) => response.json({ page: "secret" }));
app.get("/private/page", (request, response) => response.json({ page: "private" }));
app.get("/public/moved", (request, response) => response.redirect("/public/page"));
app.get("/public/broken", () => {
  throw new Error("a failure of this server");
});

app.listen(Number(process.argv[2]), "127.0.0.1");
