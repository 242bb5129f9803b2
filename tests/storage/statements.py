"""Which of the statements in ``storage`` are run as which role of PostgreSQL."""

import importlib

from storage.sight import Role

_STATEMENTS = {
    Role.APP: """
        attachments: ATTACH BY_MESSAGES GET
        audits: RECORD
        channels: BY_IDS DM_BY_KEY INSERT LOCK MEMBERSHIP SET_ARCHIVED SIDEBAR UPDATE
        events: APPEND
        incarnation: BEGIN_NEW_EPOCHS
        members: ADD ARE_MEMBERS COMPANIONS COMPANIONS_AMONG GET IDS IS_LAST_OWNER PAGE REMOVE
        members: OTHER_OWNERS SET_PREFERENCES SET_ROLE
        messages: AGE BY_CLIENT_ID BY_IDS DELETE EDIT INSERT INSERT_MENTIONS LAST_REPLIES MENTIONED
        messages: PAGE_BACKWARD PAGE_FORWARD THREAD
        notices: INSERT
        pins: BY_CHANNELS COUNT PIN UNPIN
        placements: ADDED LEFT
        presences: READ
        reactions: ADD BY_MESSAGES CHOSEN EMOJIS REMOVE
        reading: MARK_READ MARK_UNREAD SEATS UNREAD
        receipts: BY_CHANNELS SET WITHOUT
        removals: EXPECT KEEP
        revisions: BY_MESSAGES
        search: MEMBERSHIPS MEMBERSHIPS_AND_PUBLIC SEARCH WORDS
        sidebars: BUMP
        uploads: COMPLETE DELETE DELETE_UNFIT GET INSERT LOCK_PERSON OPEN
    """,
    Role.LIVE: """
        attachments: BY_MESSAGES
        channels: BY_IDS PLACES
        events: HEADS READ_AFTER
        inbox: OF_PEOPLE PLACES SINCE
        incarnation: BEGIN_NEW_EPOCHS
        members: SHARING
        messages: BY_IDS LAST_REPLIES MENTIONED
        presences: CHOOSE LIVE_ON ONLINE READ SAY TIDY WRITE
        reactions: BY_MESSAGES
        receipts: MARKERS MEMBERS NOT_TOLD
        revisions: BY_MESSAGES
        sidebars: REVISIONS
    """,
    Role.SYNC: """
        channels: BY_IDS INSERT LOCK
        directory_channels: ALL BY_KEYS FOLLOW NOTE RECORD
        events: APPEND
        incarnation: BEGIN_NEW_EPOCHS
        locks: KEEP_ALIVE RELEASE TRY WAIT
        members: ADD ARE_MEMBERS REMOVE
        notices: INSERT
        placements: CAST DISPLACE PLACE RECAST
        sidebars: BUMP
    """,
    Role.JANITOR: """
        documents: FIND FORGET KEEP
        events: TRIM
        incarnation: BEGIN_NEW_EPOCHS
        rates: FORGET TAKE
        removals: CLAIM DONE
        uploads: DELETE_FORGOTTEN
    """,
}


def statements(role: Role) -> list[str]:
    """What this role runs, as it is sent to PostgreSQL."""
    found = []
    for line in _STATEMENTS[role].strip().splitlines():
        name, _, constants = line.strip().partition(":")
        module = importlib.import_module(f"storage.{name}")
        found += [getattr(module, constant).strip() for constant in constants.split()]
    return found
