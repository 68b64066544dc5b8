#!/usr/bin/env bash
# Fills the corpus with what the program itself writes: a person's archive, its parts, and an export. $1 is the program.
set -euo pipefail

program=$(realpath "$1")
corpus=$(dirname "$(realpath "$0")")/corpus
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
mkdir -p "$corpus"/{archive,document,seal,yaml}

cd "$made"
export WAYBILL_SAMPLE_PASSWORD=of-a-sample
state=(--state "sqlite:$made/state.db" --source "sqlite:$made/carol.db")
"$program" sample --application carol --users 3 --people 2 --output carol.db --media media >/dev/null 2>&1
person=$(sqlite3 carol.db 'SELECT min(id) FROM users')
"$program" export "${state[@]}" --profile carol --person "$person" --layout carol --media media --output own.tar.gz >/dev/null 2>&1
gzip -dc own.tar.gz >"$corpus/archive/own.tar"
tar -xf "$corpus/archive/own.tar"
cp waybill.json "$corpus/seal/"
cp ./*.yaml "$corpus/yaml/"
"$program" export "${state[@]}" --profile carol --tables people,notes --output "$corpus/document/part.json" --force >/dev/null 2>&1
"$program" export "${state[@]}" --profile carol --output "$corpus/document/whole.json" --force >/dev/null 2>&1
printf '"1":\n  title: "no"\n  facts: {"a": [1.5, null, "\\u2028"]}\n  lent: true\n  pages:\n    "2":\n      weight: 1e3\n      price: "1.50"\n  tags:\n    - tag: "x"\n' >"$corpus/yaml/books"
printf '[{"a":"b"}, -1.5e3, null, "\\x1b"]' >"$corpus/yaml/value"
