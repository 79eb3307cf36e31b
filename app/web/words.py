"""The one catalogue of what the pages say; what has numbers or names in it is in `sentences.py`."""

VERDICTS = {
    "threat": "THREAT",
    "drift": "DRIFT",
    "unknown": "UNKNOWN",
    "not_comparable": "NOT COMPARABLE",
    "aligned": "ALIGNED",
}
"""The row's status, in order of precedence."""

SEVERITIES = ("critical", "high", "medium", "low", "info")

KINDS = {
    "policy_config": "Policy configuration",
    "policy_missing": "Policy missing",
    "policy_disabled": "Policy switched off",
    "policy_version": "Policy version",
    "policy_order": "Policy order",
    "policy_pointcut": "Policy resource scope",
    "policy_duplicate": "Policy applied twice",
    "automated_policy_missing": "Automated policy missing",
    "automated_policy_config": "Automated policy configuration",
    "tier_missing": "SLA tier missing",
    "tier_limits": "SLA tier limits",
    "tier_approval": "SLA tier approval",
    "tier_status": "SLA tier status",
    "contract_missing": "Contract missing",
    "contract_tier": "Contract SLA tier",
    "contract_status": "Contract status",
    "api_not_deployed": "API not deployed",
    "extra_instance": "Extra instance",
    "product_version": "Product version",
    "asset_version": "Asset version",
    "posture": "Posture rule",
}

CONTROL_PLANES = {
    "us": "United States (anypoint.mulesoft.com)",
    "eu": "Europe (eu1.anypoint.mulesoft.com)",
    "ca": "Canada (ca1.platform.mulesoft.com)",
    "jp": "Japan (jp1.platform.mulesoft.com)",
    "au": "Australia (au1.platform.mulesoft.com)",
    "gov": "US Government (gov.anypoint.mulesoft.com)",
}

SCOPES = {
    "View Organization": "names the organisation and its business groups",
    "View Environment": "lists the environments",
    "View APIs Configuration": "lists the APIs and their versions",
    "View Policies": "reads policies and automated policies",
    "View Contracts": "reads contracts and SLA tiers",
}
"""What the Connected App needs, as Anypoint names it, and what for."""

TEXTS = {
    "title": "API Security Posture",
    "audit_section": "Audit log",
    "audit_hint": "Who connected, changed, synced or exported in this space, and what was refused.",
    "audit_when": "When",
    "audit_who": "Who",
    "audit_what": "What",
    "audit_detail": "Detail",
    "audit_newer": "Newer",
    "audit_older": "Older",
    "audit_export": "Export as CSV",
    "audit_empty": "Nothing was done here yet.",
    "kept_section": "What is kept",
    "settings_title": "API Security Posture settings",
    "start_title": "Get started with Plumbline",
    "organization": "Organisation",
    "baseline": "Baseline",
    "last_sync": "Last sync",
    "never": "none yet",
    "sync_now": "Sync now",
    "export_csv": "Export CSV",
    "export_html": "Export HTML",
    "settings": "Settings",
    "cancel": "Cancel",
    "try_again": "Try again",
    "frame_away": "Plumbline cannot be reached at the moment. Check the network, then try again.",
    "search": "Search name, group or asset",
    "environment": "Environment",
    "group": "API group",
    "all_groups": "All groups",
    "verdict": "Verdict",
    "severity": "Severity",
    "kind": "Difference",
    "clear_all": "Clear all",
    "filters": "Filters",
    "api": "API",
    "drift": "Security drift",
    "changed": "Last change",
    "caption": "APIs with their verdict and what each environment holds, worst first",
    "not_deployed": "NOT DEPLOYED",
    "could_not_read": "could not read",
    "differs": "differs",
    "view_security": "View security",
    "previous": "Previous",
    "next": "Next",
    "page_size": "APIs per page",
    "first_sync_title": "Ready for the first sync",
    "first_sync": "Plumbline will read every API of the chosen environments, then compare them. "
    "Fifty APIs in three environments take a few seconds.",
    "first_running_title": "The first sync is running",
    "first_running": "The table appears here as soon as everything is read and compared. You can "
    "leave this page meanwhile.",
    "first_sync_wait": "A space editor can start the first sync.",
    "run_first_sync": "Run the first sync",
    "connect_title": "Connect this space to Anypoint",
    "connect": "Is every MuleSoft API protected the same way in every environment? "
    "Connect an Anypoint organisation, and this page answers.",
    "connect_action": "Connect to Anypoint",
    "ask_title": "This space is not connected to Anypoint",
    "ask": "A space administrator connects it in the space settings, under Integrations, with a "
    "read-only Connected App. Ask for API Security Posture to be connected to your organisation.",
    "no_apis_title": "No API was found",
    "no_apis": "These environments were read, and API Manager listed no API in them:",
    "no_apis_scopes": "If APIs are there, the Connected App may lack View APIs Configuration for "
    "these environments or business groups.",
    "nothing_read_title": "No environment could be read",
    "nothing_read": "So nothing is known of any API. Above stands why, for each environment.",
    "no_match_title": "No API matches these filters",
    "no_match": "Remove a filter above, or clear them all.",
    "open_settings": "Open the settings",
    "scopes_needed": "Scopes that the Connected App needs",
    "scopes_hint": "Each for every business group and environment that is to be read. "
    "No scope that writes is needed: leave those out.",
    "gone_connection": "This space is no longer connected to Anypoint",
    "gone_connection_text": "What was read before stays in its history. Nothing is read any more.",
    "to_history": "Open the history",
    "locked": "The stored client secret cannot be read",
    "locked_text": "The encryption key that it was kept with is missing. Nothing was changed, and "
    "syncs fail until the key is back. Ask whoever runs Plumbline to check its keys, or replace "
    "the client secret below.",
    "refused": "Anypoint refuses the credentials",
    "refused_text": "Syncs are paused until they work again. What is shown was read before.",
    "refused_ask": "A space administrator can replace the client secret in the settings.",
    "refused_action": "Replace the credentials",
    "automated": "Automated policies differ between environments",
    "stale": "This is older than it should be",
    "stale_ask": "Ask an editor of this space to sync now.",
    "shrunk": "Far fewer APIs than before",
    "shrunk_why": "If nothing was removed in Anypoint, a scope or a business group may be missing.",
    "failed_sync": "The last sync did not finish",
    "all_aligned": "Every API is aligned",
    "all_aligned_text": "Aligned means the same everywhere: a weakness that all environments share "
    "is counted in its row.",
    "stays": "What was read before stays and is shown.",
    "compare_syncs": "Compare with the sync before",
    "read_again": "The next sync tries again.",
    "syncing": "Syncing",
    "waiting": "Waiting for a worker",
    "publishing": "Comparing and publishing",
    "settings_intro": "Connect this space to an Anypoint organisation with a read-only Connected "
    "App. Plumbline never writes to Anypoint.",
    "connected": "Connected",
    "open_posture": "Open API Security Posture",
    "legend": "Required fields are marked with an asterisk",
    "app_section": "Connected App",
    "control_plane": "Control plane",
    "control_plane_hint": "Where your organisation signs in to Anypoint.",
    "client_id": "Client id",
    "client_id_required": "Enter the client id of the Connected App.",
    "client_secret": "Client secret",
    "client_secret_required": "Enter the client secret of the Connected App.",
    "client_secret_hint": "Kept encrypted. It is never shown again, not even to you.",
    "secret_saved": "Saved",
    "saved_by_you": "by you",
    "saved_by_other": "by another administrator",
    "replace": "Replace",
    "scope_section": "What is compared",
    "scope_before_test": "Test the connection to choose an organisation and environments. Without "
    "a choice, all environments of the app's own organisation are compared, except design.",
    "environments": "Environments, in the order of the columns",
    "environments_hint": "The baseline comes first, and is what the others are compared with.",
    "schedule_section": "Syncs and matching",
    "interval": "Hours between syncs",
    "interval_hint": "1 or more. 24 reads once a day.",
    "suffixes": "Application suffixes that mean the same consumer",
    "suffixes_hint": "Separated by commas, such as -dev, -test. Client applications whose names "
    "differ by one of these only are compared as one.",
    "save": "Save",
    "test": "Test connection",
    "remove": "Remove credentials",
    "keep": "Keep",
    "test_ok": "The connection works",
    "test_found": "The credentials are accepted",
    "test_missing": "Scopes are missing",
    "test_missing_hint": "Ask an Anypoint administrator to grant them to the Connected App, for "
    "every business group and environment that is to be read. You can save meanwhile.",
    "test_failed": "The connection does not work",
    "test_failed_hint": "Nothing was stored. What you typed is still here.",
    "remove_title": "Remove the credentials?",
    "remove_text": "The client id and secret are destroyed and syncs stop. History and snapshots "
    "stay. To go on later, enter the credentials again.",
    "meanwhile_title": "Somebody else saved these settings meanwhile",
    "meanwhile_text": "Nothing of yours was stored. Both versions, where they differ:",
    "meanwhile_setting": "Setting",
    "meanwhile_stored": "Stored now",
    "meanwhile_yours": "Yours",
    "meanwhile_same": "They do not differ.",
    "meanwhile_all": "all but design",
    "meanwhile_kept": "as stored",
    "meanwhile_new": "a new one",
    "meanwhile_mine": "Save mine over it",
    "meanwhile_take": "Take the stored settings",
    "start_lead": "Is every MuleSoft API protected the same way in every environment, and if not, "
    "where is it weaker? Plumbline answers inside your spaces.",
    "start_rights": "Who sees and does what",
}
"""Fixed texts by name."""

REASON_UNKNOWN = "The reason was not recorded."

CONNECT_STEPS = (
    (
        "Create a Connected App in Anypoint",
        "In Access Management, Connected Apps: an app that acts on its own behalf, with the scopes "
        "listed here.",
    ),
    (
        "Enter its client id and secret",
        "The secret is kept encrypted, and never shown again. Test connection names the "
        "environments and every missing scope.",
    ),
    (
        "Run the first sync",
        "Saving starts it. The result appears on this page, and is renewed once a day.",
    ),
)
"""What an administrator does, in order."""

START_STEPS = (
    (
        "Create a Connected App in Anypoint",
        "Access Management, Connected Apps: an app that acts on its own behalf, with the scopes "
        "below. They only read.",
    ),
    (
        "Connect a space",
        "Open the settings of a space, then Integrations, API Security Posture. Enter the app's "
        "client id and secret, test the connection, and save. The first sync starts by itself.",
    ),
    (
        "Open API Security Posture in the sidebar of the space",
        "Every API with its verdict and what each environment holds, worst first.",
    ),
)

START_RIGHTS = (
    "Whoever may view the space may see its API security posture.",
    "Whoever may create pages in it may also start a sync.",
    "Whoever administers it may also connect it to Anypoint.",
)

SCRIPT_TEXTS = {
    "expired": "This view has expired. Reload the Confluence page to go on; what you typed is "
    "still here.",
    "away": "Plumbline cannot be reached at the moment. Check the network, then try again.",
    "again": "Try again",
    "api-gone": "There is nothing here: the last sync found no such API. It may have been removed "
    "in Anypoint, or the link is old. What was found of it before stands in the history.",
    "no-view": "This link leads to nothing that can be shown. It may be old or incomplete, or you "
    "cannot see what it is for.",
    "all-apis": "Show all APIs",
    "reload": "Reload",
    "exporting": "Preparing the export",
    "exported": "{name} was made. If no download has started, this frame may not save files.",
    "export-broken": "The export broke off before its end. Nothing was saved. Try again.",
    "show-text": "Show as text",
    "copy": "Copy",
    "copied": "Copied",
    "close": "Close",
    "sync-started": "Sync started",
    "sync-done": "Sync finished",
    "sync-done-body": "The table shows what was just read.",
    "sync-failed": "The sync did not finish",
    "sync-cancelled": "Sync cancelled",
    "saved": "Settings saved",
    "saved-body": "A sync has started. The posture tab shows its progress.",
    "removed": "Credentials removed",
    "removed-body": "History stays. Nothing is read from Anypoint any more.",
    "outside": "Open this page from Confluence",
    "request": "Request",
    "unsaved": "Some values need your attention.",
    "found": "{organization}: {environments}.",
    "joined": "For example, {from} counts as {to}.",
    "move": "Move {name}",
    "matching": "{found} of {all} APIs match.",
    "snapshot-taken": "Snapshot taken",
    "snapshot-taken-body": "It is listed under History, and can be shown by a macro.",
    "no-api": "Open this from the table of API Security Posture.",
    "security-of": "Security of {name}",
    "show-more": "Show more",
    "show-less": "Show less",
    "live": "Read live",
}
"""Texts that the scripts need; they stand in attributes of the page's body."""

FAULTS = {
    "not_authenticated": (
        "This view has expired",
        "Reload the Confluence page to open it again. Nothing is lost.",
    ),
    "not_permitted": (
        "This needs another right",
        "Only an administrator of this space can open the settings. Ask one to connect the space, "
        "or to add you.",
    ),
    "not_permitted_editor": (
        "This needs another right",
        "Only people who may create pages in this space can choose what a macro shows. Ask an "
        "administrator of the space to let you.",
    ),
    "not_there": (
        "There is nothing here",
        "It does not exist, or you cannot see it. Check the space, or ask for access to it.",
    ),
    "unavailable": ("Not available at the moment", ""),
    "cannot_decrypt": (
        "A stored secret cannot be read",
        "An encryption key is missing. Nothing is lost: ask whoever runs Plumbline to check its "
        "keys, then reload the page.",
    ),
    "too_soon": ("One moment", "There were many requests at once. Wait a little, then reload."),
}
"""What an error page says, by the error's code: a title and the next step.

Without a step the error's own message says what is away.
"""
