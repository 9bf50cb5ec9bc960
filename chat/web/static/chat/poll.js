import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { closePoll, readVoters, vote } from "chat/open_chat";
import { may } from "chat/policy";
import { namesOf } from "chat/reactions";
import { me, openChat } from "chat/state";

/** A poll under its question: each option a button with a bar, and how it stands. */
export function Poll({ message }) {
  const [isListed, setListed] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const { id, senderId, poll } = message;
  const { options, multiple, anonymous, closesAt, isClosed, voters } = poll;
  const chat = openChat.value;
  if (chat === null) return null;
  const mine = chosenIn(poll);
  const mayVote = !isClosed && !chat.is_archived;
  const mayClose = mayVote && (senderId === me.value.id || may(chat, "close_any_poll"));
  const choose = async (number) => {
    const others = multiple ? mine.filter((one) => one !== number) : [];
    setBusy(true);
    await vote(id, mine.includes(number) ? others : [...others, number]);
    setBusy(false);
  };
  return html`
    <div class="poll" data-testid="poll" role="group" aria-label="Poll">
      ${options.map(
        (option, number) => html`
          <${Option}
            key=${number}
            option=${option}
            share=${voters > 0 ? option.count / voters : 0}
            names=${anonymous ? "" : namesOf(option.userIds, option.count)}
            isMine=${mine.includes(number)}
            isOff=${!mayVote || isBusy}
            choose=${() => choose(number)}
          />
        `,
      )}
      <p class="hint" data-testid="poll-state">
        ${[
          `${voters} voted`,
          multiple && "several answers",
          anonymous && "anonymous",
          isClosed ? "closed" : closesAt && `until ${fullTime(closesAt)}`,
        ]
          .filter(Boolean)
          .join(" · ")}
        ${!anonymous &&
        voters > 0 &&
        html`<button class="quiet" onClick=${() => setListed(true)}>Who voted</button>`}
        ${mayClose && html`<button class="quiet" onClick=${() => closePoll(id)}>Close poll</button>`}
      </p>
      ${isListed && html`<${Voters} message=${message} close=${() => setListed(false)} />`}
    </div>
  `;
}

function Option({ option, share, names, isMine, isOff, choose }) {
  const percent = Math.round(share * 100);
  return html`
    <button
      class="option"
      data-testid="option"
      aria-pressed=${isMine}
      title=${names}
      disabled=${isOff}
      onClick=${choose}
    >
      <span dir="auto">${isMine ? "✓ " : ""}${option.text}</span>
      <span class="share">${option.count} · ${percent}%</span>
      <progress max="100" value=${percent} aria-hidden="true"></progress>
    </button>
  `;
}

// Who chose what, each option with up to a hundred people.
function Voters({ message, close }) {
  const [found, setFound] = useState(null);
  const [ask, , problem] = useAsk();
  const { options, version } = message.poll;
  useEffect(() => {
    ask(async () => setFound(await Promise.all(options.map((_, number) => readWhere(message, number)))));
  }, [version]);
  return html`
    <${Dialog} title="Who voted" close=${close}>
      ${problem}
      ${found?.map(
        (users, number) => html`
          <h3 key=${number} dir="auto">${options[number].text}: ${options[number].count}</h3>
          <ul class="members" data-testid="voters">
            ${users.map((user) => html`<li class="person" key=${user.id} dir="auto">${user.name ?? "Somebody who is gone"}</li>`)}
          </ul>
        `,
      )}
    <//>
  `;
}

// Of an option that nobody chose there is nothing to ask.
async function readWhere({ id, poll }, number) {
  return poll.options[number].count > 0 ? readVoters(id, number) : [];
}

// In an anonymous poll only REST has said what one chose.
function chosenIn({ options, anonymous, mine }) {
  if (anonymous) return mine;
  return options.flatMap(({ userIds }, number) => (userIds.includes(me.value.id) ? [number] : []));
}
