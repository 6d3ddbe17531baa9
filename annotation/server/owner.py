"""Makes the desk's owner in the server's tables what `owner.json` says."""

from collections.abc import Mapping

from argilla_server.contexts import accounts
from argilla_server.database import AsyncSessionLocal, async_engine
from argilla_server.models import User, UserRole


async def ensure(wanted: Mapping[str, str]) -> None:
    """Create or correct the owner; the file is the truth, so a lost one is mended by deleting it and starting again."""
    async with AsyncSessionLocal() as db:
        user = await accounts.get_user_by_username(db, wanted["username"])
        if user is None:
            await User.create(
                db,
                first_name="Owner",
                username=wanted["username"],
                role=UserRole.owner,
                api_key=wanted["api_key"],
                password_hash=accounts.hash_password(wanted["password"]),
            )
        else:
            changes: dict[str, object] = {}
            if user.api_key != wanted["api_key"]:
                changes["api_key"] = wanted["api_key"]
            if not accounts.verify_password(wanted["password"], user.password_hash):
                changes["password_hash"] = accounts.hash_password(wanted["password"])
            if user.role != UserRole.owner:
                changes["role"] = UserRole.owner
            if changes:
                await user.update(db, **changes)
    await async_engine.dispose()  # its connections belong to an event loop that ends here
