"""The part of the command line that says who answers: accounts, pseudonyms and pools of a desk."""

from typing import Annotated

import typer

from annotation.commands import HomeOption
from annotation.desk.home import default_home
from dataset_cards.options import JsonOption
from dataset_cards.said import say
from dataset_cards.terminal import table

users = typer.Typer(
    no_args_is_help=True,
    help="Who answers. Of the desk on this machine, or of the one ARGILLA_API_URL and ARGILLA_API_KEY name.",
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the person signs in with.")]


@users.command()
def add(
    name: NameArgument,
    pool: Annotated[str | None, typer.Option(help="Also one of this pool, which is made if need be.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give somebody an account and a pseudonym; the password is in a file only you can read."""
    from annotation.desk.accounts import add_person
    from annotation.desk.argilla import find_desk

    place = (home or default_home()).absolute()
    made = add_person(find_desk(place).client, place, name, pool)
    file = str(made.file) if made.file else None
    pools = f", in {', '.join(made.pools)}" if made.pools else ""
    where = (
        f"address, name and password are in {file}; hand them over safely" if file else "the password stays as it is"
    )
    values = {"name": made.name, "pseudonym": made.pseudonym, "pools": made.pools, "file": file}
    say(values, f"{made.name} is {made.pseudonym}{pools}\n{where}", as_json)


@users.command("list")
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Everybody who answers, with what they have answered and what is still open for them."""
    from annotation.desk.accounts import standings
    from annotation.desk.argilla import find_desk

    found = standings(find_desk((home or default_home()).absolute()).client)
    rows = [(one.pseudonym, one.name, ", ".join(one.pools), one.open, one.answered) for one in found]
    text = table(("pseudonym", "name", "pools", "open", "answered"), rows, right=(3, 4))
    say([vars(one) for one in found], text if rows else "nobody; `gristmill desk user add NAME` adds somebody", as_json)


@users.command()
def remove(name: NameArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Take somebody's account away. The pseudonym and everything answered under it stay."""
    from annotation.desk.accounts import remove_person
    from annotation.desk.argilla import find_desk

    place = (home or default_home()).absolute()
    pseudonym = remove_person(find_desk(place).client, place, name)
    text = f"{name} cannot sign in any more; the answers of {pseudonym} stay"
    say({"name": name, "pseudonym": pseudonym, "removed": True}, text, as_json)
