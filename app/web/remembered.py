"""What was worked out of published syncs, kept in the process: under its number nothing changes."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from app.caller import SiteId, SpaceId
from app.store.syncs import Sync

MOST = 512
"""Answers that are kept: some for each space that is being looked at, and for its filters."""

Answer = TypeVar("Answer")


class Remembered:
    """A bounded memory of answers about published syncs; what was used longest ago makes way.

    Publishing and assessing anew take a new number and leave what was said under the one before,
    so an answer that was right stays right and nothing has to be dropped. The sync's id stands
    beside its number: a space whose data went and that is connected again begins at one.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()

    async def recall(
        self,
        site_id: SiteId,
        space_id: SpaceId,
        sync: Sync,
        question: Hashable,
        ask: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """Return the answer to a question about a published sync, asked for where it is not known.

        Those who ask at once may each work it out: they get the same.
        """
        key = (site_id, space_id, sync.id, sync.number, question)
        if key not in self._answers:
            self._answers[key] = await ask()
        self._answers.move_to_end(key)
        answer: Answer = self._answers[key]
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)
        return answer
