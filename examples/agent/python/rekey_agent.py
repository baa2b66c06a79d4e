"""Takes a key from the Rekey agent on this host and tells it what became of it. Standard library only."""

import json
import os
import urllib.parse
import urllib.request

PORT = os.environ.get("REKEY_HTTP_PORT", "2773")
TOKEN_FILE = os.environ.get("REKEY_TOKEN_FILE", "/run/rekey/token")


class Key:
    """One field of one secret. The instance itself can be called, as the OpenAI SDK wants its api_key to be."""

    def __init__(self, secret, field=None):
        self.secret = secret
        self.field = field
        self.version = None

    def __call__(self):
        """The current key, from the agent's memory: cheap enough for each request."""
        found = _call("/secretsmanager/get?secretId=" + urllib.parse.quote(self.secret, safe=""))
        self.version = found["VersionId"]
        text = found["SecretString"]
        return json.loads(text)[self.field] if self.field else text

    def outcome(self, ok):
        """Tells whether the provider took the key, and answers True if there is another one now."""
        body = {"secretId": self.secret, "versionId": self.version, "ok": ok}
        return _call("/rekey/outcome", body)["changed"]


def _call(path, body=None):
    # The token is read each time: it is another one after the host was started again.
    with open(TOKEN_FILE, encoding="ascii") as file:
        headers = {"X-Aws-Parameters-Secrets-Token": file.read()}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=6) as response:
        return json.load(response)
