#!/bin/sh
# Looks a secret up through the Rekey extension and says that the key worked.
# usage: lookup.sh SECRET_ARN (in a custom runtime, where AWS_SESSION_TOKEN is set)
set -eu
port=${REKEY_HTTP_PORT:-2774}
token="X-Aws-Parameters-Secrets-Token: $AWS_SESSION_TOKEN"

answer=$(curl -fsS -G -H "$token" --data-urlencode "secretId=$1" "http://localhost:$port/secretsmanager/get")
version=$(printf '%s' "$answer" | sed -n 's/.*"VersionId":"\([^"]*\)".*/\1/p')

# ... use the key here ...

curl -fsS -H "$token" -d "{\"secretId\":\"$1\",\"versionId\":\"$version\",\"ok\":true}" \
  "http://localhost:$port/rekey/outcome"
