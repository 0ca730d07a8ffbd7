#!/usr/bin/env bash
# Compiles SparkPi.java against the Spark of a release label into a jar: build-jar.sh [TARGET] [LABEL]
# Installs that release first, if it is not there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=$(realpath -m "${1:-spark-pi.jar}")
label=${2:-emr-7.13.0}
firesteel=${FIRESTEEL:-$here/../../target/release/firesteel}

# "emr-7.13.0: Spark 3.5.6 in /…"
runtime=$("$firesteel" release install "$label" | sed -n 's/^.*: Spark [^ ]* in //p')
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
bin=${JAVA_HOME:+$JAVA_HOME/bin/}
"${bin}javac" --release 8 -Xlint:-options -cp "$runtime/spark/jars/*" -d "$classes" "$here/SparkPi.java"
mkdir -p "$(dirname "$target")"
"${bin}jar" --create --file "$target" --main-class SparkPi -C "$classes" .
echo "$target"
