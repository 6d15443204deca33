"""Notifications: to Slack and by mail, from the job worker, to nobody the operator has not named."""

import base64
import email
import email.policy

import pytest

from harness.receivers import MailServer, Receiver
from harness.waiting import wait_until

NOTIFY = "/internal/notifications"


@pytest.fixture(scope="module")
def slack():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def mail():
    made = MailServer()
    made.features = ["AUTH PLAIN", "8BITMIME"]
    yield made
    made.close()


@pytest.fixture(scope="module")
def own_stack(module_stack):
    """Job workers of other settings must not take these jobs."""
    return module_stack


@pytest.fixture(scope="module")
def notifier(own_stack, slack, mail):
    one = own_stack.server(SLACK_WEBHOOK_URL=slack.url("/services/T0/B0/secret-of-the-webhook"), SMTP_URL=mail.url,
                           SMTP_STARTTLS="false", SMTP_USER="postman", SMTP_PASSWORD="password-of-the-postman",
                       SMTP_FROM="msp@example.net", NOTIFY_TO="ops@example.com, Lead@example.com",
                       NOTIFY_ALLOW="example.org, one@example.net")
    return one.start()


def send(server, **wish):
    """The finished job of a notification."""
    return server.job(NOTIFY, wish)


def read(letter):
    return email.message_from_bytes(letter.message, policy=email.policy.default)


# ---- Slack ----

def test_a_message_reaches_slack_with_its_markup_disarmed(notifier, slack):
    slack.answer = lambda delivery, number: 200
    job = send(notifier, channel="slack", subject="Export <b>", text="done & dusted\n<!channel> é")
    assert job["state"] == "succeeded" and job["result"] == {"channel": "slack"}
    assert job["kind"] == "notification" and job["tenant_id"] is None
    told = slack.deliveries[-1]
    assert told.path == "/services/T0/B0/secret-of-the-webhook"
    assert told.headers["Content-Type"] == "application/json"
    assert told.json == {"text": "*Export &lt;b&gt;*\ndone &amp; dusted\n&lt;!channel&gt; é"}
    assert "secret-of-the-webhook" not in notifier.log()
    assert "secret-of-the-webhook" not in notifier.command("show-config").stdout


def test_a_message_that_slack_puts_off_comes_later_and_burns_no_attempt(notifier, slack):
    seen = len(slack.deliveries)
    slack.answer = lambda delivery, number: (429, {"Retry-After": "1"}) if number == seen + 1 else 200
    job = send(notifier, channel="slack", text="later")
    assert job["state"] == "succeeded" and job["attempt"] == 1
    first, second = slack.deliveries[seen:]
    assert second.at - first.at >= 0.9


def test_a_message_is_sent_again_when_slack_falters_and_not_when_it_refuses(notifier, slack):
    seen = len(slack.deliveries)
    slack.answer = lambda delivery, number: 503 if number == seen + 1 else 403
    job = send(notifier, channel="slack", text="refused")
    assert job["state"] == "failed" and job["attempt"] == 2
    assert job["error"]["code"] == "slack_refused"
    assert len(slack.deliveries) == seen + 2


def test_the_same_key_twice_is_one_message_and_the_same_words_are_two(notifier, slack):
    slack.answer = lambda delivery, number: 200
    seen = len(slack.deliveries)
    ids = set()
    for _ in range(2):
        answer = notifier.internal("POST", NOTIFY, {"channel": "slack", "text": "once"},
                                   headers={"Idempotency-Key": "one-message", "Prefer": "wait=30"}).must(200, 202)
        ids.add(answer.json["job"]["id"])
    assert len(ids) == 1 and len(slack.deliveries) == seen + 1
    jobs = [notifier.internal("POST", NOTIFY, {"channel": "slack", "text": "twice"}).must(202) for _ in range(2)]
    assert len({notifier.finished(answer.json["job"]["id"])["id"] for answer in jobs}) == 2
    assert len(slack.deliveries) == seen + 3


# ---- mail ----

def test_a_letter_reaches_those_the_operator_names_by_default(notifier, mail):
    seen = len(mail.letters)
    text = "Grüße\n.\nBcc: nobody@example.com\n"
    job = send(notifier, channel="email", subject="Wöchentlicher Bericht über alles, was in dieser Woche geschah", text=text)
    assert job["state"] == "succeeded", job
    letter, = mail.letters[seen:]
    assert letter.sender == "msp@example.net"
    assert letter.receivers == ["ops@example.com", "Lead@example.com"]
    message = read(letter)
    assert message["Subject"] == "Wöchentlicher Bericht über alles, was in dieser Woche geschah"
    assert message["From"] == "msp@example.net" and message["To"] == "ops@example.com, Lead@example.com"
    assert message["Bcc"] is None and job["id"] in message["Message-ID"]
    assert message.get_content() == text.replace("\n", "\r\n")
    assert "password-of-the-postman" not in notifier.log()
    signed_in = mail.commands[mail.commands.index("AUTH PLAIN") + 1]
    assert base64.b64decode(signed_in) == b"\0postman\0password-of-the-postman"


@pytest.mark.parametrize("to", ["anyone@example.org", "one@example.net", "anyone@EXAMPLE.ORG, ops@example.com"])
def test_a_letter_reaches_those_the_rule_allows(notifier, mail, to):
    assert send(notifier, channel="email", text="hello", to=to)["state"] == "succeeded"
    assert mail.letters[-1].receivers == [entry.strip() for entry in to.split(",")]


@pytest.mark.parametrize("wish,pointer", [
    ({"channel": "email", "text": "x", "to": "somebody@elsewhere.example"}, "/to"),
    ({"channel": "email", "text": "x", "to": "two@example.net"}, "/to"),
    ({"channel": "email", "text": "x", "to": "ops@example.com, spam@elsewhere.example"}, "/to"),
    ({"channel": "email", "text": "x", "to": "ops@example.com\r\nBcc: x@elsewhere.example"}, "/to"),
    ({"channel": "email", "text": "x", "to": "<ops@example.com>"}, "/to"),
    ({"channel": "email", "text": "x", "to": ""}, "/to"),
    ({"channel": "email", "text": "x", "to": ["ops@example.com"]}, "/to"),
    ({"channel": "email", "text": "x", "to": ",".join(["ops@example.com"] * 21)}, "/to"),
    ({"channel": "email", "text": "x", "subject": "a\r\nBcc: x@elsewhere.example"}, "/subject"),
    ({"channel": "email", "text": "x", "subject": "a" * 201}, "/subject"),
    ({"channel": "email", "text": ""}, "/text"), ({"channel": "email"}, "/text"),
    ({"channel": "email", "text": "x" * 30001}, "/text"),
    ({"channel": "slack", "text": "x", "to": "ops@example.com"}, "/to"),
    ({"channel": "pigeon", "text": "x"}, "/channel"), ({"text": "x"}, "/channel"),
    ({"channel": "slack", "text": "x", "cc": "y"}, "/cc")])
def test_what_must_not_be_sent_is_refused_at_the_door(notifier, own_stack, wish, pointer):
    before = own_stack.query("SELECT count(*) FROM msp.jobs WHERE kind = 'notification'")
    assert pointer in notifier.internal("POST", NOTIFY, wish).must(400).pointers()
    assert own_stack.query("SELECT count(*) FROM msp.jobs WHERE kind = 'notification'") == before


def test_a_letter_is_sent_again_when_its_server_defers_and_not_when_it_refuses(notifier, mail):
    seen = len(mail.letters)
    mail.replies = {"RCPT": ["451 greylisted"]}
    job = send(notifier, channel="email", text="patience")
    assert job["state"] == "succeeded" and job["attempt"] == 2
    mail.replies = {"END": ["554 spam"]}
    job = send(notifier, channel="email", text="refused")
    assert job["state"] == "failed" and job["attempt"] == 1 and job["error"]["code"] == "mail_refused"
    mail.replies = {"AUTH": ["535 who are you"]}
    job = send(notifier, channel="email", text="unknown")
    assert job["state"] == "failed" and job["attempt"] == 1 and job["error"]["code"] == "mail_refused"
    assert len(mail.letters) == seen + 1


def test_a_letter_does_not_go_in_the_clear_unless_the_operator_says_so(notifier, mail):
    seen, said = len(mail.letters), len(mail.commands)
    notifier.configure(SMTP_STARTTLS="true")
    assert notifier.reload().returncode == 0
    try:
        answer = notifier.internal("POST", NOTIFY, {"channel": "email", "text": "secret"}).must(202)
        path = f"/internal/jobs/{answer.json['job']['id']}"
        wait_until(lambda: notifier.internal("GET", path).must(200).json["job"]["error"], 15, "the attempt to fail")
        notifier.internal("POST", f"{path}/cancel").must(200)
    finally:
        notifier.configure(SMTP_STARTTLS="false")
        assert notifier.reload().returncode == 0
    assert len(mail.letters) == seen
    assert not [command for command in mail.commands[said:] if command.startswith(("AUTH", "MAIL"))]


# ---- channels that are off ----

@pytest.mark.parametrize("channel", ["slack", "email"])
def test_a_channel_that_is_off_is_refused_with_its_reason(server, channel):
    problem = server.internal("POST", NOTIFY, {"channel": channel, "text": "x"}).problem(400, "channel_off")
    assert {"slack": "SLACK_WEBHOOK_URL", "email": "SMTP_URL"}[channel] in str(problem)
