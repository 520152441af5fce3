"""Mail over SMTP, with Django's own client."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from diagnose.alerts.channel import Field
from diagnose.alerts.message import Message
from diagnose.alerts.outgoing import Failed

NAME, TITLE, REPEAT_SECONDS = "email", "E-mail (SMTP)", 0.0
FIELDS = (
    Field("to", "To", "Addresses, comma separated."),
    Field("from", "From"),
    Field("host", "SMTP server", "With a port, such as mail.example.com:587."),
    Field("security", "Security", "starttls, tls or none.", required=False),
    Field("user", "User", required=False),
    Field("password", "Password", secret=True, required=False),
)
_SECONDS = 10
_PORTS = {"tls": 465, "starttls": 587, "none": 25}


def send(settings: Mapping[str, str], message: Message) -> None:
    security = settings.get("security") or "starttls"
    host, _, port = settings["host"].partition(":")
    backend = EmailBackend(
        host=host,
        port=int(port) if port.isdecimal() else _PORTS.get(security, 25),
        username=settings.get("user", ""),
        password=settings.get("password", ""),
        use_tls=security == "starttls",
        use_ssl=security == "tls",
        timeout=_SECONDS,
    )
    people = [one.strip() for one in settings["to"].split(",") if one.strip()]
    subject = " ".join(message.title.split())[:200]
    mail = EmailMessage(subject, "\n".join(message.lines()), settings["from"], people, connection=backend)
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        raise Failed(f"{host}: {type(error).__name__}: {error}"[:300]) from None
