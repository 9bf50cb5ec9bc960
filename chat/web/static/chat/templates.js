/** Texts to say again: over REST. An owner is `{chat_id, company_id}`, one of them null, or both for the person. */
import { api } from "chat/server";

/** Who owns one's own templates. */
export const ONESELF = { chat_id: null, company_id: null };

/** Says whether a template is an owner's. */
export function isOf({ chat_id: chatId, company_id: companyId }, template) {
  return template.chat_id === chatId && template.company_id === companyId;
}

/** Reads the templates that may be used in a chat, or in any where none is named, by name. */
export async function readTemplates(chatId) {
  const list = [];
  let after = null;
  do {
    const page = await api.get("templates", { chat: chatId, after });
    list.push(...page.templates);
    after = page.next;
  } while (after !== null);
  return list;
}

/** Makes a template of an owner. */
export function makeTemplate(owner, name, content) {
  const named = Object.entries(owner).filter(([, id]) => id !== null);
  return api.post("templates", { name, content, ...Object.fromEntries(named) });
}

/** Changes name and text of a template. */
export function changeTemplate(id, name, content) {
  return api.patch(`templates/${id}`, { name, content });
}

/** Takes a template away. */
export function deleteTemplate(id) {
  return api.delete(`templates/${id}`);
}

/** Returns a template's text with its places filled in. */
export async function fillTemplate(id, values) {
  return (await api.post(`templates/${id}/filled`, { values })).content;
}
