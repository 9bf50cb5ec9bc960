/** The client in every script of tests/conformance. */
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { play, read } from "../conformance/player.mjs";
import "./modules.mjs";

const library = await import("chat-client");
const names = (await readdir(new URL("../conformance/", import.meta.url))).filter((name) => name.endsWith(".json"));
const scripts = (await Promise.all(names.filter((name) => name !== "common.json").map(read))).flat();

for (const script of scripts) test(script.name, () => play(script, library));
