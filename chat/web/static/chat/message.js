import { useState } from "preact/hooks";
import { Acknowledgements } from "chat/acknowledgements";
import { Avatar } from "chat/avatar";
import { fullTime, timeOf } from "chat/dates";
import { EarlierTexts } from "chat/edits";
import { ForwardPanel } from "chat/forward_panel";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { LinkPreviews } from "chat/link_previews";
import { ALL } from "chat/mentions";
import { MessageText } from "chat/message_text";
import { MessageEditor, MessageTools } from "chat/message_tools";
import { discardSend, retrySend, takeBack } from "chat/open_chat";
import { isBot, nameOf } from "chat/people";
import { RemindPanel } from "chat/reminders_panel";
import { isPinned } from "chat/pins";
import { Poll } from "chat/poll";
import { Quote } from "chat/quote";
import { EmojiPicker, Reactions } from "chat/reactions";
import { ReportPanel } from "chat/report_panel";
import { routeTo } from "chat/route";
import { isStarred } from "chat/stars";
import { editing, me, openId } from "chat/state";
import { ThreadLink } from "chat/thread_link";
import { showThread } from "chat/threads";

const NETWORKS = { irc: "IRC", telegram: "Telegram" };

/**
 * One message of the chat; `isGrouped` says that it goes on from the one above, `isTarget` that a link led here.
 *
 * `inThread` says that it stands in the panel of its thread: nothing leads there.
 */
export function Message({ message, isGrouped, isTarget, inThread = message.threadId !== null }) {
  const { id, senderId, createdAt } = message;
  const isOwn = senderId === me.value.id;
  const name = nameOf(senderId);
  const isForMe = !isOwn && message.mentions.some((one) => one === me.value.id || one === ALL);
  const marks = [isGrouped && "grouped", isTarget && "target", isForMe && "for-me", message.important && "important"].filter(Boolean).join(" ");
  const kind = `${isOwn ? "own" : "other"} ${marks}`;
  return html`
    <div class="message ${kind}" data-testid="message" data-message-id=${id} data-status="sent" tabindex="-1">
      ${!isOwn && !isGrouped && html`<${Avatar} id=${senderId ?? ""} name=${name} />`}
      <div class="bubble">
        <span class=${isOwn || isGrouped ? "unseen" : "sender"} dir="auto">${isOwn ? "You" : name}</span>
        ${isBot(senderId) && !isGrouped && html`<span class="hint">bot</span>`}
        ${message.origin && !isGrouped && html`<span class="hint">via ${NETWORKS[message.origin.kind] ?? message.origin.kind}</span>`}
        ${message.important && html`<strong class="important-mark" data-testid="important-mark">Important</strong>`}
        ${message.replyToId !== null && !message.isDeleted && html`<${Quote} id=${message.replyToId} />`}
        ${message.forwardedFrom && html`<${Taken} from=${message.forwardedFrom} />`}
        ${editing.value === id
          ? html`<${MessageEditor} message=${message} />`
          : html`<${Body} message=${message} moment=${createdAt} inThread=${inThread} />`}
        ${message.previews.length > 0 && html`<${LinkPreviews} message=${message} />`}
        ${message.poll && html`<${Poll} message=${message} />`}
        ${message.important && html`<${Acknowledgements} message=${message} />`}
        <${Reactions} message=${message} />
        ${!inThread && html`<${ThreadLink} messageId=${id} open=${() => showThread(id)} />`}
      </div>
    </div>
  `;
}

function Body({ message, moment, inThread }) {
  const [isEarlier, setEarlier] = useState(false);
  const [isReacting, setReacting] = useState(false);
  const [isForwarding, setForwarding] = useState(false);
  const [isReminding, setReminding] = useState(false);
  const [isReporting, setReporting] = useState(false);
  const showEarlier = () => setEarlier(true);
  const wasEdited = message.editedAt !== null && !message.isDeleted;
  return html`
    <div class="body">
      ${message.isDeleted
        ? html`<span class="text hint">This message was deleted.</span>`
        : html`<${MessageText} content=${message.content} markup=${message.html} mentions=${message.mentions} />`}
      <span class="meta">
        <${MessageTools}
          message=${message}
          inThread=${inThread}
          showEarlier=${wasEdited && showEarlier}
          showEmojis=${() => setReacting(true)}
          showForward=${() => setForwarding(true)}
          showRemind=${() => setReminding(true)}
          showReport=${() => setReporting(true)}
        />
        ${wasEdited &&
        html`<button class="as-text" tabindex="-1" data-testid="edited" onClick=${showEarlier}>edited</button>`}
        ${message.expiresAt !== null &&
        html`<span role="img" data-testid="expiry-mark" aria-label=${goesAt(message)} title=${goesAt(message)}><${Icon} name="clock" /></span>`}
        ${isPinned(message.id) &&
        html`<span role="img" data-testid="pin-mark" aria-label="Pinned" title="Pinned"><${Icon} name="pin" /></span>`}
        ${isStarred(message.id) &&
        html`<span role="img" data-testid="star-mark" aria-label="Starred" title="Starred"><${Icon} name="star" /></span>`}
        <${Permalink} id=${message.id} moment=${moment} />
      </span>
      ${isReacting && html`<${EmojiPicker} message=${message} close=${() => setReacting(false)} />`}
      ${isReminding && html`<${RemindPanel} message=${message} close=${() => setReminding(false)} />`}
      ${isForwarding && html`<${ForwardPanel} message=${message} close=${() => setForwarding(false)} />`}
      ${isReporting && html`<${ReportPanel} message=${message} close=${() => setReporting(false)} />`}
      ${isEarlier && html`<${EarlierTexts} message=${message} close=${() => setEarlier(false)} />`}
    </div>
  `;
}

function goesAt({ expiresAt }) {
  return `Disappears at ${fullTime(expiresAt)}`;
}

// Whose words they are; for who may read them there, a link.
function Taken({ from: { chatId, messageId, senderId, sentAt } }) {
  const name = html`<strong dir="auto">${nameOf(senderId)}</strong>`;
  return html`
    <p class="taken" data-testid="forwarded" title=${fullTime(sentAt)}>
      ${chatId === null
        ? html`Forwarded from ${name}`
        : html`<a href=${routeTo(chatId, messageId)} tabindex="-1">Forwarded from ${name}</a>`}
    </p>
  `;
}

// Not a stop of the Tab key: hundreds of them would stand before the field to write in.
function Permalink({ id, moment }) {
  return html`
    <a href=${routeTo(openId.value, id)} tabindex="-1" title=${fullTime(moment)} aria-label="Link to ${fullTime(moment)}">
      <time datetime=${moment}>${timeOf(moment)}</time>
    </a>
  `;
}

/** One message on its way out, or stuck there. */
export function UnsentMessage({ entry }) {
  const { nonce, status, content, createdAt, reason } = entry;
  const isFailed = status === "failed";
  const state = isFailed ? "Not sent" : "Sending";
  return html`
    <div class="message own unsent" data-testid="message" data-message-id="" data-status=${status} tabindex="-1">
      <div class="bubble">
        <span class="unseen">You</span>
        ${entry.replyToId && html`<${Quote} id=${entry.replyToId} />`}
        <div class="body">
          <${MessageText} content=${content} mentions=${entry.mentions} />
          <span class="meta">
            <time datetime=${new Date(createdAt).toISOString()}>${timeOf(createdAt)}</time>
            <span role="img" aria-label=${state} title=${state}><${Icon} name=${isFailed ? "failed" : "clock"} /></span>
          </span>
        </div>
      </div>
      ${isFailed &&
      html`
        <p class="failure">
          <span class="problem">Not sent. ${reason.message}</span>
          ${reason.code === "content_refused"
            ? html`<button class="quiet" data-testid="rewrite" onClick=${() => takeBack(entry)}>Edit</button>`
            : html`<button class="quiet" data-testid="retry" onClick=${() => retrySend(nonce)}>Retry</button>`}
          <button class="quiet" data-testid="discard" onClick=${() => discardSend(nonce)}>Discard</button>
        </p>
      `}
    </div>
  `;
}
