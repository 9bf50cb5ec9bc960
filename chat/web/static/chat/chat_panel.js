import { ChatSettings, PartingPanel, QuietPanel } from "chat/chat_settings";
import { titleOf } from "chat/chats";
import { Dialog } from "chat/dialog";
import { BansPanel, InvitesPanel } from "chat/doors_panel";
import { FolderPanel } from "chat/folder_panel";
import { html } from "chat/html";
import { MembersPanel } from "chat/members_panel";
import { OutgoingPanel } from "chat/outgoing_panel";
import { may, mayLeave } from "chat/policy";
import { TemplatesPanel } from "chat/templates_panel";
import { WebhooksPanel } from "chat/webhooks_panel";

/** A dialog about the open chat: who is in it, how it is set, and the ways in and out. */
export function ChatPanel({ chat, close }) {
  return html`
    <${Dialog} title=${titleOf(chat)} close=${close} wide>
      ${chat.description && html`<p dir="auto">${chat.description}</p>`}
      <${MembersPanel} chat=${chat} />
      ${may(chat, "manage_people") && html`<${BansPanel} />`}
      ${may(chat, "invite") && html`<${InvitesPanel} chat=${chat} />`}
      ${may(chat, "delete_any") &&
      html`<${TemplatesPanel} owner=${{ chat_id: chat.id, company_id: null }} title="Templates of this chat" />`}
      ${may(chat, "manage_people") && html`<${WebhooksPanel} /><${OutgoingPanel} />`}
      <${QuietPanel} chat=${chat} />
      <${FolderPanel} chat=${chat} />
      ${may(chat, "rename") && html`<${ChatSettings} chat=${chat} />`}
      ${(mayLeave(chat) || may(chat, "own")) && html`<${PartingPanel} chat=${chat} />`}
    <//>
  `;
}
