"""What ends `import_chat` is said in a sentence, whenever it comes."""

from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.core.management import CommandError, call_command

from chat.commands.chats import erase
from chat.commands.imports import Source, add_people, open_chat
from chatsite.accounts.models import User
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict
from chatsite.management.importing import JOBS


@pytest.mark.django_db
def test_ctrl_c_while_the_files_are_looked_through_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    User.objects.create(username="admin")
    monkeypatch.setitem(JOBS, "telegram", interrupted)
    with pytest.raises(CommandError, match="run it again to go on") as stopped:
        call_command("import_chat", Path("result.json"), format="telegram")
    assert stopped.value.returncode == 130


@pytest.mark.django_db(transaction=True)
def test_a_chat_that_is_deleted_for_good_meanwhile_is_no_crash_either() -> None:
    ada = User.objects.create(username="ada")
    source = Source("irc", "tea", "tea", None, ada)
    with clock.leased():
        chat = open_chat(source)
        erase(chat.id, by=ada)
        with pytest.raises(Conflict, match="deleted for good"):
            add_people(chat.id, {"ben": "Ben"}, source=source)
