"""A letter to the owner of a job that has ended, where the settings name a mail server.

Sent by a thread of its own, at most once: a mail server that is away is tried again for some minutes, then
the log says so. A job's end is never held up by it.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from sqlalchemy import select

from perijove.core.errors import PerijoveError
from perijove.core.settings import MailSettings, Settings
from perijove.core.states import JobState
from perijove.histories.database import Database
from perijove.histories.services.outcome import format_seconds
from perijove.histories.store.models import Job, User

log = logging.getLogger("perijove.histories.mail")

PAUSES = (10.0, 60.0, 300.0)
"""Seconds before each further attempt."""
_TIMEOUT = 30.0


class JobMail:
    """Letters about jobs; does nothing where no mail server is set."""

    def __init__(self, settings: Settings, database: Database, *, pauses: Sequence[float] = PAUSES) -> None:
        self._settings = settings
        self._database = database
        self._pauses = pauses
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="job-mail") if settings.mail.host else None

    def ended(self, job_id: str) -> None:
        """Write to the job's owner, soon. Returns at once."""
        if self._pool is not None:
            self._pool.submit(self._tell, job_id)

    def close(self) -> None:
        """Send what is at hand once more, without waiting for a mail server that is away."""
        self._closing.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _tell(self, job_id: str) -> None:
        try:
            letter = self._letter(job_id)
            if letter is not None:
                self._send(letter, job_id)
        except (PerijoveError, ValueError) as error:
            log.warning("nobody was written to about job %s: %s", job_id, error)
        except Exception:
            log.exception("nobody was written to about job %s", job_id)

    def _letter(self, job_id: str) -> EmailMessage | None:
        with self._database.read() as session:
            row = session.execute(
                select(Job, User.name).join(User, Job.user_id == User.id).where(Job.id == job_id)
            ).one_or_none()
            return letter(row[0], row[1], self._settings) if row else None

    def _send(self, letter: EmailMessage, job_id: str) -> None:
        for pause in (*self._pauses, None):
            try:
                deliver(letter, self._settings.mail)
            except smtplib.SMTPResponseException as error:
                if error.smtp_code >= 500 or pause is None:
                    raise ValueError(f"the mail server says {error.smtp_code}") from error
            except (OSError, smtplib.SMTPException) as error:
                if pause is None:
                    raise ValueError(f"the mail server does not take it: {type(error).__name__}") from error
            else:
                log.info("wrote to the owner of job %s", job_id)
                return
            if self._closing.wait(pause):
                raise ValueError("the server ends, and the mail server is away")


def letter(job: Job, user: str, settings: Settings) -> EmailMessage | None:
    """What to write about an ended job; None where nothing is: cancelled, quick, or nobody knows where to."""
    address = settings.mail.address_of(user)
    took = (job.end_time - job.create_time).total_seconds() if job.end_time else 0.0
    if address is None or job.state is JobState.DELETED or took < settings.mail.after:
        return None
    name, done = job.name or job.tool_id, job.state is JobState.OK
    message = EmailMessage()
    message["From"], message["To"] = settings.mail.sender, address
    message["Subject"] = f"{name} is done" if done else f"{name} has failed"
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="perijove.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(_lines(job, name, took, settings)) + "\n")
    return message


def _lines(job: Job, name: str, took: float, settings: Settings) -> list[str]:
    first = f"Your job {name} {'is done' if job.state is JobState.OK else 'has failed'}"
    lines = [f"{first} after {format_seconds(round(took))}."]
    error = job.error or {}
    lines += [str(error[part])[:1000] for part in ("message", "advice") if error.get(part)]
    return [
        *lines,
        "",
        f"Its outputs are in the history {job.history.name}:",
        f"{settings.url}/hub/user-redirect/lab",
    ]


def deliver(letter: EmailMessage, mail: MailSettings) -> None:
    """Give a letter to the mail server. OSError or SMTPException where it does not take it."""
    context = ssl.create_default_context()
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=_TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=_TIMEOUT)
    with server:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.username and mail.password is not None:
            server.login(mail.username, mail.password.get_secret_value())
        server.send_message(letter)
