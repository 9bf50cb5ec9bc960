import { useState } from "preact/hooks";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { showDay } from "chat/open_chat";

/** A dialog that leads to the first message of a day. */
export function DayPicker({ close }) {
  const [day, setDay] = useState("");
  const submit = (event) => {
    event.preventDefault();
    // Without a zone it is midnight here, not in Greenwich.
    showDay(new Date(`${day}T00:00:00`).toISOString());
    close();
  };
  return html`
    <${Dialog} title="Jump to a day" close=${close}>
      <form onSubmit=${submit}>
        <label>
          Day
          <input
            type="date"
            name="day"
            required
            min="1970-01-01"
            max="2090-12-31"
            value=${day}
            onInput=${({ target }) => setDay(target.value)}
          />
        </label>
        <button class="primary" disabled=${!day}>Go there</button>
      </form>
    <//>
  `;
}
