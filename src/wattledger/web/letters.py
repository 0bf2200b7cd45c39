"""What our mails say: short, plain, one link."""

from __future__ import annotations

from wattledger.web.mail import Letter

LONGEST_NAME = 60


def sign_in(to: str, link: str) -> Letter:
    """The mail with a sign-in link."""
    return Letter(
        to,
        "Sign in to Wattledger",
        "Somebody, hopefully you, asked to sign in to Wattledger with this address.\n\n"
        f"{link}\n\n"
        "The link works once, for ten minutes. If it was not you, ignore this mail: nothing happens.\n",
    )


def invitation(to: str, link: str, site: str, inviter: str | None, role: str) -> Letter:
    """The mail with an invitation to a site; one that is sent again names no inviter."""
    who = f"{inviter} invites you" if inviter else "You are invited"
    return Letter(
        to,
        "You are invited to Wattledger",
        f"{who} to the site {_quoted(site)} on Wattledger, as {_article(role)}.\n\n"
        f"{link}\n\n"
        "The link works once, for seven days. If you do not know the sender, ignore this mail.\n",
    )


def _quoted(name: str) -> str:
    """A name that somebody chose, so that it cannot pass for the mail's own words or a link."""
    plain = " ".join(name.replace("://", " ").replace('"', "'").split())
    return f'"{plain[:LONGEST_NAME]}"'


def _article(role: str) -> str:
    return f"{'a' if role == 'member' else 'an'} {role}"
