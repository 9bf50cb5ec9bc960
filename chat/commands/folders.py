"""How one sorts one's chats into folders: facts of Django's database, for oneself alone."""

from uuid import UUID

from django.db import transaction

from chat.commands import locking
from chat.models import Folder, Participant
from chat.queries import folders
from chatsite.accounts.models import User
from chatsite.accounts.notices import person_changed
from chatsite.accounts.policy import printable
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict, Invalid, NotFound

MAX_NAME = 60
MAX_FOLDERS = 100  # of one person


def make(name: str, *, user: User) -> Folder:
    """A new folder; Invalid for its name, Conflict where there is one of that name or there are too many."""
    name = _require_name(name)
    with transaction.atomic():
        locking.take_turn(user)
        if Folder.objects.filter(user=user).count() >= MAX_FOLDERS:
            raise Conflict(f"At most {MAX_FOLDERS} folders.")
        _require_free(name, user)
        folder = Folder.objects.create(user=user, name=name)
        _tell(user)
        return folder


def rename(folder_id: UUID, name: str, *, user: User) -> Folder:
    """Give a folder another name; what it is already changes nothing. NotFound, Invalid, Conflict."""
    name = _require_name(name)
    with transaction.atomic():
        locking.take_turn(user)
        folder = _find(folder_id, user)
        if folder.name != name:
            _require_free(name, user)
            folder.name = name
            folder.save(update_fields=["name"])
            _tell(user)
        return folder


def delete(folder_id: UUID, *, user: User) -> None:
    """Take a folder away; its chats are in none then. NotFound."""
    with transaction.atomic():
        locking.take_turn(user)
        folder = _find(folder_id, user)
        Participant.objects.filter(user=user, folder=folder).update(folder=None, version=clock.version())
        folder.delete()
        _tell(user)


def put(chat_id: UUID, folder_id: UUID | None, *, user: User) -> None:
    """Put a chat in a folder, or in none; where it is already changes nothing. NotFound for chat and folder."""
    with transaction.atomic():
        locking.take_turn(user)
        if folder_id is not None:
            _find(folder_id, user)
        place = locking.place(chat_id, user.id)
        if place.folder_id != folder_id:
            place.folder_id, place.version = folder_id, clock.version(above=place.version)
            place.save(update_fields=["folder", "version"])
            state = {"roomId": str(chat_id), "folderId": str(folder_id) if folder_id else None}
            person_changed(user.id, kind="folder", state=state, version=place.version)


def _find(folder_id: UUID, user: User) -> Folder:
    folder = Folder.objects.filter(id=folder_id, user=user).first()
    if folder is None:
        raise NotFound("You have no such folder.")
    return folder


def _require_name(name: str) -> str:
    clean = printable(name)
    if not clean or len(clean) > MAX_NAME:
        raise Invalid(f"1 to {MAX_NAME} printable characters.", field="name")
    return clean


def _require_free(name: str, user: User) -> None:
    if Folder.objects.filter(user=user, name=name).exists():
        raise Conflict(f"You have a folder named {name}.")


def _tell(user: User) -> None:
    state = {"folders": [{"id": str(one.id), "name": one.name} for one in folders.of(user)]}
    person_changed(user.id, kind="folders", state=state)
