/**
 * Plays a script against a client in JavaScript: `await play(script, await import("chat-client"))`.
 *
 * README.md says what each step means. The client gets sockets, tickets, timers, a clock and chance of the player's.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

const HERE = new URL(".", import.meta.url);

/** Reads one file of this folder. */
export async function read(name) {
  return JSON.parse(await readFile(new URL(name, HERE), "utf8"));
}

const { frames, beginnings } = await read("common.json");

/** Plays one script; throws at the first step that comes out otherwise. */
export async function play(script, library) {
  const player = new Player(library);
  for (const [number, step] of unfolded(script.steps).entries()) {
    try {
      await player.step(step);
    } catch (problem) {
      problem.message = `step ${number + 1} ${JSON.stringify(step)}: ${problem.message}`;
      throw problem;
    }
  }
  player.requireSilence();
}

function unfolded(steps) {
  return steps.flatMap((step) => (step.play ? unfolded(beginnings[step.play]) : [step]));
}

// What each thing told is in a script.
const TOLD = {
  event: (frame) => frame,
  whisper: (frame) => frame,
  personal: (frame) => frame,
  missed: () => ({}),
  fresh: (roomId, cursor) => ({ roomId, ...cursor }),
  summary: (roomId, told) => ({ roomId, ...told }),
  reload: (roomId) => ({ roomId }),
  gone: (roomId) => ({ roomId }),
  delivered: (entry, frame) => ({ ...frame, content: entry.content }),
  signedOut: () => ({}),
};

class Player {
  #library;
  #client;
  #storage;
  #outbox;
  #names = new Map();
  #socket = null;
  // Whoever waits for a ticket, the newest last.
  #tickets = [];
  #now = 1_000_000;
  #chance = 0.5;
  #timers = [];
  #state = null;
  #messages = new Map();
  // What the client did and no step has expected yet.
  #done = { asks: [], connects: [], sends: [], tells: [], leaves: [] };

  constructor(library) {
    this.#library = library;
    this.#storage = new library.MemoryStorage();
    this.#makeClient();
  }

  /** Plays one step. */
  async step(step) {
    const [verb] = Object.keys(step);
    if (verb in this.#expected) return this.#expected[verb](step);
    this.requireSilence();
    await this.#caused[verb](step);
    await settled();
    return undefined;
  }

  /** Fails where the client did something that no step expected. */
  requireSilence() {
    const unexpected = Object.entries(this.#done).filter(([, things]) => things.length > 0);
    assert.deepEqual(Object.fromEntries(unexpected), {}, "unexpected");
  }

  #caused = {
    app: ({ app, ...what }) => this.#app[app](what),
    server: ({ server }) => {
      this.#socket.onmessage({ data: JSON.stringify(this.#whole(server)) });
    },
    closes: ({ closes }) => {
      const { onclose } = this.#socket;
      this.#socket = null;
      onclose({ code: closes });
    },
    ticket: ({ ticket }) => this.#tickets.shift().resolve(ticket),
    passes: ({ passes }) => this.#pass(passes),
    chance: ({ chance }) => (this.#chance = chance),
  };

  #app = {
    start: () => this.#client.start(),
    stop: () => this.#client.stop(),
    nudge: () => this.#client.nudge(),
    follow: ({ rooms }) => this.#client.follow(rooms),
    followAll: () => this.#client.followAll(),
    post: ({ message }) => this.#client.post(message),
    retry: ({ nonce, freshNonce }) => this.#client.retry(nonce, freshNonce),
    settle: ({ nonce }) => this.#client.settle(nonce),
    tell: ({ frame }) => this.#client.tell(frame),
    restart: ({ owner }) => {
      this.#socket = null;
      this.#tickets = [];
      this.#timers = [];
      this.#makeClient(owner);
    },
  };

  #expected = {
    asks: async ({ asks, gets, fails }) => {
      assert.deepEqual(this.#next("asks"), asks);
      if (fails) this.#tickets.pop().reject(Object.assign(new Error("no ticket"), { status: fails }));
      else if (gets) this.#tickets.pop().resolve(gets);
      await settled();
    },
    connects: ({ connects }) => assert.deepEqual(this.#next("connects"), connects),
    sends: ({ sends }) => this.#match(this.#next("sends"), sends),
    tells: ({ tells }) => {
      const [[name, wanted]] = Object.entries(tells);
      const [told, what] = this.#next("tells");
      assert.equal(told, name);
      assert.deepEqual(picked(what, wanted), wanted);
    },
    leaves: () => this.#next("leaves"),
    state: ({ state }) => {
      const { retryAt, ...rest } = this.#state;
      const now = { ...rest, retryInMs: retryAt === null ? null : retryAt - this.#now };
      assert.deepEqual(picked(now, state), state);
    },
    unsent: ({ unsent }) => {
      const entries = this.#outbox.entries.map(({ nonce, status, reason }) => ({ nonce, status, code: reason?.code ?? null }));
      assert.deepEqual(entries, unsent);
    },
    shows: ({ shows }) => {
      const messages = this.#library.ordered(this.#messages);
      const shown = ({ id, content, isDeleted, editedAt }) => ({ id, content, isDeleted, isEdited: editedAt !== null });
      assert.deepEqual(messages.map(shown), shows);
    },
  };

  #makeClient(owner = "ada") {
    const tell = ([name, asObject]) => [name, (...what) => this.#heard(name, asObject(...what))];
    const env = this.#environment();
    this.#outbox = new this.#library.Outbox({ storage: this.#storage, owner, random: env.random });
    this.#client = new this.#library.ChatClient({
      url: "wss://test/ws/chat/",
      ticket: (how) => {
        this.#done.asks.push(how);
        return new Promise((resolve, reject) => this.#tickets.push({ resolve, reject }));
      },
      outbox: this.#outbox,
      on: { ...Object.fromEntries(Object.entries(TOLD).map(tell)), state: (state) => (this.#state = state) },
      env,
    });
  }

  #heard(name, what) {
    this.#done.tells.push([name, what]);
    if (name === "event") this.#messages = this.#library.fold(this.#messages, what);
  }

  #environment() {
    return {
      open: (_url, protocols) => this.#open(protocols),
      setTimer: (work, ms) => {
        const timer = { work, at: this.#now + ms };
        this.#timers.push(timer);
        return timer;
      },
      clearTimer: (timer) => (this.#timers = this.#timers.filter((other) => other !== timer)),
      now: () => this.#now,
      random: () => this.#chance,
      isOnline: () => true,
    };
  }

  #open(protocols) {
    this.#done.connects.push(protocols);
    const socket = (this.#socket = {
      send: (text) => this.#done.sends.push(JSON.parse(text)),
      close: () => {
        if (this.#socket !== socket) return;
        this.#socket = null;
        this.#done.leaves.push(true);
      },
    });
    return socket;
  }

  async #pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      const [due] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = due.at;
      due.work();
      await settled();
    }
    this.#now = end;
  }

  #next(kind) {
    assert.ok(this.#done[kind].length > 0, "did not happen");
    return this.#done[kind].shift();
  }

  // A ref is the client's own choice; a step that names one says which answers belong to it.
  #match(frame, wanted) {
    const { ref, ...rest } = frame;
    const { ref: name, ...fields } = wanted;
    if (name) this.#names.set(name, ref);
    assert.deepEqual(said(rest), fields);
  }

  #whole(frame) {
    const whole = { ...frames[frame.type], ...frame };
    if (this.#names.has(frame.ref)) whole.ref = this.#names.get(frame.ref);
    if (whole.events) whole.events = whole.events.map((event) => this.#whole(event));
    return whole;
  }
}

// Whether a field that says nothing is sent is the client's own choice.
function said(frame) {
  const says = ([, value]) => value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(frame).filter(says));
}

function picked(object, wanted) {
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, object[key]]));
}

function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}
