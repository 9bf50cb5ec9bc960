"""What the links of messages lead to, on a page of them."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from chat.events import LinkPreview
from chat.fold import MessageState
from chat.models import LinkPreviews
from chat.queries.places import Place, among, place_of
from chat.words import has_link
from chatsite.kernel.ids import ChatId, MessageId


def of_page(states: Iterable[MessageState]) -> Mapping[Place, Sequence[LinkPreview]]:
    """The previews of some messages; one query, and none where nothing is linked.

    What was made of an earlier text is of no later one, so an edit takes it away at once.
    """
    linking = {place_of(state): state for state in states if not state.is_deleted and has_link(state.content)}
    if not linking:
        return {}
    found: dict[Place, Sequence[LinkPreview]] = {}
    for row in LinkPreviews.objects.filter(among(linking.values())):
        place = ChatId(row.chat_id), MessageId(row.message_id)
        if row.text_version == linking[place].version:
            found[place] = msgspec.convert(row.previews, list[LinkPreview])
    return found
