"""Uses a key twice, over whatever rotation comes between: run beside `rekey agent`."""

import os
import sys
import urllib.error
import urllib.request

from rekey_agent import Key

key = Key(os.environ["OPENAI_SECRET"], os.environ.get("OPENAI_FIELD"))


def list_models():
    url = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1") + "/models"
    for attempt in (1, 2):
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key()}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                answer = response.read().decode()
        except urllib.error.HTTPError as error:
            # A refused key is replaced at once if there is another one: then once more with that.
            if error.code == 401 and key.outcome(ok=False) and attempt == 1:
                continue
            raise
        key.outcome(ok=True)
        return answer


for _ in sys.stdin:
    print(list_models(), key.version, flush=True)
