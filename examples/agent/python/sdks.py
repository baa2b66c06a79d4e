"""Keys for the OpenAI and Anthropic SDKs, current at each request. Neither SDK is needed to import this."""

from rekey_agent import Key


def openai_client(secret, field=None, client_class=None, **options):
    """OpenAI asks a callable api_key before each attempt (openai 1.106 or later)."""
    if client_class is None:
        from openai import OpenAI as client_class
    return client_class(api_key=Key(secret, field), **options)


def anthropic_client(secret, field=None, client_class=None, **options):
    """Anthropic takes text only, but builds its header from `client.api_key` at each request: a property renews it."""
    if client_class is None:
        from anthropic import Anthropic as client_class
    key = Key(secret, field)

    class Renewing(client_class):
        @property
        def api_key(self):
            return key()

        @api_key.setter
        def api_key(self, text):
            """The constructor sets what it was given; what counts is what the agent says."""

    return Renewing(api_key=key(), **options)
