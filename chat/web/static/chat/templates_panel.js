import { useRef, useState } from "preact/hooks";
import { useList } from "chat/ask";
import { useFocus } from "chat/focus";
import { html } from "chat/html";
import { me } from "chat/state";
import { changeTemplate, deleteTemplate, fillTemplate, isOf, makeTemplate, ONESELF, readTemplates } from "chat/templates";

/** The templates of a chat or company, for who may change them. */
export function TemplatesPanel({ owner, title }) {
  const { templates, edited, setEdited, form, tools, problem, section } = useTemplates(owner, owner.chat_id);
  const isMaking = edited?.id === null;
  return html`
    <section class="stack" aria-label=${title} ref=${section} tabindex="-1">
      <h3>${title}</h3>
      <ul class="members">
        ${templates
          .filter((one) => isOf(owner, one))
          .map(
            (one) => html`
              <li class="person" key=${one.id} data-testid="template"><${Words} template=${one} />${tools(one)}</li>
            `,
          )}
      </ul>
      <button class="secondary" aria-expanded=${isMaking} onClick=${() => setEdited(isMaking ? null : NEW)}>New template</button>
      ${form} ${problem}
    </section>
  `;
}

/** What the person may say in a chat with a template, of the composer: `write` puts a text in its place. */
export function TemplatePicker({ chatId, draft, write, close }) {
  const [chosen, setChosen] = useState(null);
  const { templates, setEdited, form, tools, ask, then, isBusy, problem, section } = useTemplates(ONESELF, chatId);
  const use = (template, values) =>
    ask(async () => {
      write(await fillTemplate(template.id, values));
      close();
    });
  const choose = (template) => {
    setEdited(null);
    if (template.places.length > 0) setChosen(template);
    else use(template, {});
  };
  const keep = (event) => {
    event.preventDefault();
    const form = event.target;
    then(async () => {
      await makeTemplate(ONESELF, new FormData(form).get("template-name").trim(), draft.text.trim());
      form.reset();
    });
  };
  return html`
    <section class="stack" aria-label="Templates" ref=${section} tabindex="-1">
      <h3>Templates</h3>
      <ul class="members">
        ${templates.map(
          (one) => html`
            <li class="person" key=${one.id} data-testid="template">
              <button class="person" disabled=${isBusy} onClick=${() => choose(one)}>
                <${Words} template=${one} whose=${ownerOf(one)} />
              </button>
              ${isOf(ONESELF, one) && tools(one)}
            </li>
          `,
        )}
      </ul>
      ${form ?? (chosen && html`<${FillForm} key=${chosen.id} template=${chosen} use=${use} isBusy=${isBusy} />`)}
      ${draft.text.trim() &&
      html`
        <form class="inline" onSubmit=${keep}>
          <label>Keep what I wrote as <input name="template-name" required maxlength="60" dir="auto" /></label>
          <button class="secondary" disabled=${isBusy}>Keep template</button>
        </form>
        <${PlacesHint} />
      `}
      ${problem}
    </section>
  `;
}

// What is to be made.
const NEW = { id: null, name: "", content: "" };

function useTemplates(owner, chatId) {
  const { list: templates, ask, then, isBusy, problem } = useList(() => readTemplates(chatId));
  const [edited, setEdited] = useState(null);
  const section = useRef(null);
  const save = (name, content) =>
    then(async () => {
      await (edited.id === null ? makeTemplate(owner, name, content) : changeTemplate(edited.id, name, content));
      setEdited(null);
    });
  const drop = ({ id }) =>
    then(async () => {
      await deleteTemplate(id);
      if (edited?.id === id) setEdited(null);
      // The button that had the focus goes with its row.
      section.current?.focus();
    });
  const form =
    edited &&
    html`<${TemplateForm} key=${edited.id} template=${edited} save=${save} cancel=${() => setEdited(null)} isBusy=${isBusy} />`;
  const tools = (one) => html`
    <button class="quiet" aria-label="Change ${one.name}" onClick=${() => setEdited(one)}>Change</button>
    <button class="quiet" aria-label="Delete ${one.name}" disabled=${isBusy} onClick=${() => drop(one)}>Delete</button>
  `;
  return { templates, edited, setEdited, form, tools, ask, then, isBusy, problem, section };
}

// Several may have templates of one name.
function ownerOf({ chat_id: chatId, company_id: companyId }) {
  if (chatId !== null) return "of this chat";
  return companyId && `of ${me.value.companies.find(({ id }) => id === companyId)?.name ?? "the company"}`;
}

function Words({ template: { name, content }, whose = null }) {
  return html`
    <span class="session">
      <span><span dir="auto">${name}</span>${whose && html` <span class="hint">${whose}</span>`}</span>
      <span class="hint excerpt" dir="auto">${content}</span>
    </span>
  `;
}

function PlacesHint() {
  return html`<p class="hint">A word in braces, like {name}, is asked for each time.</p>`;
}

function TemplateForm({ template: { id, name, content }, save, cancel, isBusy }) {
  const field = useFocus();
  const submit = (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    save(given.get("name").trim(), given.get("content").trim());
  };
  return html`
    <form class="stack" aria-label=${id === null ? "New template" : `Change ${name}`} onSubmit=${submit}>
      <label>Name of the template <input ref=${field} name="name" required maxlength="60" dir="auto" defaultValue=${name} /></label>
      <label>Text <textarea name="content" required rows="3" dir="auto" defaultValue=${content}></textarea></label>
      <${PlacesHint} />
      <p class="inline">
        <button class="secondary" disabled=${isBusy}>Save template</button>
        <button type="button" class="quiet" onClick=${cancel}>Cancel</button>
      </p>
    </form>
  `;
}

function FillForm({ template, use, isBusy }) {
  const field = useFocus();
  const fill = (event) => {
    event.preventDefault();
    use(template, Object.fromEntries(new FormData(event.target)));
  };
  return html`
    <form class="stack" onSubmit=${fill} aria-label=${template.name}>
      ${template.places.map(
        (place, number) => html`
          <label key=${place}>
            ${place} <input ref=${number === 0 ? field : null} name=${place} required maxlength="1000" dir="auto" />
          </label>
        `,
      )}
      <button class="secondary" disabled=${isBusy}>Write it</button>
    </form>
  `;
}
