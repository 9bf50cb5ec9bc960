import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { withChange } = await load("offered");

const deploy = { name: "deploy", description: "Deploys", usage: "" };
const revert = { name: "revert", description: "Goes back", usage: "" };

test("a command is put in, changed, renamed or taken away, and the others stay", () => {
  assert.deepEqual(withChange([deploy], "", revert), [deploy, revert]);
  const changed = { ...deploy, usage: "BRANCH" };
  assert.deepEqual(withChange([deploy, revert], "deploy", changed), [revert, changed]);
  const renamed = { ...deploy, name: "release" };
  assert.deepEqual(withChange([deploy, revert], "deploy", renamed), [revert, renamed]);
  assert.deepEqual(withChange([deploy, revert], "deploy", null), [revert]);
});

test("a name that another has is there twice, for the server to refuse", () => {
  assert.deepEqual(withChange([deploy, revert], "revert", { ...revert, name: "deploy" }).map(({ name }) => name), ["deploy", "deploy"]);
});
