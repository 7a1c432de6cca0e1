#!/usr/bin/env bash
# Watches incidents with curl: one JSON line an event. URL and TOKEN are in the environment; the file that is named takes
# the last event's id, and the next run goes on right after it.
set -euo pipefail
kept=${1:?name a file for the last id}
resume=()
[ -s "$kept" ] && resume=(-H "Last-Event-ID: $(cat "$kept")")
curl --silent --show-error --fail --no-buffer "$URL/graphql" \
  -H "Authorization: Bearer $TOKEN" -H "Accept: text/event-stream" -H "Content-Type: application/json" \
  ${resume[@]+"${resume[@]}"} \
  --data '{"query":"subscription { incidents { cursor type incident { id kind drill } } }"}' |
  while IFS= read -r line; do
    case $line in
      id:*) id=${line#id:} id=${id# } ;;
      data:*\"cursor\"*) printf '%s\n' "${line#data:}" && printf '%s' "${id:-}" >"$kept" ;;
    esac
  done
