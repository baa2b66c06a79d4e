"""A Python function that takes its key from the Rekey extension and tells it what became of it."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

PORT = os.environ.get("REKEY_HTTP_PORT", "2774")
SECRET = os.environ["OPENAI_SECRET_ARN"]


def call_extension(path, body=None):
    request = urllib.request.Request(
        f"http://localhost:{PORT}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]},
    )
    with urllib.request.urlopen(request, timeout=6) as response:
        return json.load(response)


def look_up():
    secret = call_extension("/secretsmanager/get?secretId=" + urllib.parse.quote(SECRET, safe=""))
    return secret["VersionId"], json.loads(secret["SecretString"])["apiKey"]


def use_key(work):
    """Runs work(key); when the key is refused and another one is there by now, once more."""
    for attempt in (1, 2):
        version, key = look_up()
        try:
            answer = work(key)
        except urllib.error.HTTPError as error:
            if error.code != 401:
                raise
            told = call_extension("/rekey/outcome", {"secretId": SECRET, "versionId": version, "ok": False})
            if attempt == 2 or not told["changed"]:
                raise
        else:
            call_extension("/rekey/outcome", {"secretId": SECRET, "versionId": version, "ok": True})
            return answer


def list_models(key):
    url = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1") + "/models"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def handler(event, context):
    return use_key(list_models)
