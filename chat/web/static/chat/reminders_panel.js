import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { titleOf } from "chat/chats";
import { fullTime, localValue, moments } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { MessageText } from "chat/message_text";
import { nameOf } from "chat/people";
import { dropReminder, putOff, readReminders, remind, reminderChanges } from "chat/reminders";
import { routeTo } from "chat/route";
import { chats, openId } from "chat/state";

/** A dialog that asks when one wants to be reminded of a message of the open chat. */
export function RemindPanel({ message, close }) {
  const choices = moments(new Date());
  const [at, setAt] = useState(localValue(choices[1].at));
  const [note, setNote] = useState("");
  const [ask, isBusy, problem] = useAsk();
  const choose = (moment) =>
    ask(async () => {
      await remind(openId.value, message.id, { at: moment, note: note.trim() });
      close();
    });
  const submit = (event) => {
    event.preventDefault();
    choose(new Date(at));
  };
  return html`
    <${Dialog} title="Remind me" close=${close}>
      <form class="stack" onSubmit=${submit}>
        <label>
          Of what
          <input name="note" maxlength="200" dir="auto" placeholder="This message" value=${note} onInput=${({ target }) => setNote(target.value)} />
        </label>
        <div class="choices">
          ${choices.map(
            (one) => html`
              <button type="button" class="secondary" key=${one.word} disabled=${isBusy} onClick=${() => choose(one.at)}>
                ${one.word}
              </button>
            `,
          )}
        </div>
        <label>
          At another time
          <input type="datetime-local" required value=${at} onInput=${({ target }) => setAt(target.value)} />
        </label>
        <button class="primary" disabled=${isBusy}>Remind me then</button>
        ${problem}
      </form>
    <//>
  `;
}

/** A dialog with what the person wants to be reminded of, what is due first. */
export function RemindersPanel({ close }) {
  const [found, setFound] = useState(null);
  const [ask, , problem] = useAsk();
  const changes = reminderChanges.value;
  useEffect(() => {
    ask(async () => setFound(await readReminders()));
  }, [changes]);
  return html`
    <${Dialog} title="Reminders" close=${close} wide>
      ${problem}
      ${found?.length === 0 && html`<p class="hint">You asked to be reminded of nothing. The tools of a message have a bell.</p>`}
      <ul class="pins">
        ${found?.map((one) => html`<${Reminder} key=${one.id} reminder=${one} close=${close} />`)}
      </ul>
    <//>
  `;
}

function Reminder({ reminder, close }) {
  const { id, message, note, remind_at: at, is_due: isDue } = reminder;
  const [ask, isBusy, problem] = useAsk();
  const chat = chats.value.get(message.chat_id);
  const [, inAnHour, tomorrow] = moments(new Date());
  return html`
    <li data-testid="reminder">
      <p class=${isDue ? "due" : "hint"}>
        ${isDue ? "Due since" : "At"} ${fullTime(at)}${note && html`: <span dir="auto">${note}</span>`}
      </p>
      <p class="hint">
        <strong dir="auto">${nameOf(message.sender?.id)}</strong>
        ${chat && html` · <span dir="auto">${titleOf(chat)}</span>`}
      </p>
      <${MessageText} content=${message.content} markup=${message.html} mentions=${message.mentions} />
      <a href=${routeTo(message.chat_id, message.id)} onClick=${close}>Show</a>
      ${[inAnHour, tomorrow].map(
        ({ word, at: later }) => html`
          <button class="quiet" key=${word} disabled=${isBusy} onClick=${() => ask(() => putOff(id, later))}>${word}</button>
        `,
      )}
      <button class="quiet" disabled=${isBusy} onClick=${() => ask(() => dropReminder(id))}>${isDue ? "Done" : "Drop"}</button>
      ${problem}
    </li>
  `;
}
