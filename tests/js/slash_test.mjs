import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { commandIn, offeredFor, said, slashAt, withCommand } = await load("slash");

test("a command is typed at the start of a text alone", () => {
  assert.deepEqual(slashAt("/", 1), { query: "" });
  assert.deepEqual(slashAt("/dep main", 4), { query: "dep" });
  for (const [text, caret] of [["/dep main", 6], ["a /dep", 6], ["//dep", 5], ["/Dep", 4], ["", 0], ["/etc/hosts", 10]]) {
    assert.equal(slashAt(text, caret), null, text);
  }
});

test("those are offered whose name starts so", () => {
  const commands = [{ name: "deploy" }, { name: "depend" }, { name: "undeploy" }];
  assert.deepEqual(offeredFor("dep", commands), commands.slice(0, 2));
  assert.equal(offeredFor("", Array.from({ length: 50 }, () => ({ name: "a" }))).length, 8);
});

test("what is chosen stands in place of what was typed", () => {
  assert.deepEqual(withCommand("/dep", { query: "dep" }, "deploy"), { text: "/deploy ", caret: 8 });
  assert.deepEqual(withCommand("/dep  main", { query: "dep" }, "deploy"), { text: "/deploy main", caret: 8 });
});

test("a text asks for a command, or is said", () => {
  assert.deepEqual(commandIn("/deploy"), { command: "deploy", text: "" });
  assert.deepEqual(commandIn(" /deploy  main\nnow "), { command: "deploy", text: "main\nnow" });
  for (const text of ["//deploy", "/etc/hosts is a file", "/ deploy", "/Deploy", `/${"x".repeat(33)}`, "deploy", "/"]) {
    assert.equal(commandIn(text), null, text);
  }
  assert.equal(said("//deploy"), "/deploy");
  assert.equal(said("/etc/hosts"), "/etc/hosts");
});
