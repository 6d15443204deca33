"""JSON Web Tokens made by hand, good ones and bad ones."""

import base64
import hashlib
import hmac
import json
import time


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def sign(secret, header_text, payload_text):
    """A token whose two parts are exactly these texts, signed with HMAC-SHA256."""
    signed = f"{base64url(header_text.encode())}.{base64url(payload_text.encode())}"
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64url(mac)}"


def token(secret, role, tenant=None, subject="tester", ttl=3600, **claims):
    """A token as `msp-analytics token` makes one; `claims` replace or add, None removes."""
    payload = {"sub": subject, "role": role, "aud": "msp-analytics",
               "iat": int(time.time()), "exp": int(time.time()) + ttl}
    if tenant is not None:
        payload["tenant"] = tenant
    payload.update(claims)
    payload = {name: value for name, value in payload.items() if value is not None}
    return sign(secret, '{"alg":"HS256","typ":"JWT"}', json.dumps(payload))
