"""The texts about what is expected, what is accepted, and what may go to production."""

from typing import Any

REASONS = {
    "accepted_risk": "accepted risk",
    "planned": "a fix is planned",
    "false_positive": "false positive",
}
"""Why a finding is accepted, by the word of the API."""

ENDS = {
    "withdrawn": "withdrawn",
    "value_changed": "the value changed",
    "expired": "the date passed",
}
"""Why an acceptance ended, by the word of the API."""

STATES = {
    "in_force": "in force",
    "finding_gone": "the finding is gone",
    "value_changed": "ended: the value changed",
    "expired": "ended: the date passed",
    "withdrawn": "withdrawn",
}

MODES = {
    "equals": "exactly",
    "matches": "a pattern",
    "any": "anything",
    "none": "nothing: stays a finding",
}
"""What an environment is allowed to hold."""

TEXTS: dict[str, Any] = {
    "expect": "Expect this difference",
    "accept": "Accept until…",
    "accept_chosen": "Accept the chosen until…",
    "choose_all": "Choose all",
    "choose": "Choose: {}",
    "accepted": "Accepted",
    "accepted_until": "Accepted until",
    "by": "by",
    "withdraw": "Withdraw",
    "withdraw_title": "Withdraw?",
    "withdraw_text": "What it settled is a finding again at once. The history keeps it.",
    "keep": "Keep",
    "none_open": "No open finding.",
    "earlier_one": "Accepted once before",
    "earlier_many": "Accepted {} times before",
    "ended": "Ended",
    "accepting_title": "Accept until…",
    "accepting_hint": "An accepted finding stays listed and is exported as accepted. It opens "
    "again by itself when its value changes or the date passes.",
    "reason": "Reason",
    "note": "Note",
    "accept_note_hint": "Why, in a sentence that an auditor will read.",
    "until": "Until",
    "until_hint": "A year at most. On the day after, the finding is open again.",
    "cancel": "Cancel",
    "accept_submit": "Accept",
    "expecting_title": "Expect this difference",
    "expecting_hint": "These values will be no finding. Any other value is one and says so, also "
    "production with a value of another environment.",
    "expecting_path": "Expect a difference in this setting",
    "expecting_allowed": "What {} may hold",
    "expecting_value": "Value",
    "expecting_pattern_hint": "In a pattern * stands for any letters, ? for one. Several values "
    'are a list: ["a", "b"].',
    "expecting_scope": "For",
    "expecting_one": "this API alone",
    "expecting_all": "every API with this policy",
    "expect_note_hint": "Why these values are meant to differ.",
    "expect_submit": "Expect it",
    "readiness": "Readiness",
    "readiness_hint": "May what runs in one environment go to the other?",
    "readiness_from": "From",
    "readiness_to": "To",
    "readiness_check": "Check",
    "readiness_export": "Export readiness as CSV",
    "readiness_one": "One environment only: there is nowhere to go.",
    "blockers": "Blockers",
    "warnings": "Warnings",
    "unknown": "Could not be told",
    "every_api": "every API with this policy",
    "gone_api": "an API that is gone",
    "settles_none": "settles nothing at present",
    "not_set": "not set",
    "expected_section": "Expected differences",
    "expected_section_hint": "Settings that are meant to differ: what each environment may hold. "
    "Any other value is a finding. New ones are made from a finding, under View security.",
    "expected_empty": "Nothing is expected to differ yet.",
    "setting": "Setting",
    "allowed": "Allowed",
    "who": "Who and why",
    "offer_title": "Some of these may be meant to differ",
    "offer_text": "Identity providers and audiences usually differ between environments. Say so "
    "once, and what is left is what really differs.",
    "offer_action": "Look at the starter set",
    "starter": "Starter set",
    "starter_hint": "Fields that usually differ between environments, with what was seen in the "
    "last sync. Accept what is meant to be; it is assessed anew at once.",
    "starter_none": "No field of the kind that usually differs has values that can be told apart "
    "safely.",
    "starter_loading": "Looking for fields that usually differ",
    "starter_one": "Expect this",
    "starter_all": "Expect the chosen",
    "starter_note": "Starter set: what the environments held in the last sync.",
    "seen": "Seen",
    "and_allow": "Allow",
    "exceptions_section": "Accepted findings",
    "exceptions_hint": "Findings that somebody accepts until a date. They open again by themselves "
    "when the value changes or the date passes.",
    "exceptions_empty": "No finding is accepted.",
    "finding": "Finding",
    "finding_gone": "The finding is gone.",
    "ends_soon": "ends soon",
    "show_ended": "Show ended ones",
    "newer": "Newer",
    "older": "Older",
    "adopt": "Adopt today's findings",
    "adopt_hint": "A starting point: accept all open findings up to a severity, with one reason "
    "and date. What changes or is new afterwards is open.",
    "adopt_upto": "Severity up to",
    "adopt_submit": "Accept them",
    "adopt_none": "No open finding of these severities.",
    "adopt_line": "This accepts {n}.",
    "adopt_rest_one": "One of a higher severity stays open.",
    "adopt_rest_many": "{rest} of a higher severity stay open.",
    "tokens_section": "Pipeline tokens",
    "tokens_hint": "A token lets a pipeline ask whether something may go to production: it reads "
    "the readiness of this space and nothing else.",
    "tokens_empty": "There is no token.",
    "token_name": "Name",
    "token_name_hint": "Which pipeline uses it.",
    "token_expiry": "Expires",
    "token_days": {30: "in 30 days", 90: "in 90 days", 365: "in a year", 0: "never"},
    "token_make": "Create token",
    "token_made": "Copy the token now: it is shown this once",
    "token_text": "Token",
    "token_copy": "Copy",
    "token_command": "What the pipeline runs; it exits 0 when ready, 2 when blocked, 1 when it "
    "could not tell.",
    "token_used": "Last used",
    "token_never": "never",
    "token_no_end": "does not expire",
    "token_expired": "expired",
    "token_by": "Created",
    "revoke": "Revoke",
    "revoke_title": "Revoke this token?",
    "revoke_text": "Pipelines that use it are refused from now on.",
    "action": "Action",
}

SCRIPT_TEXTS = {
    "accepted-one": "Finding accepted",
    "accepted-many": "{n} findings accepted",
    "accepted-body-one": "It is listed as accepted. Its verdict follows.",
    "accepted-body-many": "They are listed as accepted. The verdicts follow.",
    "expected-done": "Difference expected",
    "expected-body": "The posture was assessed anew from what is stored.",
    "withdrawn": "Withdrawn",
    "withdrawn-body": "What it settled is open again.",
    "revoked": "Token revoked",
    "token-made": "Token created",
    "progress": "{n} of {all} done",
    "finding-one": "1 finding",
    "finding-many": "{n} findings",
    "choose-path": "Choose at least one setting.",
    "choose-value": "Allow a value in at least one environment.",
    "ready": "READY",
    "blocked": "BLOCKED",
    "not-told": "COULD NOT TELL",
    "ready-line": "Nothing speaks against going from {from} to {to}.",
    "ready-warned": "Nothing blocks the way from {from} to {to}; look at the warnings.",
    "blocked-line": "This must be put right before going from {from} to {to}.",
    "not-told-line": "Something needed was not read, so nobody can tell whether {from} may go to {to}.",
    "show-finding": "Show the finding",
    "accepted-until": "accepted until {date}",
    "never-synced": "There is no published sync yet.",
}
"""Texts that the scripts of these parts need."""
