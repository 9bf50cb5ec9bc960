import assert from "node:assert/strict";
import { test } from "node:test";
import "./modules.mjs";

const { compareIds, fold, fromRest, ordered, withMessages } = await import("chat-client");

const sent = (messageId, content = "hello", version = 10) => ({
  type: "MESSAGE",
  messageId,
  senderId: "ada",
  content,
  ts: "2026-01-01T00:00:00.000Z",
  version,
  nonce: `nonce ${messageId}`,
});
const edited = (messageId, content, version) => ({
  type: "MESSAGE_EDITED",
  messageId,
  content,
  version,
  editedAt: "2026-01-01T00:01:00.000Z",
});
const deleted = (messageId, version) => ({ type: "MESSAGE_DELETED", messageId, version });
const after = (...frames) => frames.reduce(fold, new Map());
const texts = (messages) => ordered(messages).map(({ content }) => content);

test("ids are ordered as numbers of 64 bits, negative ones too", () => {
  const ids = ["9223372036854775807", "-9223372036854775808", "10", "9", "-10", "9007199254740993", "9007199254740992"];
  assert.deepEqual(ids.sort(compareIds), [
    "-9223372036854775808",
    "-10",
    "9",
    "10",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
  ]);
  assert.equal(compareIds("-1", "-1"), 0);
});

test("a frame applied twice changes nothing, not even the map", () => {
  const once = after(sent("1"));
  assert.equal(fold(once, sent("1")), once);
});

test("a delete is final, also against the message in a higher version", () => {
  const messages = after(sent("1"), deleted("1", 20), sent("1", "again", 40));
  assert.equal(messages.get("1").isDeleted, true);
  assert.equal(messages.get("1").content, "");
});

test("a page and the frames after it make the same messages in either order", () => {
  const page = [
    fromRest({ id: "1", sender: { id: "ada" }, content: "old", created_at: "t", version: 10 }),
    fromRest({ id: "2", sender: { id: "eve" }, content: "", created_at: "t", version: 12, is_deleted: true }),
  ];
  const frames = [edited("1", "new", 20), sent("3", "live", 30)];
  const pageFirst = frames.reduce(fold, withMessages(new Map(), page));
  const framesFirst = frames.reduce(fold, withMessages(frames.reduce(fold, new Map()), page));
  assert.deepEqual(texts(pageFirst), ["new", "", "live"]);
  assert.deepEqual(texts(framesFirst), texts(pageFirst));
});

const reaction = (userId, count, active = true, emoji = "👍") => ({
  type: "REACTION",
  messageId: "1",
  userId,
  emoji,
  active,
  count,
  version: 50,
});
const reactions = (messages) => messages.get("1").reactions;

test("reactions of few are a set, whatever count they come with", () => {
  const messages = after(sent("1"), reaction("ben", 1), reaction("ada", 1), reaction("ada", 7), reaction("eve", 1, false));
  assert.deepEqual(reactions(messages), [{ emoji: "👍", count: 2, userIds: ["ben", "ada"] }]);
  assert.equal(fold(messages, reaction("eve", 0, false)), messages);
  assert.deepEqual(reactions([reaction("ada", 1, false), reaction("ben", 0, false)].reduce(fold, messages)), []);
});

test("of many the count that comes with a stranger's change stands", () => {
  const user_ids = ["ada", "ben"];
  const page = [{ id: "1", sender: { id: "ada" }, content: "", version: 1, reactions: [{ emoji: "👍", count: 30, user_ids }] }];
  const messages = withMessages(new Map(), page.map(fromRest));
  assert.equal(reactions(fold(messages, reaction("eve", 31)))[0].count, 31);
  assert.equal(reactions(fold(messages, reaction("ada", 5)))[0].count, 30);
  assert.deepEqual(reactions(fold(messages, reaction("ada", 5, false)))[0], { emoji: "👍", count: 29, userIds: ["ben"] });
});

test("an edit keeps the reactions, a delete takes them, and a message that is not loaded has none", () => {
  const messages = after(sent("1"), reaction("ben", 1), edited("1", "new", 60));
  assert.equal(reactions(messages).length, 1);
  assert.deepEqual(reactions([deleted("1", 70), reaction("eve", 2)].reduce(fold, messages)), []);
  assert.equal(fold(new Map(), reaction("ben", 1)).size, 0);
});

test("a forward says whose words it has, and where they stand only where that is told", () => {
  const at = "2026-01-01T00:00:00.000Z";
  const heard = after({ ...sent("1"), forwardedFrom: { senderId: "eve", sentAt: at } });
  assert.deepEqual(heard.get("1").forwardedFrom, { senderId: "eve", sentAt: at, chatId: null, messageId: null });
  const forwarded_from = { chat_id: "c", message_id: "7", sender: { id: "eve" }, sent_at: at };
  const shown = fromRest({ id: "1", content: "x", created_at: at, version: 1, forwarded_from });
  assert.deepEqual(shown.forwardedFrom, { senderId: "eve", sentAt: at, chatId: "c", messageId: "7" });
  assert.equal(after(sent("1")).get("1").forwardedFrom, null);
  assert.equal(fold(heard, deleted("1", 20)).get("1").forwardedFrom, null);
});

test("what was said elsewhere says where, by REST as in a frame", () => {
  const origin = { kind: "telegram", author: "Ada", ts: "2026-01-01T00:00:00.000Z" };
  assert.deepEqual(fromRest({ id: "1", content: "x", created_at: "t", version: 1, origin }).origin, origin);
  assert.deepEqual(after({ ...sent("1"), origin }).get("1").origin, origin);
  assert.equal(after(sent("1")).get("1").origin, null);
});

test("html comes with its text, and goes with it", () => {
  const marked = { ...sent("1", "*a*"), html: "<p><em>a</em></p>" };
  const html = (messages) => messages.get("1").html;
  assert.equal(html(after(marked)), marked.html);
  assert.equal(html(after(marked, edited("1", "a", 20))), null);
  assert.equal(html(after(sent("1"), { ...edited("1", "*b*", 20), html: "<p><em>b</em></p>" })), "<p><em>b</em></p>");
  assert.equal(html(after(marked, deleted("1", 20))), null);
  assert.equal(fromRest({ id: "1", content: "*a*", html: marked.html, created_at: "t", version: 1 }).html, marked.html);
});

const acknowledgement = (userId, count) => ({ type: "ACKNOWLEDGED", messageId: "1", userId, count, version: 60 });

test("acknowledgements are a set that only grows, and a delete ends it", () => {
  const asked = { ...sent("1"), important: true };
  const known = (messages) => messages.get("1").acknowledged;
  assert.deepEqual(known(after(asked)), { count: 0, userIds: [] });
  const two = after(asked, acknowledgement("ben", 1), acknowledgement("cyd", 2), acknowledgement("ben", 1));
  assert.deepEqual(known(two), { count: 2, userIds: ["ben", "cyd"] });
  assert.equal(fold(two, acknowledgement("cyd", 2)), two);
  assert.equal(known(fold(two, acknowledgement("jon", 40))).count, 40);
  assert.equal(known(fold(two, edited("1", "new", 20))).count, 2);
  assert.deepEqual([fold(two, deleted("1", 20)).get("1").important, known(fold(two, deleted("1", 20))).count], [false, 0]);
  assert.equal(fold(new Map(), acknowledgement("ben", 1)).size, 0);
});

const previewed = (textVersion, ...previews) => ({ type: "PREVIEWS", messageId: "1", version: 90, textVersion, previews });
const tea = { url: "https://tea.example/", title: "Tea" };

test("previews are of one text: shown as a whole, and gone with it", () => {
  const links = (messages) => messages.get("1").previews;
  const shown = after(sent("1"), previewed(10, tea));
  assert.deepEqual(links(shown), [{ ...tea, description: null, site: null }]);
  assert.deepEqual(links(fold(shown, previewed(10))), []);
  const changed = fold(shown, edited("1", "new", 20));
  assert.deepEqual(links(changed), []);
  assert.equal(fold(changed, previewed(10, tea)), changed);
  assert.equal(links(fold(changed, previewed(20, tea))).length, 1);
  const gone = fold(shown, deleted("1", 20));
  assert.deepEqual([links(gone), fold(gone, previewed(20, tea)) === gone], [[], true]);
  assert.equal(fold(new Map(), previewed(10, tea)).size, 0);
  const page = fromRest({ id: "1", content: tea.url, created_at: "t", version: 10, previews: [tea] });
  assert.deepEqual(page.previews, [tea]);
});

const standing = (version, counts, more = {}) => ({
  type: "POLL",
  messageId: "1",
  version,
  counts,
  voters: 1,
  closed: false,
  ...more,
});
const asked = (poll) => ({ ...sent("1"), messageType: "poll", poll: { options: ["tea", "milk"], ...poll } });
const pollOf = (messages) => messages.get("1").poll;

test("a poll stands as the highest version says, whoever hears it twice or late", () => {
  const first = after(asked(), standing(60, [0, 1], { userId: "ben", choices: [1] }));
  assert.deepEqual(pollOf(first).options, [
    { text: "tea", count: 0, userIds: [] },
    { text: "milk", count: 1, userIds: ["ben"] },
  ]);
  assert.equal(fold(first, standing(60, [0, 1], { userId: "ben", choices: [1] })), first);
  assert.equal(fold(first, standing(50, [5, 5])), first);
  const moved = fold(first, standing(70, [1, 0], { userId: "ben", choices: [0] }));
  assert.deepEqual(pollOf(moved).options.map(({ userIds }) => userIds), [["ben"], []]);
  const closed = fold(moved, standing(80, [1, 0], { closed: true }));
  assert.deepEqual([pollOf(closed).isClosed, pollOf(closed).options[0].userIds], [true, ["ben"]]);
  assert.equal(pollOf(fold(closed, deleted("1", 20))), null);
  const plain = after(sent("1"));
  assert.equal(fold(plain, standing(60, [1])), plain);
});

test("what one chose in an anonymous poll is kept while others vote", () => {
  const poll = { options: [{ text: "tea", count: 1, me: true, user_ids: [] }], is_closed: false, voters: 1, version: 60 };
  const page = fromRest({ id: "1", content: "?", created_at: "t", version: 10, poll: { ...poll, anonymous: true, closes_at: null } });
  const shown = withMessages(new Map(), [page]);
  assert.deepEqual(pollOf(shown).mine, [0]);
  assert.deepEqual(pollOf(fold(shown, standing(70, [2]))).mine, [0]);
  const answered = fold(shown, standing(60, [0], { mine: [] }));
  assert.deepEqual([pollOf(answered).mine, pollOf(answered).options[0].count], [[], 0]);
  const late = fold(fold(shown, standing(80, [3])), standing(70, [0], { mine: [] }));
  assert.deepEqual([pollOf(late).mine, pollOf(late).options[0].count], [[], 3]);
});
