"""Reading what the settings page shows: the connection as stored, with the name of who saved it."""

from app.caller import AccountId
from app.store import connections
from app.store.connections import Connection
from app.store.database import DB
from app.store.encryption import CannotDecrypt
from app.web.dependencies import SpaceCaller
from app.web.macros.people import names_of
from app.web.settings.view import SettingsView, settings
from app.web.state import Services


async def shown_settings(services: Services, admin: SpaceCaller) -> SettingsView:
    """Return the form as it is stored now; empty before there is a connection."""
    async with services.database.transaction(admin.site_id) as db:
        connection = await connections.current(db, admin.site_id, admin.space_id)
        is_locked = await _is_locked(db, services, admin)
    name = await _saver(services, admin, connection)
    planes = services.control_planes
    return settings(connection, admin.account_id, planes, name, is_locked=is_locked)


async def _is_locked(db: DB, services: Services, admin: SpaceCaller) -> bool:
    """Tell whether the stored secret is sealed with a key that this deployment does not have."""
    try:
        await connections.client_secret(db, admin.site_id, admin.space_id, services.keyring)
    except CannotDecrypt:
        return True
    return False


async def _saver(services: Services, admin: SpaceCaller, connection: Connection | None) -> str:
    """Return the name of another person who saved the secret; empty where it need not be asked."""
    saver: AccountId | None = connection.secret_saved_by if connection else None
    if saver is None or saver == admin.account_id:
        return ""
    return (await names_of(services, admin.caller, [saver])).get(saver, "")
