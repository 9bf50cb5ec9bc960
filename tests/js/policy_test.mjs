import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { isAbove, lowestFor, may, mayReact, ROLES, rolesToGive, silence } = await load("policy");

const chat = (more = {}) => ({ role: "member", chat_type: "group", permissions: {}, is_archived: false, ...more });
const allowed = (action, more = {}) => ROLES.filter((role) => may(chat({ ...more, role }), action));

test("each action starts at its role", () => {
  assert.deepEqual(allowed("post"), ROLES);
  assert.deepEqual(allowed("invite"), ["member", "moderator", "admin", "owner"]);
  for (const action of ["pin", "mention_all", "delete_any", "mute"]) {
    assert.deepEqual(allowed(action), ["moderator", "admin", "owner"]);
  }
  for (const action of ["manage_people", "rename"]) assert.deepEqual(allowed(action), ["admin", "owner"]);
  assert.deepEqual(allowed("own"), ["owner"]);
});

test("a chat decides for itself who posts, and not who manages", () => {
  const permissions = { post: "moderator", manage_people: "guest" };
  assert.deepEqual(allowed("post", { permissions }), ["moderator", "admin", "owner"]);
  assert.deepEqual(allowed("manage_people", { permissions }), ["admin", "owner"]);
  assert.equal(lowestFor(chat({ permissions }), "post"), "moderator");
  assert.equal(lowestFor(chat(), "invite"), "member");
});

test("an archived chat can only be restored, and nobody owns a direct one", () => {
  for (const action of ["post", "invite", "rename"]) assert.deepEqual(allowed(action, { is_archived: true }), []);
  assert.deepEqual(allowed("own", { is_archived: true }), ["owner"]);
  for (const action of ["invite", "manage_people", "own"]) assert.deepEqual(allowed(action, { chat_type: "direct" }), []);
  assert.deepEqual(allowed("post", { chat_type: "direct" }), ROLES);
});

test("one changes those below oneself, and owners each other", () => {
  assert.deepEqual(rolesToGive("admin"), ["guest", "member", "moderator"]);
  assert.deepEqual(rolesToGive("owner"), ROLES);
  assert.equal(isAbove("admin", "admin"), false);
  assert.equal(isAbove("owner", "owner"), true);
});

test("it says why one may not write", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  const muted = { muted_until: "2030-01-01T00:00:01.000Z" };
  assert.equal(silence(chat(), now), null);
  assert.equal(silence(chat({ ...muted, is_archived: true }), now), "archived");
  assert.equal(silence(chat(muted), now), "muted");
  assert.equal(silence(chat(muted), now + 1_000), null);
  assert.equal(silence(chat({ permissions: { post: "admin" } }), now), "read_only");
});

test("who is muted may not react, who may only read may", () => {
  assert.equal(mayReact(chat({ permissions: { post: "owner" } }), 0), true);
  assert.equal(mayReact(chat({ muted_until: "2026-01-01T00:00:00Z" }), 0), false);
  assert.equal(mayReact(chat({ muted_until: "2026-01-01T00:00:00Z" }), Date.parse("2026-01-01T00:00:01Z")), true);
  assert.equal(mayReact(chat({ is_archived: true }), 0), false);
});
